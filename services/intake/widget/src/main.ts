/**
 * The chat of a page:
 *
 *   <script async src="https://support.example.com/chat/widget.js"
 *           data-address="acme-chat" data-key="public-key"></script>
 *
 * Further: data-language, data-colour (#1f5eff), data-open, data-visitor-token (signed by the site).
 */

import { Connection, pause } from "./connection";
import { Conversation } from "./conversation";
import { BrowserMemory } from "./memory";
import { isKnown } from "./texts";
import { View } from "./view";

/** Said to the page when the server does not take its visitor's token: `identify` with another goes on. */
const TOKEN_REFUSED = "waypost-chat:token-refused";
const BAD_TOKEN = 4401;
const HINT = "data-address and data-key name the chat";

function start(script: HTMLScriptElement): void {
  const { address, key, colour, open } = script.dataset;
  if (!address || !key) throw new Error(`waypost-chat: ${HINT}`);
  const asked = [script.dataset["language"], document.documentElement.lang, navigator.language];
  const language = asked.find((one): one is string => !!one && isKnown(one)) ?? "en";
  const url = new URL(`../v1/chat/${encodeURIComponent(address)}`, script.src);
  url.protocol = url.protocol.replace("http", "ws");
  let visitorToken = script.dataset["visitorToken"];
  let refusals = 0;
  const memory = new BrowserMemory(address);

  const conversation: Conversation = new Conversation({
    memory,
    send: (frame) => connection.send(frame),
    later: (action, ms) => void setTimeout(action, ms),
    newId: () => crypto.getRandomValues(new Uint32Array(4)).reduce((id, part) => id + part.toString(36), ""),
    now: () => new Date().toISOString(),
    changed: () => view.render(conversation),
    heard: (message) => view.announce(message),
  });
  const connection = new Connection(url.href, {
    hello: () => conversation.hello(key, visitorToken, location.origin + location.pathname, language),
    receive: (frame) => {
      if (frame.type === "welcome") refusals = 0;
      conversation.receive(frame);
    },
    lost: () => {
      conversation.lost();
      view.render(conversation);
    },
    shut: (code) => {
      view.isShut = true;
      view.render(conversation);
      if (code !== BAD_TOKEN) return;
      // A page whose tokens are never good asks less and less often.
      const wait = refusals ? pause(refusals, Math.random()) : 0;
      refusals += 1;
      setTimeout(() => document.dispatchEvent(new Event(TOKEN_REFUSED)), wait);
    },
  });
  const host = document.createElement("waypost-chat");
  const view = new View(
    {
      opened: () => connection.start(),
      write: (text) => {
        connection.start();
        conversation.write(text);
      },
      types: (isTyping) => conversation.types(isTyping),
      again: (id) => conversation.again(id),
      transcript: (email) => conversation.transcript(email),
      end: () => conversation.end(),
      look: (isLookedAt) => conversation.look(isLookedAt),
    },
    { language, colour },
    host,
  );
  document.body.append(host);
  view.render(conversation);
  // Whoever has never chatted costs the server nothing until they want to.
  if (conversation.hasBegun) connection.start();
  if (open !== undefined && open !== "false") view.open();

  Object.assign(window, {
    WaypostChat: {
      open: () => view.open(),
      close: () => view.close(),
      /** The visitor has logged in, or out: with the token that the site has signed, or without one. */
      identify: (token?: string) => {
        visitorToken = token;
        connection.stop();
        view.isShut = false;
        if (view.isOpen || conversation.hasBegun) connection.start();
      },
    },
  });
}

// The script tag is known only while the script runs first.
const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (document.body) start(script);
  else addEventListener("DOMContentLoaded", () => start(script));
}
