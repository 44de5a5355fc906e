/** What the visitor is told about the line and who is on it: the status under the title and the notices. */

export class Standing {
  #panel;
  #t;
  #isOnline;
  #agent;
  #offline = false;

  /** `agent`: who answers, {mode, name}; `isOnline()`: whether what the visitor writes is sent at once. */
  constructor({ panel, t, agent, isOnline }) {
    this.#panel = panel;
    this.#agent = { ...agent };
    this.#t = t;
    this.#isOnline = isOnline;
    this.show();
  }

  /** Shows how things stand; `news` is of who answers: mode (bot, human, queue) and name. What is not known is
   * not claimed. */
  show(news = {}) {
    const { mode, name } = Object.assign(this.#agent, news);
    const words = {
      bot: () => this.#t("online"),
      human: () => this.#t("person", { name: name || this.#t("agent") }),
      queue: () => this.#t("queue"),
    };
    if (!navigator.onLine || !mode) this.#panel.status("", "halted");
    else if (this.#isOnline()) this.#panel.status(words[mode](), "online");
    else this.#panel.status(this.#t("connecting"), "connecting");
    if (this.#offline === !navigator.onLine) return;
    this.#offline = !navigator.onLine;
    this.#panel.tell(this.#offline ? this.#t("offline") : "");
  }

  /** The state of the conversation changed: queued, assigned (to `name`, "" where it is not known), bot, closed or
   * open. */
  turn(state, name) {
    const mode = { queued: "queue", assigned: "human", bot: "bot", closed: "bot" }[state];
    this.show(mode ? { mode, name } : {});
  }

  /** The connection will not come back by itself; `again()` is what the visitor may do about it. */
  halt(reason, again) {
    const ways = {
      stopped: ["stopped", "retry", again],
      forbidden: ["stopped"],
    };
    const [text, label, act] = ways[reason];
    this.#panel.tell(this.#t(text), label && this.#t(label), act);
    this.#panel.status("", "halted");
  }
}
