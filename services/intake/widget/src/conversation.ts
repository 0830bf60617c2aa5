/**
 * What was said and what is still to be sent, whatever happens to the connection.
 *
 * A message waits in the queue until the server says that it is stored. Only the first of the queue is on its
 * way, so that messages arrive as they were written; after a lost connection it is sent again under the same
 * id, which the server recognises. What comes is taken in the order of its numbers, each once.
 */

import type { Asked, Said, Settings, Status, Told, Wish } from "./frames";
import type { Memory, Pending } from "./memory";
import { Wishes } from "./wishes";

export interface Outside {
  memory: Memory;
  send(frame: Asked): void;
  later(action: () => void, ms: number): void;
  newId(): string;
  now(): string;
  changed(): void;
  /** Nobody heard of this yet: a message of the staff that was not shown before. */
  heard(message: Said): void;
}

const TYPING_MS = 6000;
const MARK_MS = 200;

/** What the server can take of a text: no control characters, no halves of characters. */
export function clean(text: string): string {
  return text.replace(/\p{Cs}/gu, "\ufffd").replace(/(?![\n\t])\p{Cc}/gu, "").trim();
}

/** As much of a page's language as is one, however it is written. */
export function languageTag(language: string): string {
  return /^[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}(?![^-])/i.exec(language)?.[0] ?? "en";
}

export class Conversation {
  said: Said[] = [];
  pending: Pending[];
  readonly wishes: Wishes;
  status: Status | undefined;
  settings: Settings | undefined;
  isConnected = false;
  isTyping = false;
  staffReadUpTo = 0;
  private id: string | undefined;
  private typingTurn = 0;
  private sendTurn = 0;
  private isLookedAt = false;
  private knownUpTo = 0;
  /** Up to where this connection's server knows that everything is here, and was seen. */
  private marked = { received: 0, read: 0 };
  private isMarking = false;

  constructor(private readonly outside: Outside) {
    this.pending = outside.memory.pending;
    this.wishes = new Wishes({
      send: (frame) => outside.send(frame),
      later: (action, ms) => outside.later(action, ms),
      isFree: () => this.isConnected && this.waiting.length === 0,
    });
  }

  get lastSeq(): number {
    return this.said.at(-1)?.seq ?? 0;
  }

  /** How many messages of the staff wait to be read. */
  get unread(): number {
    const readUpTo = this.outside.memory.readUpTo;
    return this.said.filter((message) => message.author_kind !== "visitor" && message.seq > readUpTo).length;
  }

  /** Whether there is something to go on with. */
  get hasBegun(): boolean {
    return this.said.length > 0 || this.pending.length > 0 || this.outside.memory.resumeToken !== undefined;
  }

  hello(publicKey: string, visitorToken?: string, page?: string, language?: string): Asked {
    const resumeToken = this.outside.memory.resumeToken;
    return {
      type: "hello",
      public_key: publicKey,
      last_seq: this.lastSeq,
      ...(resumeToken && { resume_token: resumeToken }),
      ...(visitorToken && { visitor_token: visitorToken }),
      ...(page && { page: page.slice(0, 2000) }),
      ...(language && { language: languageTag(language) }),
    };
  }

  write(written: string): void {
    const text = clean(written);
    if (!text) return;
    // Whoever goes on writing is not done.
    this.wishes.withdraw("end");
    this.pending.push({ id: this.outside.newId(), text, at: this.outside.now() });
    this.keep();
    if (this.waiting.length === 1) this.sendFirst();
  }

  /** Sends a refused message once more. */
  again(id: string): void {
    const message = this.pending.find((one) => one.id === id);
    if (!message?.refused) return;
    this.pending = this.pending.filter((one) => one !== message);
    this.keep();
    this.write(message.text);
  }

  types(isTyping: boolean): void {
    if (this.isConnected) this.outside.send({ type: "typing", is_typing: isTyping });
  }

  transcript(email: string): void {
    this.wishes.make("transcript", { type: "transcript", email });
    this.outside.changed();
  }

  end(): void {
    this.wishes.make("end", { type: "end" });
  }

  /** Whether the visitor is looking: then everything that is there is read. */
  look(isLookedAt: boolean): void {
    this.isLookedAt = isLookedAt;
    this.see();
    this.mark();
  }

  lost(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.isTyping = false;
    this.sendTurn += 1;
    this.outside.changed();
  }

