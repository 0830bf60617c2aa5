/** What the visitor sees: a button, a panel, and in it what was said. */

import { parseColour, readableOn } from "./colour";
import type { Conversation } from "./conversation";
import { BUBBLE, button, CROSS, element } from "./elements";
import type { Said } from "./frames";
import { Log } from "./log";
import { STYLE } from "./style";
import { directionOf, textsFor, type Texts } from "./texts";
import type { Fate } from "./wishes";

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
  private readonly log: Log;
  private readonly typing: HTMLElement;
  private readonly status: HTMLElement;
  private readonly input: HTMLTextAreaElement;
  private readonly submit: HTMLButtonElement;
  private readonly more: HTMLElement;
  private readonly mailForm: HTMLFormElement;
  private readonly news: HTMLElement;
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

    // A name in another script than the page's stays whole, and where it belongs.
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
    this.log = new Log(t, look.language, (id) => this.actions.again(id));
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
      "section", "panel", header, this.bar, this.log.element, this.typing, this.status, this.mailForm, form, this.more,
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
    this.log.toEnd();
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
    this.bar.textContent = this.isShut ? t.unavailable : navigator.onLine ? t.connecting : t.offline;
    this.bar.hidden = conversation.isConnected;
    this.input.maxLength = settings?.most_characters ?? 4000;
    this.input.disabled = this.isShut;
    this.submit.disabled = this.isShut;
    this.log.render(conversation);
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
    this.log.toEnd();
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
