/** What the browser keeps for one channel. Falls back to memory where the page may not store. */

export class Storage {
  #prefix;
  #memory = new Map();

  constructor(channel) {
    this.#prefix = `desk-chat:${channel}:`;
  }

  get(name) {
    try {
      return JSON.parse(localStorage.getItem(this.#prefix + name));
    } catch {
      return this.#memory.get(name) ?? null;
    }
  }

  set(name, value) {
    this.#memory.set(name, value);
    try {
      localStorage.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // Full or forbidden: the memory copy serves this page.
    }
  }

  remove(name) {
    this.#memory.delete(name);
    try {
      localStorage.removeItem(this.#prefix + name);
    } catch {
      // Nothing was stored then.
    }
  }

  /** The names that begin with `start`. */
  names(start = "") {
    const names = new Set(this.#memory.keys());
    try {
      for (const key of Object.keys(localStorage)) {
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

  /** Calls `handler(value)` when another tab of the same page sets `name`. */
  watch(name, handler) {
    addEventListener("storage", (event) => event.key === this.#prefix + name && handler(this.get(name)));
  }
}
