/**
 * Whose chat this browser shows. On a shared computer the next person must not see what the one before has said, in no
 * tab and not for a moment: what was kept is forgotten before the service is asked, and the other tabs follow.
 */

import { uuid } from "./outbox.js";

const TOKEN_WAIT_MS = 5000;

export class Person {
  #session;
  #storage;
  #tab;
  #peer;
  #key;
  #begun = false;
  #missed = false;

  /** `peer`: leave() shows and sends nothing of the person before; goOn() with the session that has begun; refused(code). */
  constructor(session, storage, tab, peer) {
    this.#session = session;
    this.#storage = storage;
    this.#tab = tab;
    this.#peer = peer;
    this.#key = storage.get("person");
    storage.watch("person", (key) => {
      if (!key || key === this.#key) return;
      this.#key = key;
      if (this.#begun) this.#follow();
      else this.#missed = true;
    });
  }

  /** The chat has begun; another tab may have changed the person meanwhile. */
  begun() {
    this.#begun = true;
    if (this.#missed) this.#follow();
  }

  async logout() {
    this.#leave();
    this.#become(null);
    await this.#session.open();
    await this.#peer.goOn();
  }

  /**
   * Throws ApiError when the proof does not hold (any more); then the chat stays whose it was, but for that of another
   * user, which is not shown any longer.
   */
  async identify(identity) {
    if (!identity) return this.logout();
    if (this.#key?.startsWith("user:") && this.#key !== keyOf(identity)) {
      this.#leave();
      this.#become(null);
    }
    try {
      await this.#session.open({ identity });
    } catch (error) {
      this.#peer.refused(error.code);
      if (!this.#session.begun) await this.#session.open().then(this.#peer.goOn);
      throw error;
    }
    this.#become(identity);
    await this.#peer.goOn();
  }

  /** Another tab is another person's by now: so is this one, as soon as there is a token of theirs. */
  async #follow() {
    this.#forget();
    if (!this.#storage.get("token")) await this.#session.mine(this.#arrival());
    await this.#session.open();
    await this.#peer.goOn();
  }

  #arrival() {
    return new Promise((done) => {
      this.#storage.watch("token", (token) => token && done());
      setTimeout(done, TOKEN_WAIT_MS);
    });
  }

  #leave() {
    this.#storage.clear();
    this.#forget();
  }

  #forget() {
    this.#tab.remove("draft");
    this.#session.forget();
    this.#peer.leave();
  }

  #become(identity) {
    this.#key = identity ? keyOf(identity) : `anyone:${uuid()}`;
    this.#storage.set("person", this.#key);
  }
}

function keyOf({ user_id: id, jwt }) {
  return `user:${id ?? subject(jwt)}`;
}

/** The user of a JSON Web Token; the whole token where none can be read. */
function subject(jwt) {
  try {
    return JSON.parse(atob(jwt.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return jwt;
  }
}
