/** Where the transcript comes from: pages over HTTP, live frames, and both to close a gap. */

import { Transcript } from "./transcript.js";

export class History {
  #api;
  #session;
  #peer;
  #transcript;
  #oldest = 0; // seq of the oldest message shown; 0 when there is nothing older to ask for

  /** `peer`: apply(frame), show(frames), showOlder(frames), seen(seq), sync(after), forget(): another conversation. */
  constructor(api, session, peer) {
    this.#api = api;
    this.#session = session;
    this.#peer = peer;
    this.#transcript = new Transcript({ onApply: peer.apply, onGap: (seq, round) => this.#fill(seq, round) });
  }

  get cursor() {
    return this.#transcript.cursor;
  }

  /** The last messages until now; if they cannot be had the socket replays them. */
  async latest() {
    const { lastSeq } = this.#session;
    try {
      await this.#before(lastSeq + 1, this.#peer.show);
      this.#transcript.reset(lastSeq);
    } catch {
      this.#transcript.reset(Math.max(0, lastSeq - 50));
    }
  }

  /** The messages before the oldest one shown. False when there are none or they cannot be had now. */
  async older() {
    const before = this.#oldest;
    if (!before) return false;
    this.#oldest = 0; // nothing more is asked for meanwhile
    try {
      await this.#before(before, this.#peer.showOlder);
      return true;
    } catch {
      this.#oldest = before;
      return false;
    }
  }

  receive(frame) {
    this.#transcript.receive(frame);
  }

  /** The server said `ready`: what it replays comes by the socket, what is too much by HTTP. */
  async ready({ complete, last_seq: last }) {
    if (complete === false) await this.catchUp().catch(() => {});
    this.#transcript.expect(last);
  }

  /** Everything after the cursor, over HTTP. True when there was something. */
  async catchUp() {
    const before = this.cursor;
    for (let more = true; more;) {
      const page = await this.#page();
      const { conversation } = this.#session;
      this.#session.conversation = page.conversation;
      if (conversation !== page.conversation) return this.#peer.forget(), this.catchUp(); // it counts anew
      for (const frame of page.messages) this.receive({ t: "msg", ...frame });
      more = page.has_more; // then there are messages
      this.#transcript.settle(more ? page.messages.at(-1).seq : page.last_seq);
      this.#peer.seen(page.read_seq);
    }
    return this.cursor > before;
  }

  pause() {
    this.#transcript.pause();
  }

  /** Another conversation, or none of the old one: seq counts from 1 again. */
  forget() {
    this.#transcript.reset();
    this.#oldest = 0;
  }

  async #before(before, show) {
    const { messages, has_more: more } = await this.#ask({ before });
    show(messages);
    this.#oldest = more ? messages[0].seq : 0;
  }

  #ask(range) {
    return this.#session.mine(this.#api.messages(range));
  }

  /** One page; with a new token when the old one has run out. */
  async #page() {
    const ask = () => this.#ask({ after: this.cursor });
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.#session.open();
      return ask();
    }
  }

  /** A frame is missing: ask the socket first, then take HTTP's word for what there is. */
  #fill(after, round) {
    if (round === 0) this.#peer.sync(after);
    else this.catchUp().catch(() => {}); // the transcript asks again as long as there is a gap
  }
}
