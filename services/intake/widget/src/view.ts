/** What the visitor sees: a button, a panel, and in it what was said. */

import { parseColour, readableOn } from "./colour";
import type { Conversation } from "./conversation";
import type { Said } from "./frames";
import type { Pending } from "./memory";
import { STYLE } from "./style";
import { directionOf, textsFor, type Texts } from "./texts";
import type { Fate } from "./wishes";

const BUBBLE = "M4 4h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z";
const CROSS = "M6 6l12 12M18 6L6 18";
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export interface Actions {
  opened(): void;
  write(text: string): void;
  types(isTyping: boolean): void;
  again(id: string): void;
  transcript(email: string): void;
  end(): void;
  look(isLookedAt: boolean): void;
}

export interface Look {
  language: string;
  colour: string | undefined;
}

export class View {
  isOpen = false;
  isShut = false;
  private readonly texts: Texts;
  private readonly root: HTMLElement;
  private readonly launcher: HTMLButtonElement;
  private readonly badge: HTMLElement;
  private readonly panel: HTMLElement;
  private readonly title: HTMLElement;
  private readonly subtitle: HTMLElement;
  private readonly bar: HTMLElement;
  private readonly log: HTMLElement;
  private readonly greeting: HTMLElement;
  private readonly greeted: HTMLElement;
  private readonly typing: HTMLElement;
  private readonly status: HTMLElement;
  private readonly input: HTMLTextAreaElement;
  private readonly submit: HTMLButtonElement;
  private readonly more: HTMLElement;
  private readonly mailForm: HTMLFormElement;
  private readonly news: HTMLElement;
  private readonly shown = new Map<string, HTMLElement>();
  private isTyping = false;
  private typedAt = 0;
  private transcriptFate: Fate | undefined;

  constructor(
    private readonly actions: Actions,
    private readonly look: Look,
    host: HTMLElement,
  ) {
    this.texts = textsFor(look.language);
    const shadow = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];

    const t = this.texts;
    this.root = element("div", "root");
    this.root.lang = look.language;
    this.root.dir = directionOf(look.language);
    this.paint();

    // A name or a greeting in another script than the page's stays whole, and where it belongs.
    this.title = element("bdi");
    const titled = element("h2", "", this.title);
    titled.id = "title";
    this.subtitle = element("p");
    const close = button("icon", t.close, CROSS);
    close.onclick = () => this.close();
    const heading = element("div", "", titled, this.subtitle);
    const header = element("header", "", heading, close);

    this.bar = element("div", "bar");
    this.bar.setAttribute("role", "status");
    this.greeting = element("bdi");
    this.greeted = element("p", "greeting", this.greeting);
    this.log = element("div", "log", this.greeted);
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-live", "polite");
    this.log.setAttribute("aria-label", t.title);
    this.log.tabIndex = 0;
    this.typing = element("div", "typing");
    this.typing.setAttribute("aria-live", "polite");
    this.status = element("p", "status");
    this.status.setAttribute("role", "status");

