/** On which page a visitor who has written is: told where the channel asks for it, once, until it is another. */

export class Where {
  #session;
  #wire;
  #told;

  constructor(session, wire) {
    this.#session = session;
    this.#wire = wire;
  }

  tell() {
    const { config, conversation } = this.#session;
    const { href, origin, pathname } = location;
    const url = conversation && { path: origin + pathname, full: href }[config.pages];
    if (url && url !== this.#told && this.#wire.tell({ t: "page", url })) this.#told = url;
  }

  /** Another window may have spoken since, or the service has not heard it. */
  again() {
    this.#told = "";
    this.tell();
  }
}
