/** What the browser, or this tab alone, keeps for one channel. Falls back to memory where the page may not store. */

export class Storage {
  #prefix;
  #area;
  #signal;
  #memory = new Map();

  /** `area()`: localStorage or sessionStorage; asking for it may throw. `signal`: ends the watching. */
  constructor(channel, area, signal) {
    this.#prefix = `desk-chat:${channel}:`;
    this.#area = area;
    this.#signal = signal;
  }

  get(name) {
    try {
      return JSON.parse(this.#area().getItem(this.#prefix + name));
    } catch {
      return this.#memory.get(name) ?? null;
    }
  }

  set(name, value) {
    this.#memory.set(name, value);
    try {
      this.#area().setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // Full or forbidden: the memory copy serves this page.
    }
  }

  remove(name) {
    this.#memory.delete(name);
    try {
      this.#area().removeItem(this.#prefix + name);
    } catch {
      // Nothing was stored then.
    }
  }

  /** The names that begin with `start`. */
  names(start = "") {
    const names = new Set(this.#memory.keys());
    try {
      for (const key of Object.keys(this.#area())) {
        if (key.startsWith(this.#prefix)) names.add(key.slice(this.#prefix.length));
      }
    } catch {
      // Memory only.
    }
    return [...names].filter((name) => name.startsWith(start));
  }

  clear() {
    for (const name of this.names()) this.remove(name);
  }

  /** Calls `handler(value)` when another tab of the same site sets `name`. */
  watch(name, handler) {
    const changed = (event) => event.key === this.#prefix + name && handler(this.get(name));
    addEventListener("storage", changed, { signal: this.#signal });
  }
}
