/**
 * What the visitor has said and the server has not confirmed yet.
 *
 * Every frame keeps its client id (cid) over resends, reloads and tabs, so the server can drop
 * repeats. One frame is on its way at a time: that keeps the order even when one is throttled.
 */

const ACK_WAIT_MS = 15_000;
const MAX_TRIES = 4;
const FINAL = new Set(["cid_conflict"]); // the id itself is spent

/** A random UUID version 4; `crypto.randomUUID` is missing on plain http pages. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class Outbox {
  #items = new Map();
  #storage;
  #transmit;
  #onFail;
  #onHold;
  #current = null;
  #timer = 0;

  /** `transmit(frame)` returns false when there is no way out now; `onFail(item)` shows a failed one, and
   * `onHold(code)` one that has to wait. */
  constructor({ storage, transmit, onFail, onHold }) {
    this.#storage = storage;
    this.#transmit = transmit;
    this.#onFail = onFail;
    this.#onHold = onHold;
    const stored = storage.names("out:").map((name) => storage.get(name));
    for (const item of stored.filter(Boolean).sort((a, b) => a.at - b.at)) this.#items.set(item.cid, item);
  }

  get items() {
    return [...this.#items.values()];
  }

  add(frame) {
    const item = { cid: uuid(), at: Date.now(), tries: 0, failed: false };
    item.frame = { ...frame, cid: item.cid };
    this.#keep(item);
    this.pump();
    return item;
  }

  /** Tries a failed item again; returns it, under a new cid when the old one is spent. */
  retry(cid) {
    const item = this.#items.get(cid);
    if (!item) return null;
    if (FINAL.has(item.code)) {
      this.#drop(item);
      item.cid = item.frame.cid = uuid();
    }
    Object.assign(item, { tries: 0, failed: false, code: null });
    this.#keep(item);
    this.pump();
    return item;
  }

  /** The server has stored it. Returns the item, or null when it was not ours or known already. */
  confirm(cid) {
    const item = this.#items.get(cid);
    if (!item) return null;
    this.#drop(item);
    this.#free(item);
    this.pump();
    return item;
  }

  /** The server refused it: for good, or for `retryAfter` seconds. */
  refuse(cid, { code, passing, retryAfter = 0 }) {
    const item = this.#items.get(cid);
    if (!item) return;
    this.#free(item);
    if (!passing) return this.#fail(item, code);
    this.#current = item; // holds its place in the queue
    this.#timer = setTimeout(() => this.#again(item), Math.max(1, retryAfter) * 1000);
    this.#onHold(code);
  }

  /** Tries what has to wait now. */
  hurry() {
    if (this.#current) this.#again(this.#current);
  }

  /** The frame on its way was too big for the server: it must not be sent again. */
  refuseCurrent(code) {
    if (this.#current) this.refuse(this.#current.cid, { code, passing: false });
  }

  /** The connection is gone; what was on its way is sent again over the next one. */
  release() {
    clearTimeout(this.#timer);
    if (this.#current) this.#current.tries = 0;
    this.#current = null;
  }

  /** Takes a failed item away and returns it. */
  drop(cid) {
    const item = this.#items.get(cid);
    if (item) this.#drop(item);
    return item;
  }

  clear() {
    this.release();
    for (const item of this.items) this.#drop(item);
  }

  pump() {
    const item = this.#current ? null : this.items.find((candidate) => !candidate.failed);
    if (!item || !this.#transmit(item.frame)) return;
    item.tries += 1;
    this.#current = item;
    this.#timer = setTimeout(() => this.#again(item), ACK_WAIT_MS);
  }

  #again(item) {
    this.#free(item);
    if (item.tries >= MAX_TRIES) this.#fail(item, "no_answer");
    else this.pump();
  }

  #fail(item, code) {
    Object.assign(item, { failed: true, code });
    this.#keep(item);
    this.#onFail(item);
    this.pump();
  }

  #free(item) {
    if (this.#current !== item) return;
    clearTimeout(this.#timer);
    this.#current = null;
  }

  // One stored entry per item: tabs that share the storage never overwrite each other's.
  #keep(item) {
    this.#items.set(item.cid, item);
    this.#storage.set(`out:${item.cid}`, item);
  }

  #drop(item) {
    this.#items.delete(item.cid);
    this.#storage.remove(`out:${item.cid}`);
  }
}
