import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BrowserMemory } from "./memory";

/** A browser's store that may refuse to be read or written. */
class Store {
  readonly held = new Map<string, string>();
  reads = true;
  writes = true;

  getItem(name: string): string | null {
    if (!this.reads) throw new Error("SecurityError");
    return this.held.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    if (!this.writes) throw new Error("QuotaExceededError");
    this.held.set(name, value);
  }

  removeItem(name: string): void {
    if (!this.writes) throw new Error("SecurityError");
    this.held.delete(name);
  }
}

let browser: Store;
let tab: Store;

beforeEach(() => {
  browser = new Store();
  tab = new Store();
  vi.stubGlobal("localStorage", browser);
  vi.stubGlobal("sessionStorage", tab);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("memory", () => {
  it("outlives the page where the browser allows it", () => {
    new BrowserMemory("desk").resumeToken = "t";
    expect(new BrowserMemory("desk").resumeToken).toBe("t");
    expect(new BrowserMemory("other").resumeToken).toBeUndefined();
  });

  it("lasts as long as the page where the browser refuses everything", () => {
    browser.reads = browser.writes = tab.reads = tab.writes = false;
    const memory = new BrowserMemory("desk");
    memory.resumeToken = "t";
    memory.pending = [{ id: "m", text: "hello", at: "" }];
    expect(memory.resumeToken).toBe("t");
    expect(memory.pending).toHaveLength(1);
  });

  it("keeps the token where the browser can be read but not written", () => {
    browser.writes = false;
    const memory = new BrowserMemory("desk");
    memory.resumeToken = "t";
    memory.readUpTo = 7;
    expect(memory.resumeToken).toBe("t");
    expect(memory.readUpTo).toBe(7);
  });

  it("prefers what the browser did not take to what it still holds", () => {
    const memory = new BrowserMemory("desk");
    memory.resumeToken = "old";
    browser.writes = false;
    memory.resumeToken = "new";
    expect(memory.resumeToken).toBe("new");
    memory.resumeToken = undefined;
    expect(memory.resumeToken).toBeUndefined();
  });

  it("is the browser's again once it takes something", () => {
    browser.writes = false;
    const memory = new BrowserMemory("desk");
    memory.resumeToken = "kept";
    browser.writes = true;
    memory.resumeToken = "taken";
    browser.held.clear();
    expect(memory.resumeToken).toBeUndefined();
  });
});
