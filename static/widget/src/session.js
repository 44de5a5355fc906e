/** The visitor's session with the service: token, configuration and where the conversation stands. */


export class Session {
  #api;
  #storage;
  #options;
  #data = {};
  #hurry = () => {};

  constructor({ api, storage, options }) {
    this.#api = api;
    this.#storage = storage;
    this.#options = options;
  }

  get config() {
    return this.#data.config ?? {};
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
   * Asks for a session until there is one. Throws ApiError when the service refuses, and at once
   * when a caller waits for the outcome (`extra` is a profile or an identity). `onWait(error)` is called
   * when it takes longer.
   */
  async open(extra = {}, onWait = () => {}) {
    for (let attempt = 0; ; attempt++) {
      try {
        this.#data = await this.#api.session(this.#request(extra));
        this.token = this.#data.visitor_token;
        return;
      } catch (error) {
        if (error.status === 401 && this.#storage.get("token")) this.#storage.remove("token");
        else if (!error.passing || Object.keys(extra).length) throw error;
        else {
          onWait(error);
          await this.#pause(Math.max(error.retryAfter, Math.random() * Math.min(60, 2 ** attempt)));
        }
      }
    }
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

  #request(extra) {
    return { visitor_token: this.#storage.get("token"), ...extra };
  }
}
