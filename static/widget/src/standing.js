/** What the visitor is told about the line and who is on it: the status under the title and the notices. */

export class Standing {
  #panel;
  #t;
  #language;
  #isOnline;
  #agent;
  #offline = false;

  /** `agent`: who answers, {mode, name, hours}; `isOnline()`: whether what the visitor writes is sent at once. */
  constructor({ panel, language, agent, isOnline }) {
    this.#panel = panel;
    this.#agent = { ...agent };
    this.#language = language;
    this.#t = language.t;
    this.#isOnline = isOnline;
    this.show();
  }

  /** Shows how things stand; `news` is of who answers: mode (bot, human, queue), name and, of a queue, the hours. What is
   * not known is not claimed. */
  show(news = {}) {
    if (news.mode && news.mode !== "queue") this.#agent = {};
    const { mode, name, hours, queue } = Object.assign(this.#agent, news);
    const words = {
      bot: () => this.#t("online"),
      human: () => this.#t("person", { name: name || this.#t("agent") }),
      queue: () => this.#waiting(hours ?? {}, queue),
    };
    if (!navigator.onLine || !mode) this.#panel.status("", "halted");
    else if (this.#isOnline()) this.#panel.status(words[mode](), mode === "queue" ? "waiting" : "online");
    else this.#panel.status(this.#t("connecting"), "connecting");
    if (this.#offline === !navigator.onLine) return;
    this.#offline = !navigator.onLine;
    this.#panel.tell(this.#offline ? this.#t("offline") : "");
  }

  /** Nothing is told any more: another person begins, or the line has come back, which a browser may deny the next moment. */
  begin(agent) {
    this.#offline = false;
    this.show(agent);
  }

  /** When a human answers who is asked for and how many people wait before the visitor, as far as that is known. */
  #waiting(hours, position) {
    const closed = new Date(hours.opens_at ?? 0) > Date.now();
    const place = position && !closed ? `${this.#t("place", { n: this.#language.number(position) })} · ` : "";
    return place + this.#when(hours);
  }

  #when({ opens_at: opens, expected_reply_minutes: minutes }) {
    const opening = new Date(opens ?? 0);
    if (opening > Date.now()) {
      return this.#t("later", { time: `${this.#language.day(opening)}, ${this.#language.time(opening)}` });
    }
    const unit = { style: "unit", unit: "minute", unitDisplay: "long" };
    return minutes ? this.#t("soon", { time: this.#language.number(minutes, unit) }) : this.#t("queue");
  }

  /** The state of the conversation changed: queued (with the `hours` of humans and the place in the `queue`), assigned
   * (to `name`, "" where it is not known), bot, closed or open. The place may have been told before. */
  turn(state, { name, hours, queue }) {
    const mode = { queued: "queue", assigned: "human", bot: "bot", closed: "bot" }[state];
    this.show(mode ? { mode, name, hours, queue: queue ?? this.#agent.queue } : {});
  }

  /** The connection will not come back by itself; `again()` is what the visitor may do about it. */
  halt(reason, again) {
    this.#panel.tell(this.#t("stopped"), reason === "stopped" && this.#t("retry"), again);
    this.#panel.status("", "halted");
  }
}
