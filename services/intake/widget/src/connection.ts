/** A socket that comes back: with growing pauses, at once when the network does, never to a door that is shut. */

import type { Asked, Told } from "./frames";

export interface Ends {
  hello(): Asked;
  receive(frame: Told): void;
  lost(): void;
  /** The server will not have us, however often we ask. */
  shut(code: number): void;
}

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const QUIET_MS = 40_000;
const DEAD_MS = 70_000;
const LOOK_MS = 10_000;
const SHUT = new Set([4400, 4401, 4403]);

/** How long to wait before the n-th try: everybody at another moment. */
export function pause(tries: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10)) * (0.5 + random / 2);
}

export class Connection {
  private socket: WebSocket | undefined;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private heardAt = 0;
  private isWanted = false;

  constructor(
    private readonly url: string,
    private readonly ends: Ends,
  ) {}

  start(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    addEventListener("online", this.online);
    addEventListener("offline", this.offline);
    this.open();
  }

  stop(): void {
    this.isWanted = false;
    removeEventListener("online", this.online);
    removeEventListener("offline", this.offline);
    clearTimeout(this.timer);
    this.drop();
  }

  send(frame: Asked): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private readonly online = (): void => {
    this.tries = 0;
    this.open();
  };

  private readonly offline = (): void => {
    this.drop();
  };

  private open(): void {
    clearTimeout(this.timer);
    if (this.socket || !this.isWanted) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heardAt = Date.now();
    socket.onopen = () => this.send(this.ends.hello());
    socket.onmessage = (event: MessageEvent<string>) => {
      this.heardAt = Date.now();
      const frame = JSON.parse(event.data) as Told;
      if (frame.type === "welcome") this.tries = 0;
      this.ends.receive(frame);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.gone(event.code);
    };
    this.watch = setInterval(() => this.look(), LOOK_MS);
  }

  /** A network that went away without a word leaves a socket that looks open. */
  private look(): void {
    const silent = Date.now() - this.heardAt;
    if (silent > DEAD_MS) this.drop();
    else if (silent > QUIET_MS) this.send({ type: "ping" });
  }

  private drop(): void {
    const socket = this.socket;
    if (!socket) return;
    this.gone(1006);
    socket.close();
  }

  private gone(code: number): void {
    this.socket = undefined;
    clearInterval(this.watch);
    this.ends.lost();
    if (SHUT.has(code)) {
      this.stop();
      this.ends.shut(code);
    } else if (this.isWanted) {
      const wait = pause(code === 1012 ? 0 : this.tries, Math.random());
      this.tries += 1;
      this.timer = setTimeout(() => this.open(), wait);
    }
  }
}
