/** What was said, as it is shown: the greeting, then a bubble for each message. */

import type { Conversation } from "./conversation";
import { element, linked } from "./elements";
import type { Said } from "./frames";
import type { Pending } from "./memory";
import type { Texts } from "./texts";

export class Log {
  readonly element: HTMLElement;
  // A greeting in another script than the page's stays whole, and where it belongs.
  private readonly greeting = element("bdi");
  private readonly greeted = element("p", "greeting", this.greeting);
  private readonly shown = new Map<string, HTMLElement>();

  constructor(
    private readonly texts: Texts,
    private readonly language: string,
    private readonly again: (id: string) => void,
  ) {
    this.element = element("div", "log", this.greeted);
    this.element.setAttribute("role", "log");
    this.element.setAttribute("aria-live", "polite");
    this.element.setAttribute("aria-label", texts.title);
    this.element.tabIndex = 0;
  }

  toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
  }

  render(conversation: Conversation): void {
    const isAtEnd = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 60;
    const greeting = conversation.settings?.greeting ?? "";
    this.greeting.textContent = greeting;
    this.greeted.hidden = !greeting;
    const wanted = new Set<string>();
    let last: Element = this.greeted;
    let author = "";
    const place = (key: string, make: () => HTMLElement): HTMLElement => {
      wanted.add(key);
      const node = this.shown.get(key) ?? make();
      this.shown.set(key, node);
      if (last.nextElementSibling !== node) last.after(node);
      last = node;
      return node;
    };
    const lastOwn = conversation.said.findLast((message) => message.author_kind === "visitor")?.seq;
    for (const message of conversation.said) {
      const node = place(message.client_message_id ?? `#${message.seq}`, () => this.bubble(message));
      const who = message.author_kind === "visitor" ? "visitor" : (message.author_name ?? message.author_kind);
      node.classList.toggle("follows", who === author);
      node.classList.remove("pending");
      const name = node.querySelector<HTMLElement>(".who");
      if (name) name.hidden = who === author;
      author = who;
      const isRead = message.seq <= conversation.staffReadUpTo;
      this.mark(node, message.seq === lastOwn ? (isRead ? this.texts.read : this.texts.sent) : "", message.at);
    }
    for (const message of conversation.pending) {
      const node = place(message.id, () => this.bubble(message));
      node.classList.add("pending");
      const state = message === conversation.pending.at(-1) ? this.texts.sending : "";
      this.mark(node, message.refused ? this.texts.refused : state, message.at, message);
    }
    for (const [key, node] of this.shown) {
      if (!wanted.has(key)) {
        node.remove();
        this.shown.delete(key);
      }
    }
    if (isAtEnd) this.toEnd();
  }

  private bubble(message: Said | Pending): HTMLElement {
    const text = element("p");
    text.dir = "auto";
    const isOwn = !("author_kind" in message) || message.author_kind === "visitor";
    if (isOwn) {
      text.textContent = message.text;
      const you = element("span", "hidden");
      you.textContent = `${this.texts.you}: `;
      return element("div", "said own", you, text, element("span", "mark"));
    }
    linked(message.text, text);
    const who = element("span", "who");
    who.textContent = message.author_name ?? "";
    return element("div", "said", who, text, element("span", "mark"));
  }

  private mark(node: HTMLElement, state: string, at: string, refused?: Pending): void {
    const mark = node.querySelector<HTMLElement>(".mark");
    if (!mark) return;
    node.title = new Date(at).toLocaleString(this.language);
    mark.classList.toggle("bad", refused?.refused === true);
    if (mark.dataset["state"] === state) return;
    mark.dataset["state"] = state;
    mark.textContent = state;
    mark.hidden = !state;
    if (refused?.refused) {
      const again = element("button");
      again.type = "button";
      again.textContent = this.texts.again;
      again.onclick = () => this.again(refused.id);
      mark.append(" ", again);
    }
  }
}
