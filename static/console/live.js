/** What keeps the inbox alive: the agents' socket (docs/agent-socket.md); while there is none, looks every few seconds. */
const LOOK_MS = 5000;
const HIDDEN_MS = 15_000;

export class Live {
  #data;
  #page;
  #looked = 0;

  constructor(data, page) {
    this.#data = data;
    this.#page = page;
  }

  start() {
    setInterval(() => this.#look(), 1000);
    document.addEventListener("visibilitychange", () => document.hidden || this.#look(true));
  }

  watch() {}

  say() {}

  async #look(now = false) {
    const every = document.hidden ? HIDDEN_MS : LOOK_MS;
    if (!now && Date.now() - this.#looked < every) return;
    this.#looked = Date.now();
    const { list, opened, refresh, emit } = this.#page;
    const id = opened();
    await list.refresh();
    if (!id || id !== opened()) return;
    await refresh(id);
    emit("stale", { id });
  }
}
