/** How far the visitor has read: the unread count here, in other tabs and at the server. */

const TELL_AFTER_MS = 1000;
const isAnswer = ({ role }) => role === "bot" || role === "agent";

export class Reading {
  unread = 0;
  #storage;
  #peer;
  #timer = 0;

  /** `peer`: messages(), inView(), onUnread(count), tell(seq). */
  constructor(storage, peer) {
    this.#storage = storage;
    this.#peer = peer;
    storage.watch("read", () => this.count());
  }

  get mark() {
    return this.#storage.get("read") ?? 0;
  }

  /** Reading only moves forward. */
  set mark(seq) {
    this.#storage.set("read", Math.max(seq, this.mark));
    this.count();
  }

  forget() {
    clearTimeout(this.#timer); // the mark was of the conversation before
    this.#storage.remove("read");
  }

  count() {
    const { mark } = this;
    this.unread = this.#peer.messages().filter((message) => isAnswer(message) && message.seq > mark).length;
    this.#peer.onUnread(this.unread);
  }

  /** Marks the newest message as read if it is in view; the server hears of it once a second at most. */
  look() {
    const last = this.#peer.messages().findLast(isAnswer);
    if (!last || last.seq <= this.mark || !this.#peer.inView()) return;
    this.mark = last.seq;
    this.tell();
  }

  /** After a connect: what was read meanwhile has not been told. A mark beyond `last` is of a conversation that has ended. */
  resume(last) {
    if (this.mark > last) this.forget();
    this.tell();
  }

  tell() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.mark && this.#peer.tell(this.mark), TELL_AFTER_MS);
  }
}
