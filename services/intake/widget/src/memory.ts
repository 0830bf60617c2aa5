/** What outlives a page: the token to resume with, in the browser; what is not sent yet, in the tab. */

export interface Pending {
  id: string;
  text: string;
  at: string;
  refused?: boolean;
}

export interface Memory {
  resumeToken: string | undefined;
  readUpTo: number;
  pending: Pending[];
}

/** Browsers may refuse both stores, or only to write: then everything lasts as long as the page. */
export class BrowserMemory implements Memory {
  private readonly name: string;
  private kept = new Map<string, string | undefined>();

  constructor(address: string) {
    this.name = `waypost-chat:${address}`;
  }

  get resumeToken(): string | undefined {
    return this.read("token");
  }

  set resumeToken(token: string | undefined) {
    this.write("token", token);
  }

  get readUpTo(): number {
    return Number(this.read("read") ?? 0) || 0;
  }

  set readUpTo(seq: number) {
    this.write("read", String(seq));
  }

  get pending(): Pending[] {
    try {
      const found: unknown = JSON.parse(this.read("pending") ?? "[]");
      return Array.isArray(found) ? found.filter(isPending) : [];
    } catch {
      return [];
    }
  }

  set pending(messages: Pending[]) {
    this.write("pending", messages.length ? JSON.stringify(messages) : undefined);
  }

  private store(what: string): Storage {
    return what === "pending" ? sessionStorage : localStorage;
  }

  /** What the browser did not take counts: what it still holds is older. */
  private read(what: string): string | undefined {
    if (this.kept.has(what)) return this.kept.get(what);
    try {
      return this.store(what).getItem(`${this.name}:${what}`) ?? undefined;
    } catch {
      return undefined;
    }
  }

  private write(what: string, value: string | undefined): void {
    try {
      if (value === undefined) this.store(what).removeItem(`${this.name}:${what}`);
      else this.store(what).setItem(`${this.name}:${what}`, value);
      this.kept.delete(what);
    } catch {
      this.kept.set(what, value);
    }
  }
}

function isPending(value: unknown): value is Pending {
  const message = value as Pending | null;
  return typeof message === "object" && typeof message?.id === "string" && typeof message.text === "string";
}
