/** The visitor's session with the service: token, configuration and where the conversation stands. */

import { speak } from "./i18n.js";

export class Session {
  #api;
  #storage;
  #options;
  #data = { config: {} };
  #hurry = () => {};
  #signal;
  #shown; // which language, "de"
  #person = 0; // counts whose chat it was

  constructor({ api, storage, options, signal }) {
    this.#api = api;
    this.#storage = storage;
    this.#options = options;
    this.#signal = signal;
  }

  /** The channel's words in the language that is shown take the place of its others, in every session. */
  get config() {
    const config = this.#data.config;
    return { ...config, ...config.translations?.[this.#shown] };
  }

  /** The one that is shown. */
  async language(wish) {
    const language = await speak(wish, this.config.locale);
    this.#shown = language.locale.slice(0, 2);
    return language;
  }

  get conversation() {
    return this.#data.conversation ?? null;
  }

  set conversation(id) {
    this.#data.conversation = id;
  }

  get begun() {
    return Boolean(this.#data.socket_url);
  }

  /** The last conversation, while the visitor is to be asked how it was. */
  get unrated() {
    return this.#data.unrated;
  }

  /** Who answers: {mode, name}. */
  get agent() {
    return this.#data.agent;
  }

  get lastSeq() {
    return this.#data.last_seq ?? 0;
  }

  get token() {
    return this.#api.token;
  }

  set token(token) {
    this.#api.token = token;
    this.#storage.set("token", token);
  }

  get socketUrl() {
    const url = new URL(this.#data.socket_url, this.#options.origin);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  }

  /**
   * Asks for a session until there is one. Throws ApiError when the service refuses, and with a `profile` also when the
   * line is down: the form tells it. `onWait(error)` is called when it takes longer.
   */
  async open(extra = {}, onWait = () => {}) {
    for (let attempt = 0; ; attempt++) {
      try {
        const visitor_token = this.#storage.get("token");
        this.#data = await this.mine(this.#api.session({ visitor_token, ...extra }));
        this.token = this.#data.visitor_token;
        return;
      } catch (error) {
        if (error.status === 401 && this.#storage.get("token")) this.#storage.remove("token");
        else if (!error.passing || extra.profile) throw error;
        else {
          onWait(error);
          await this.mine(this.#pause(Math.max(error.retryAfter, Math.random() * Math.min(60, 2 ** attempt))));
        }
      }
    }
  }

  /** The outcome of `asked`, if it still is of the person whose chat is shown; else it never comes. */
  mine(asked) {
    const person = this.#person;
    const counts = () => person === this.#person && !this.#signal.aborted;
    return new Promise((done, failed) =>
      asked.then(
        (answer) => counts() && done(answer),
        (error) => counts() && failed(error),
      ),
    );
  }

  /** Answers to what has been asked until now do not count. */
  supersede() {
    this.#person += 1;
  }

  /** Another person begins. */
  forget() {
    this.supersede();
    this.#api.token = null;
    this.#data = { config: this.config };
  }

  /** Asks again now rather than later. */
  hurry() {
    this.#hurry();
  }

  #pause(seconds) {
    return new Promise((done) => {
      this.#hurry = done;
      setTimeout(done, seconds * 1000);
    });
  }
}
