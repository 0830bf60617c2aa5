import { beforeEach, describe, expect, it } from "vitest";
import { parseColour, readableOn } from "./colour";
import { pause } from "./connection";
import { Conversation, languageTag } from "./conversation";
import type { Asked, Said, Told } from "./frames";
import type { Memory } from "./memory";
import { languages, rawTexts, textsFor, words } from "./texts";

const SETTINGS = { greeting: "", transcript: false, most_characters: 4000 };

let memory: Memory;
let sent: Asked[];
let heard: string[];
let timers: { action: () => void; ms: number }[];
let made: Conversation;

function open(): Conversation {
  let ids = 0;
  return new Conversation({
    memory,
    send: (frame) => sent.push(frame),
    later: (action, ms) => timers.push({ action, ms }),
    newId: () => `m-${(ids += 1)}`,
    now: () => "2026-01-01T00:00:00Z",
    changed: () => undefined,
    heard: (message) => heard.push(message.text),
  });
}

function welcome(conversation: Conversation, more: Partial<Extract<Told, { type: "welcome" }>> = {}): void {
  conversation.receive({
    type: "welcome", conversation_id: "c", resume_token: "t", seq: 0, open: true, read_up_to: 0,
    settings: SETTINGS, ...more,
  });
}

function said(seq: number, text: string, more: Partial<Said> = {}): Told {
  return { type: "message", seq, author_kind: "agent", text, at: "2026-01-01T00:00:00Z", ...more };
}

/** Time goes on: whatever waits is done. */
function pass(): void {
  for (const timer of timers.splice(0)) timer.action();
}

const marks = () =>
  sent.flatMap((frame) => (frame.type === "received" || frame.type === "read" ? [[frame.type, frame.up_to_seq]] : []));
const messages = () => sent.filter((frame) => frame.type === "message").map((frame) => frame.text);

beforeEach(() => {
  memory = { resumeToken: undefined, readUpTo: 0, pending: [] };
  sent = [];
  heard = [];
  timers = [];
  made = open();
});

describe("what is written", () => {
  it("waits for a connection, and leaves one after another", () => {
    made.write("one");
    made.write("two");
    expect(messages()).toEqual([]);
    welcome(made);
    expect(messages()).toEqual(["one"]);
    made.receive({ type: "ack", client_message_id: "m-1", seq: 1, at: "" });
    expect(messages()).toEqual(["one", "two"]);
    expect(made.pending.map((message) => message.text)).toEqual(["two"]);
  });

  it("is sent again after a lost connection, under the same id", () => {
    welcome(made);
    made.write("one");
    made.lost();
    welcome(made);
    expect(sent.filter((frame) => frame.type === "message").map((frame) => frame.client_message_id)).toEqual(["m-1", "m-1"]);
  });

  it("outlives the page", () => {
    made.write("one");
    const later = open();
    welcome(later);
    expect(messages()).toEqual(["one"]);
  });

  it("is stored when it comes back as a message, even where its acknowledgement was lost", () => {
    made.write("one");
    made.write("two");
    welcome(made);
    made.receive(said(1, "one", { author_kind: "visitor", client_message_id: "m-1" }));
    expect(messages()).toEqual(["one", "two"]);
    made.receive({ type: "ack", client_message_id: "m-1", seq: 1, at: "" });
    expect(messages()).toEqual(["one", "two"]);
  });

  it("waits as long as the server says, and keeps its place", () => {
    welcome(made);
    made.write("one");
    made.write("two");
    made.receive({ type: "error", code: "unavailable", client_message_id: "m-1", retry_after_s: 2 });
    expect(timers.map((timer) => timer.ms)).toEqual([2000]);
    timers[0]?.action();
    expect(messages()).toEqual(["one", "one"]);
  });

  it("is not sent twice where the connection came back while it waited", () => {
    welcome(made);
    made.write("one");
    made.receive({ type: "error", code: "unavailable", client_message_id: "m-1", retry_after_s: 2 });
    made.lost();
    welcome(made);
    timers[0]?.action();
    expect(messages()).toEqual(["one", "one"]);
  });

  it("leaves as the server can take it, and not at all where nothing is left", () => {
    welcome(made);
    made.write("a\0b\u0085c\ud800d\n\te 😀 ");
    made.write("\u0085 \n");
    expect(messages()).toEqual(["abc\ufffdd\n\te 😀"]);
    expect(made.pending).toHaveLength(1);
  });

  it("steps aside where it is refused, until it is asked for again", () => {
    welcome(made);
    made.write("one");
    made.write("two");
    made.receive({ type: "error", code: "refused", client_message_id: "m-1" });
    expect(messages()).toEqual(["one", "two"]);
    made.receive({ type: "ack", client_message_id: "m-2", seq: 1, at: "" });
    made.again("m-1");
    expect(messages()).toEqual(["one", "two", "one"]);
  });
});

