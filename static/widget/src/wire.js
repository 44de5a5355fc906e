/** The way to the service: by socket, and over HTTP while none can be had. */

export class Wire {
  #connection;
  #polling;
  #api;
  #onAck;
  #onRefused;

  /** `onAck(ack)` and `onRefused(cid, error)` are the service's words over HTTP; those by socket are frames. */
  constructor({ connection, polling, api, onAck, onRefused }) {
    this.#connection = connection;
    this.#polling = polling;
    this.#api = api;
    this.#onAck = onAck;
    this.#onRefused = onRefused;
  }

  stop() {
    this.#connection.stop();
    this.#polling.stop();
  }

  /** Sends a frame that is acknowledged; false when there is no way out now. */
  transmit(frame) {
    if (this.#connection.send(frame)) return true;
    if (!this.#polling.running) return false;
    this.#api.post(frame).then(this.#onAck, (error) => this.#onRefused(frame.cid, error));
    return true;
  }

  /** Sends a frame that may get lost; false when there is no way out now. */
  tell(frame) {
    if (this.#connection.send(frame, true)) return true;
    if (this.#polling.running) this.#api.post(frame).catch(() => {});
    return this.#polling.running;
  }
}