    this.input = element("textarea");
    this.input.rows = 1;
    this.input.placeholder = t.placeholder;
    this.input.setAttribute("aria-label", t.placeholder);
    this.submit = element("button");
    this.submit.type = "submit";
    this.submit.textContent = t.send;
    const form = element("form", "", this.input, this.submit);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.sendInput();
    };
    this.input.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.sendInput();
      }
    };
    this.input.oninput = () => this.typed();

    this.mailForm = this.makeMailForm();
    const ask = element("button");
    ask.type = "button";
    ask.textContent = t.transcript;
    ask.className = "ask";
    ask.onclick = () => {
      this.mailForm.hidden = !this.mailForm.hidden;
      if (!this.mailForm.hidden) this.mailForm.querySelector("input")?.focus();
    };
    const end = element("button");
    end.type = "button";
    end.textContent = t.end;
    end.onclick = () => this.actions.end();
    this.more = element("div", "more", ask, end);

    this.panel = element(
      "section", "panel", header, this.bar, this.log, this.typing, this.status, this.mailForm, form, this.more,
    );
    this.panel.setAttribute("role", "dialog");
    this.panel.setAttribute("aria-labelledby", "title");
    this.panel.hidden = true;
    this.panel.onkeydown = (event) => {
      if (event.key === "Escape") this.close();
    };

    this.badge = element("span", "badge");
    this.badge.hidden = true;
    this.launcher = button("launcher", t.open, BUBBLE);
    this.launcher.append(this.badge);
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.onclick = () => (this.isOpen ? this.close() : this.open());
    // The panel is silent while it is closed: what is said then is announced here.
    this.news = element("div", "hidden");
    this.news.setAttribute("aria-live", "polite");
    this.root.append(this.panel, this.launcher, this.news);
    shadow.append(this.root);
    const looks = () => this.actions.look(this.isOpen && document.visibilityState === "visible");
    document.addEventListener("visibilitychange", looks);
  }

  open(): void {
    this.isOpen = true;
    this.panel.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    this.launcher.setAttribute("aria-label", this.texts.close);
    this.actions.opened();
    this.actions.look(document.visibilityState === "visible");
    this.log.scrollTop = this.log.scrollHeight;
    this.input.focus();
  }

  close(): void {
    this.isOpen = false;
    this.panel.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.setAttribute("aria-label", this.texts.open);
    this.actions.look(false);
    this.launcher.focus();
  }

  announce(message: Said): void {
    if (!this.isOpen) this.news.textContent = `${message.author_name ?? ""}: ${message.text}`;
  }

  render(conversation: Conversation): void {
    const t = this.texts;
    const settings = conversation.settings;
    this.title.textContent = settings?.name ?? t.title;
    this.subtitle.textContent = conversation.isConnected && conversation.status === "joined" ? t.joined : "";
    this.subtitle.hidden = !this.subtitle.textContent;
    this.greeting.textContent = settings?.greeting ?? "";
    this.greeted.hidden = !settings?.greeting;
    this.bar.textContent = this.isShut ? t.unavailable : navigator.onLine ? t.connecting : t.offline;
    this.bar.hidden = conversation.isConnected;
    this.input.maxLength = settings?.most_characters ?? 4000;
    this.input.disabled = this.isShut;
    this.submit.disabled = this.isShut;
    this.renderMessages(conversation);
    const writer = conversation.said.findLast((message) => message.author_kind !== "visitor")?.author_name;
    this.typing.textContent = conversation.isTyping ? `${writer ?? settings?.name ?? ""} ${t.typing}` : "";
    const status = conversation.status && { ...STATUS(t) }[conversation.status];
    const isGoingOn = conversation.status === "waiting" || conversation.status === "joined";
    const fate = conversation.wishes.fate("transcript");
    const asked = isGoingOn && fate && { asked: t.sending, noted: t.transcriptAsked, refused: t.refused }[fate];
    this.status.textContent = [status, asked].filter(Boolean).join(" ");
    this.status.hidden = !this.status.textContent;
    if (fate !== this.transcriptFate && fate === "refused") this.mailForm.hidden = false;
    this.transcriptFate = fate;
    this.more.hidden = !isGoingOn || !conversation.isConnected;
    const ask = this.more.querySelector<HTMLElement>(".ask");
    if (ask) ask.hidden = !settings?.transcript;
    if (this.more.hidden) this.mailForm.hidden = true;
    const unread = this.isOpen ? 0 : conversation.unread;
    this.badge.textContent = unread > 99 ? "99+" : String(unread);
    this.badge.hidden = unread === 0;
    if (!this.isOpen) this.launcher.setAttribute("aria-label", unread ? `${t.open} (${unread} ${t.unread})` : t.open);
  }

  private renderMessages(conversation: Conversation): void {
    const isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
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
    if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
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
    node.title = new Date(at).toLocaleString(this.look.language);
    mark.classList.toggle("bad", refused?.refused === true);
    if (mark.dataset["state"] === state) return;
    mark.dataset["state"] = state;
    mark.textContent = state;
    mark.hidden = !state;
    if (refused?.refused) {
      const again = element("button");
      again.type = "button";
      again.textContent = this.texts.again;
      again.onclick = () => this.actions.again(refused.id);
      mark.append(" ", again);
    }
  }

  private makeMailForm(): HTMLFormElement {
    const email = element("input");
    email.type = "email";
    email.required = true;
    email.maxLength = 200;
    email.autocomplete = "email";
    email.placeholder = this.texts.email;
    email.setAttribute("aria-label", this.texts.email);
    const ask = element("button");
    ask.type = "submit";
    ask.textContent = this.texts.transcript;
    const form = element("form", "", email, ask);
    form.hidden = true;
    form.onsubmit = (event) => {
      event.preventDefault();
      form.hidden = true;
      this.actions.transcript(email.value);
      this.input.focus();
    };
    return form;
  }

  private sendInput(): void {
    const text = this.input.value.trim();
    if (!text || this.isShut) return;
    this.input.value = "";
    this.grow();
    this.isTyping = false;
    this.actions.write(text);
    this.log.scrollTop = this.log.scrollHeight;
    this.input.focus();
  }

  private typed(): void {
    this.grow();
    const isTyping = this.input.value !== "";
    const now = Date.now();
    if (isTyping === this.isTyping && (!isTyping || now - this.typedAt < 3000)) return;
    this.isTyping = isTyping;
    this.typedAt = now;
    this.actions.types(isTyping);
  }

  private grow(): void {
    this.input.style.blockSize = "auto";
    this.input.style.blockSize = `${Math.min(this.input.scrollHeight + 2, 120)}px`;
  }

  private paint(): void {
    const colour = parseColour(this.look.colour);
    if (!colour) return;
    this.root.style.setProperty("--accent", `rgb(${colour.join(" ")})`);
    this.root.style.setProperty("--on-accent", readableOn(...colour));
  }
}

function STATUS(t: Texts) {
  return { waiting: t.waiting, joined: "", solved: t.solved, closed_idle: t.idle, ended: t.ended };
}

function element<K extends keyof HTMLElementTagNameMap>(
  name: K, className = "", ...children: Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function button(className: string, label: string, path: string): HTMLButtonElement {
  const made = element("button", className);
  made.type = "button";
  made.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  for (const [name, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "2"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"]] as const) {
    line.setAttribute(name, value);
  }
  svg.append(line);
  made.append(svg);
  return made;
}

/** Text with its web addresses to follow; never markup. */
function linked(text: string, into: HTMLElement): void {
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    into.append(text.slice(at, match.index));
    const link = element("a");
    link.href = match[0];
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.textContent = match[0];
    into.append(link);
    at = match.index + match[0].length;
  }
  into.append(text.slice(at));
}
