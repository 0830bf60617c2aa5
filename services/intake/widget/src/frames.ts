/** The frames of docs/channels/chat.md, as the server sends them and as it takes them. */

export type Author = "visitor" | "agent" | "bot" | "system";
export type Status = "waiting" | "joined" | "solved" | "closed_idle" | "ended";

/** What a visitor can ask for, and gets an answer to. */
export type Wish = "transcript" | "end";

export interface Settings {
  name?: string;
  greeting: string;
  transcript: boolean;
  language?: string;
  most_characters: number;
}

export interface Said {
  type: "message";
  seq: number;
  author_kind: Author;
  author_name?: string;
  client_message_id?: string;
  text: string;
  at: string;
}

export interface Welcome {
  type: "welcome";
  conversation_id: string;
  resume_token: string;
  seq: number;
  open: boolean;
  read_up_to: number;
  settings: Settings;
}

export type Told =
  | Welcome
  | Said
  | { type: "ack"; client_message_id: string; seq: number; at: string }
  | { type: "typing"; is_typing: boolean }
  | { type: "read"; up_to_seq: number }
  | { type: "status"; status: Status }
  | { type: "noted"; about: Wish }
  | { type: "error"; code: string; client_message_id?: string; about?: Wish; retry_after_s?: number }
  | { type: "ping" }
  | { type: "pong" };

export type Asked =
  | {
      type: "hello";
      public_key: string;
      visitor_token?: string;
      resume_token?: string;
      last_seq: number;
      page?: string;
      language?: string;
    }
  | { type: "message"; client_message_id: string; text: string }
  | { type: "typing"; is_typing: boolean }
  | { type: "received"; up_to_seq: number }
  | { type: "read"; up_to_seq: number }
  | { type: "transcript"; email?: string }
  | { type: "end" }
  | { type: "ping" }
  | { type: "pong" };
