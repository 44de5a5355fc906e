/**
 * The order of a conversation: applies transcript frames by seq, 1, 2, 3 …, each exactly once.
 *
 * A frame that comes too early waits. If the hole before it is not filled within two seconds the
 * transcript asks for what is missing: `onGap(seq, round)`, round 0, 1, 2 … until it is.
 */

const GAP_WAIT_MS = 2000;

export class Transcript {
  cursor = 0;
  #target = 0;
  #early = new Map();
  #timer = 0;
  #round = 0;
  #onApply;
  #onGap;

  constructor({ onApply, onGap }) {
    this.#onApply = onApply;
    this.#onGap = onGap;
  }

  receive(frame) {
    if (!(frame.seq > this.cursor)) return;
    this.#early.set(frame.seq, frame);
    this.#drain();
  }

  /** The server says that frames up to `seq` exist. */
  expect(seq) {
    this.#target = Math.max(this.#target, seq || 0);
    this.#drain();
  }

  /** The server has given all it has up to `seq`: what is not there by now is not for us. */
  settle(seq) {
    for (const number of [...this.#early.keys()].sort((a, b) => a - b)) {
      if (number <= seq) this.#apply(number);
    }
    this.cursor = Math.max(this.cursor, seq);
    this.#drain();
  }

  /** Without a connection a hole cannot be filled; the next one resumes from the cursor. */
  pause() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  reset(cursor = 0) {
    this.pause();
    this.#early.clear();
    this.cursor = cursor;
    this.#target = 0;
  }

  #apply(seq) {
    const frame = this.#early.get(seq);
    this.#early.delete(seq);
    this.cursor = seq;
    this.#onApply(frame);
  }

  #drain() {
    const before = this.cursor;
    while (this.#early.has(this.cursor + 1)) this.#apply(this.cursor + 1);
    if (this.cursor > before) this.pause();
    if (this.#early.size === 0 && this.cursor >= this.#target) {
      this.pause();
      this.#round = 0;
    } else if (!this.#timer) {
      this.#timer = setTimeout(() => this.#ask(), GAP_WAIT_MS);
    }
  }

  #ask() {
    this.#timer = 0;
    this.#onGap(this.cursor, this.#round++);
    this.#drain();
  }
}
