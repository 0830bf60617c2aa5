/** What the visitor has asked for beside what they write: asked again until the server answers. */

import type { Asked, Wish } from "./frames";

export type Fate = "asked" | "noted" | "refused";

export interface Way {
  send(frame: Asked): void;
  later(action: () => void, ms: number): void;
  /** Whether all that was written before has arrived, and something can be sent. */
  isFree(): boolean;
}

export class Wishes {
  private waiting = new Map<Wish, Asked>();
  private fates = new Map<Wish, Fate>();

  constructor(private readonly way: Way) {}

  fate(wish: Wish): Fate | undefined {
    return this.fates.get(wish);
  }

  make(wish: Wish, frame: Asked): void {
    this.waiting.set(wish, frame);
    this.fates.set(wish, "asked");
    this.ask(wish);
  }

  askAll(): void {
    for (const wish of this.waiting.keys()) this.ask(wish);
  }

  answered(wish: Wish, fate: Fate): void {
    this.waiting.delete(wish);
    this.fates.set(wish, fate);
  }

  askLater(wish: Wish, ms: number): void {
    this.way.later(() => this.ask(wish), ms);
  }

  withdraw(wish: Wish): void {
    this.waiting.delete(wish);
    this.fates.delete(wish);
  }

  private ask(wish: Wish): void {
    const frame = this.waiting.get(wish);
    if (frame && this.way.isFree()) this.way.send(frame);
  }
}
