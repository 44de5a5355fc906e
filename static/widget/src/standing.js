/** What the visitor is told about the line and who is on it: the status under the title and the notices. */

const MOST_MS = 1e9; // a timer of a browser takes 25 days at most

export class Standing {
  #panel;
  #t;
  #language;
  #isOnline;
  #agent;
  #offline = false;
  #look;

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
    const offline = !navigator.onLine;
    if (offline || !mode) this.#panel.status("", "halted");
    else if (!this.#isOnline()) this.#panel.status(this.#t("connecting"), "connecting");
    else if (mode === "queue") this.#panel.status(this.#waiting(hours ?? {}, queue), "waiting");
    else this.#panel.status(this.#t(mode === "bot" ? "online" : "person", { name: name || this.#t("agent") }), "online");
    if (this.#offline !== offline) this.#panel.tell((this.#offline = offline) ? this.#t("offline") : "");
  }

  /** Nothing is told any more: another person begins, or the line has come back, which a browser may deny the next moment. */
  begin(agent) {
    this.#offline = false;
    this.show(agent);
  }

  /** When a human answers who is asked for and how many people wait before the visitor, as far as that is known. */
  #waiting({ opens_at: opens, expected_reply_minutes: minutes }, position) {
    const opening = new Date(opens ?? 0);
    const wait = opening - Date.now();
    clearTimeout(this.#look);
    if (wait > 0) {
      this.#look = setTimeout(() => this.show(), Math.min(wait, MOST_MS)); // no frame tells that the hour has come
      return this.#t("later", { time: `${this.#language.day(opening)}, ${this.#language.time(opening)}` });
    }
    const place = position ? `${this.#t("place", { n: this.#language.number(position) })} · ` : "";
    const unit = { style: "unit", unit: "minute", unitDisplay: "long" };
    return place + (minutes ? this.#t("soon", { time: this.#language.number(minutes, unit) }) : this.#t("queue"));
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