  receive(frame: Told): void {
    switch (frame.type) {
      case "welcome":
        if (this.id !== undefined && this.id !== frame.conversation_id) this.forget();
        this.id = frame.conversation_id;
        this.outside.memory.resumeToken = frame.resume_token;
        if (frame.seq < this.outside.memory.readUpTo) this.outside.memory.readUpTo = 0;
        this.knownUpTo = Math.max(this.knownUpTo, frame.seq);
        this.settings = frame.settings;
        this.staffReadUpTo = frame.read_up_to;
        this.isConnected = true;
        this.marked = { received: 0, read: 0 };
        this.sendFirst();
        this.see();
        this.mark();
        break;
      case "message":
        this.take(frame);
        break;
      case "ack":
        this.stored(frame.client_message_id);
        break;
      case "typing":
        this.typing(frame.is_typing);
        break;
      case "read":
        this.staffReadUpTo = Math.max(this.staffReadUpTo, frame.up_to_seq);
        break;
      case "status":
        this.status = frame.status;
        break;
      case "noted":
        this.wishes.answered(frame.about, "noted");
        break;
      case "error":
        if (frame.about) this.unfulfilled(frame.about, frame.retry_after_s);
        else this.failed(frame.client_message_id, frame.retry_after_s);
        break;
      case "ping":
        this.outside.send({ type: "pong" });
        return;
      case "pong":
        return;
    }
    this.outside.changed();
  }

  private get waiting(): Pending[] {
    return this.pending.filter((message) => !message.refused);
  }

  private sendFirst(): void {
    const first = this.waiting[0];
    if (!first) this.wishes.askAll();
    if (!first || !this.isConnected) return;
    this.sendTurn += 1;
    this.outside.send({ type: "message", client_message_id: first.id, text: first.text });
  }

  private take(message: Said): void {
    // The server leaves nothing out: what is not the next one is a repeat.
    if (message.seq <= this.lastSeq) return;
    this.said.push(message);
    if (message.client_message_id) this.stored(message.client_message_id);
    if (message.author_kind !== "visitor") {
      this.isTyping = false;
      if (message.seq > this.knownUpTo) this.outside.heard(message);
    }
    this.see();
    this.mark();
  }

  private stored(id: string): void {
    const wasFirst = this.waiting[0]?.id === id;
    const before = this.pending.length;
    this.pending = this.pending.filter((message) => message.id !== id);
    if (this.pending.length === before) return;
    this.keep();
    if (wasFirst) this.sendFirst();
  }

  private failed(id: string | undefined, retryAfterS: number | undefined): void {
    if (id === undefined || this.waiting[0]?.id !== id) return;
    if (retryAfterS === undefined) {
      this.pending = this.pending.map((message) => (message.id === id ? { ...message, refused: true } : message));
      this.keep();
      this.sendFirst();
      return;
    }
    const turn = this.sendTurn;
    this.outside.later(() => {
      if (turn === this.sendTurn) this.sendFirst();
    }, retryAfterS * 1000);
  }

  private unfulfilled(wish: Wish, retryAfterS: number | undefined): void {
    if (retryAfterS === undefined) this.wishes.answered(wish, "refused");
    else this.wishes.askLater(wish, retryAfterS * 1000);
  }

  private typing(isTyping: boolean): void {
    this.isTyping = isTyping;
    const turn = ++this.typingTurn;
    if (!isTyping) return;
    // Whoever stops without a word has stopped.
    this.outside.later(() => {
      if (turn !== this.typingTurn || !this.isTyping) return;
      this.isTyping = false;
      this.outside.changed();
    }, TYPING_MS);
  }

  private see(): void {
    const memory = this.outside.memory;
    if (!this.isLookedAt || !this.isConnected || this.lastSeq <= memory.readUpTo) return;
    memory.readUpTo = this.lastSeq;
    this.outside.changed();
  }

  /** Says what is here and what was seen: once for all that comes at once, as the server takes only so many frames. */
  private mark(): void {
    if (this.isMarking || !this.lastSeq) return;
    this.isMarking = true;
    this.outside.later(() => {
      this.isMarking = false;
      if (!this.isConnected) return;
      const here = this.lastSeq;
      const read = Math.min(here, this.outside.memory.readUpTo);
      if (read > this.marked.read) this.outside.send({ type: "read", up_to_seq: read });
      // What was read is here.
      if (here > Math.max(read, this.marked.received)) this.outside.send({ type: "received", up_to_seq: here });
      this.marked = { received: here, read };
    }, MARK_MS);
  }

  private forget(): void {
    this.said = [];
    this.status = undefined;
    this.staffReadUpTo = 0;
    this.knownUpTo = 0;
    this.outside.memory.readUpTo = 0;
    this.marked = { received: 0, read: 0 };
    this.wishes.withdraw("transcript");
    this.wishes.withdraw("end");
  }

  private keep(): void {
    this.outside.memory.pending = this.pending;
    this.outside.changed();
  }
}
