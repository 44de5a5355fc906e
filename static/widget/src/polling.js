/** Asks over HTTP while no socket can be had: often while something happens, seldom when nothing does. */

const BUSY_MS = 2000;
const IDLE_MS = 15_000;

export class Polling {
  #task;
  #timer = 0;
  #wait = BUSY_MS;
  running = false;

  /** `task()` returns a promise of whether there was anything new. */
  constructor(task) {
    this.#task = task;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.soon();
  }

  stop() {
    this.running = false;
    clearTimeout(this.#timer);
  }

  /** Something was said: look soon for the answer. */
  soon() {
    this.#wait = BUSY_MS;
    clearTimeout(this.#timer);
    if (this.running) this.#timer = setTimeout(() => this.#round(), BUSY_MS / 2);
  }

  async #round() {
    const news = await this.#task().catch(() => false);
    this.#wait = news ? BUSY_MS : Math.min(this.#wait * 1.5, IDLE_MS);
    clearTimeout(this.#timer);
    if (this.running) this.#timer = setTimeout(() => this.#round(), document.hidden ? IDLE_MS * 2 : this.#wait);
  }
}