describe("what is said", () => {
  it("is taken once, and asked for from there", () => {
    welcome(made, { seq: 1 });
    made.receive(said(1, "old"));
    made.receive(said(2, "new"));
    made.receive(said(2, "new"));
    expect(made.said.map((message) => message.text)).toEqual(["old", "new"]);
    expect(heard).toEqual(["new"]);
    expect(made.hello("k")).toEqual({ type: "hello", public_key: "k", last_seq: 2, resume_token: "t" });
  });

  it("is read when somebody looks", () => {
    welcome(made);
    pass();
    made.receive(said(1, "hello"));
    pass();
    expect(made.unread).toBe(1);
    made.look(true);
    pass();
    made.receive(said(2, "there"));
    expect(made.unread).toBe(0);
    pass();
    expect(marks()).toEqual([["received", 1], ["read", 1], ["read", 2]]);
  });

  it("is marked once for all that comes at once, and again for another connection", () => {
    welcome(made, { seq: 100 });
    for (let seq = 1; seq <= 100; seq += 1) made.receive(said(seq, "old"));
    pass();
    made.look(true);
    made.look(false);
    made.receive(said(101, "new"));
    pass();
    expect(marks()).toEqual([["received", 100], ["read", 100], ["received", 101]]);
    made.lost();
    welcome(made, { seq: 101 });
    pass();
    expect(marks().slice(3)).toEqual([["read", 100], ["received", 101]]);
    pass();
    expect(marks()).toHaveLength(5);
  });

  it("is forgotten with its conversation", () => {
    welcome(made);
    made.receive(said(1, "hello"));
    made.write("one");
    made.lost();
    welcome(made, { conversation_id: "other" });
    expect(made.said).toEqual([]);
    expect(messages()).toEqual(["one", "one"]);
  });

  it("ends typing, as silence does", () => {
    welcome(made);
    made.receive({ type: "typing", is_typing: true });
    expect(made.isTyping).toBe(true);
    made.receive(said(1, "hello"));
    expect(made.isTyping).toBe(false);
    made.receive({ type: "typing", is_typing: true });
    timers.at(-1)?.action();
    expect(made.isTyping).toBe(false);
  });
});

describe("what is asked for", () => {
  const asked = () => sent.flatMap((frame) => (frame.type === "transcript" || frame.type === "end" ? [frame.type] : []));

  it("is asked again until it is answered, behind what was written before", () => {
    made.write("one");
    made.transcript("ada@example.org");
    made.end();
    welcome(made);
    expect(asked()).toEqual([]);
    made.receive({ type: "ack", client_message_id: "m-1", seq: 1, at: "" });
    expect(asked()).toEqual(["transcript", "end"]);
    expect(made.wishes.fate("transcript")).toBe("asked");
    made.receive({ type: "noted", about: "end" });
    made.lost();
    welcome(made);
    expect(asked()).toEqual(["transcript", "end", "transcript"]);
    made.receive({ type: "error", code: "unavailable", about: "transcript", retry_after_s: 2 });
    pass();
    made.receive({ type: "noted", about: "transcript" });
    pass();
    expect(asked()).toEqual(["transcript", "end", "transcript", "transcript"]);
    expect(made.wishes.fate("transcript")).toBe("noted");
  });

  it("is not asked again once it is refused, nor the end by somebody who goes on", () => {
    welcome(made);
    made.transcript("nobody");
    made.receive({ type: "error", code: "refused", about: "transcript" });
    made.lost();
    made.end();
    made.write("one");
    welcome(made);
    made.receive({ type: "ack", client_message_id: "m-1", seq: 1, at: "" });
    expect(asked()).toEqual(["transcript"]);
    expect(made.wishes.fate("transcript")).toBe("refused");
  });
});

it("says a language that the server can read", () => {
  const tags = ["de", "de-AT", "zh-Hans-CN-x-more-and-more", "de-ÄÖ", "en_GB", "de-"];
  expect(tags.map(languageTag)).toEqual(["de", "de-AT", "zh-Hans-CN-x", "de", "en", "de"]);
});

it("waits longer from try to try, each at another moment, and never for ever", () => {
  expect([0, 1, 2, 20].map((tries) => pause(tries, 1))).toEqual([500, 1000, 2000, 30_000]);
  expect(pause(3, 0)).toBe(2000);
});

it("says everything in every language", () => {
  for (const language of languages) {
    expect(rawTexts[language]?.split("|").filter(Boolean)).toHaveLength(words);
  }
  expect(textsFor("de-AT").send).toBe("Senden");
  expect(textsFor("xx").send).toBe("Send");
});

it("finds what can be read on a colour", () => {
  expect(parseColour("#fc0")).toEqual([255, 204, 0]);
  expect(parseColour("red;x")).toBeUndefined();
  expect(readableOn(255, 204, 0)).toBe("#111");
  expect(readableOn(31, 94, 255)).toBe("#fff");
});
