/**
 * The transcript on the screen: messages in order, day lines, marks, and typing.
 *
 * It decides where a message stands and how it looks; what is shown inside comes from content.js.
 * Screen readers hear final texts from a live region of their own, so the log itself is silent.
 */

import { button, h, icon, safeUrl } from "./dom.js";
import { contentNodes } from "./content.js";

const GROUP_MS = 5 * 60_000; // messages of one sender within this time share a name
const NEAR_PX = 60;
const MARKS = ["sending", "failed", "sent", "delivered", "read"];
/** Why the service did not take a message, as far as the visitor can do something about it. */
const REASONS = { too_long: "tooLong", too_big: "tooLong", no_answer: "noAnswer", uploads_off: "fileType" };
const HOPELESS = new Set(["too_long", "too_big", "empty_message", "uploads_off"]); // as it is; its text can be changed

export class Log {
  #ui;
  #entries = []; // in the order of the screen; those without seq come last
  #list = h("div", { class: "list-inner" });
  #typing;
  #typingTimer = 0;
  #draft = h("div"); // what the bot has written so far
  #part = 0; // a new conversation after an ended one counts its seq from 1 again
  #stick = true;
  #top; // how far it was scrolled, once it was
  #fresh;

  /** `ui`: language, t, origin, botName, choose, quote(message), retry(cid), rewrite(cid), onTop(), onSeen(), announce(text). */
  constructor(ui) {
    this.#ui = ui;
    const { t } = ui;
    this.#typing = h("div", { class: "typing", hidden: true }, h("i"), h("i"), h("i"));
    this.intro = h("div", { class: "intro" });
    this.outro = h("div", { class: "outro" });
    this.inner = h("div", { class: "inner" }, this.intro, this.#list, this.#draft, this.#typing, this.outro);
    this.node = h(
      "div",
      {
        class: "log",
        role: "log",
        "aria-live": "off",
        "aria-label": t("log"),
        tabindex: 0,
        onkeydown: (event) => this.#move(event),
        onscroll: () => this.#scrolled(),
      },
      this.inner,
    );
    this.#fresh = button({ class: "fresh", hidden: true, onclick: () => this.toEnd() }, icon("down"), t("fresh"));
    this.element = h("div", { class: "log-frame" }, this.node, this.#fresh);
    // Images and the keyboard change heights: who was at the end stays there.
    const keepEnd = new ResizeObserver(() => this.#stick && this.toEnd());
    for (const node of [this.inner, this.node]) keepEnd.observe(node);
  }

  /** Whether the newest message is in view. */
  get atEnd() {
    return this.#stick;
  }

  get messages() {
    return this.#entries.map((entry) => entry.message);
  }

  /** The messages of the conversation that is going on, confirmed ones only. */
  get current() {
    return this.messages.filter(({ seq, part }) => seq && part === this.#part);
  }

  /** A new conversation begins below the old one. */
  begin() {
    this.#part += 1;
  }

  /** Shows a message, or shows it anew when its id or cid is known. */
  put(shown) {
    // The bot's answer is here, or one to more than it had heard comes instead.
    if (shown.role !== "visitor" || (shown.seq && this.#draft.firstElementChild)) this.typing(false);
    const known = this.#find(shown);
    const message = { ...shown, part: shown.seq ? (known?.message.seq ? known.message.part : this.#part) : Infinity };
    const mark = further(known?.mark, message.mark);
    if (known) this.#take(known);
    const entry = { message, mark, node: this.#draw(message) };
    let at = this.#entries.length;
    while (at > 0 && standsAfter(this.#entries[at - 1].message, message)) at -= 1;
    this.#list.insertBefore(entry.node, this.#entries[at]?.node ?? null);
    this.#entries.splice(at, 0, entry);
    this.#dress(at);
    this.#dress(at + 1);
    this.#showMarks();
    if (message.mark === "sending" && !known) this.toEnd();
    else if (!this.#stick && !known && message.live) this.#fresh.hidden = false;
  }

  /** Runs `change`, which adds older messages, without moving what is being read. */
  still(change) {
    const below = this.node.scrollHeight - this.node.scrollTop;
    change();
    if (!this.#stick) this.node.scrollTop = this.node.scrollHeight - below;
  }

  byId(id) {
    return this.#entries.find((entry) => entry.message.id === id)?.message;
  }

  /** Moves the mark of the visitor's messages that `test(message)` chooses forward (MARKS). */
  mark(state, test) {
    for (const entry of this.#entries) {
      const { role, part } = entry.message;
      if (role === "visitor" && part >= this.#part && test(entry.message)) entry.mark = further(entry.mark, state);
    }
    this.#showMarks();
  }

  /** The service did not take the visitor's message, for the reason `code`. */
  fail(cid, code) {
    const entry = this.#find({ cid });
    if (!entry) return;
    entry.message.code = code;
    this.mark("failed", (message) => message === entry.message);
    this.#ui.announce(this.#reason(code));
  }

  #reason(code) {
    const { t } = this.#ui;
    return REASONS[code] ? `${t("failed")}: ${t(REASONS[code])}` : t("failed");
  }

  drop(cid) {
    const entry = this.#find({ cid });
    if (entry) this.#take(entry);
  }

  clear() {
    this.#entries = [];
    this.#list.replaceChildren();
    this.typing(false);
  }

  /**
   * Typing dots, or the message that is being written as far as it has come; gone by themselves after `ttl` seconds. Told
   * to screen readers once per wait.
   */
  typing(on, name = "", ttl = 5, draft = null) {
    clearTimeout(this.#typingTimer);
    if (on && this.#typing.hidden && !this.#draft.firstElementChild) this.#ui.announce(this.#ui.t("typing", { name }));
    if (draft || !on) this.#draft.replaceChildren(draft ? this.#draw(draft) : "");
    this.#typing.hidden = !on || this.#draft.firstElementChild;
    if (on) this.#typingTimer = setTimeout(() => this.typing(false), ttl * 1000);
  }

  toEnd() {
    this.#stick = true;
    this.#fresh.hidden = true;
    this.node.scrollTop = this.node.scrollHeight;
  }

  #find({ id, cid }) {
    return this.#entries.find(({ message }) => (id && message.id === id) || (cid && message.cid === cid));
  }

  #take(entry) {
    const at = this.#entries.indexOf(entry);
    this.#entries.splice(at, 1);
    entry.node.remove();
    this.#dress(at);
  }

  #draw(message) {
    const { language, t } = this.#ui;
    const { role, ts, lang } = message;
    const name = this.nameOf(message);
    const { bubble, extra } = contentNodes(message, this.#ui);
    const time = h("time", { datetime: ts.toISOString() }, language.time(ts));
    const foot = h(
      "div",
      { class: "foot" },
      time,
      message.edited && h("span", {}, t("edited")),
      h("span", { class: "mark" }),
    );
    const body = h(
      "div",
      { class: "body" },
      role !== "visitor" && h("div", { class: "name" }, name),
      bubble.length > 0 &&
        h("div", { class: "bubble", dir: "auto", lang: lang && !language.locale.startsWith(lang) && lang }, bubble),
      extra,
      foot,
    );
    const label = `${name}, ${language.time(ts)}`;
    const item = h(
      "div",
      { class: `item ${role}`, role: "article", "aria-label": label, tabindex: -1 },
      role !== "visitor" && this.#face(message, name),
      body,
      message.id && !message.deleted && role !== "system" && this.#quoteButton(message),
    );
    return h("div", { class: "entry" }, item);
  }

  /** Out of the order of Tab until its message is reached by arrow keys: a transcript would have a stop a message. */
  #quoteButton(message) {
    const { t, quote } = this.#ui;
    const attributes = { class: "quote", tabindex: -1, "aria-label": t("quote") };
    return button({ ...attributes, onclick: () => quote(message) }, icon("reply"));
  }

  nameOf({ role, name }) {
    if (role === "visitor") return this.#ui.t("you");
    if (role === "system") return this.#ui.t("log");
    return name || (role === "bot" ? this.#ui.botName : this.#ui.t("agent"));
  }

  /** A picture that cannot be had leaves the initial. */
  #face({ role, picture }, name) {
    const initial = role === "bot" ? icon("bot") : [...name][0];
    const src = picture && safeUrl(picture);
    const onerror = ({ target }) => target.replaceWith(initial);
    const shown = src ? h("img", { src, alt: "", referrerpolicy: "no-referrer", onerror }) : initial;
    return h("span", { class: "face", "aria-hidden": "true" }, shown);
  }

  /** Day line and grouping depend on the neighbour before. */
  #dress(at) {
    const entry = this.#entries[at];
    if (!entry) return;
    const before = this.#entries[at - 1]?.message;
    const { message, node } = entry;
    const newDay = before?.ts.toDateString() !== message.ts.toDateString();
    const joined =
      !newDay && before.role === message.role && before.name === message.name && message.ts - before.ts < GROUP_MS;
    node.firstElementChild.classList.contains("day") && node.firstElementChild.remove();
    if (newDay) node.prepend(h("div", { class: "day" }, h("span", {}, this.#ui.language.day(message.ts))));
    node.classList.toggle("joined", joined);
  }

  /** Only the last of the visitor's messages shows that all is well; trouble always shows. */
  #showMarks() {
    const own = this.#entries.filter(({ message }) => message.role === "visitor");
    own.forEach((entry, index) => {
      const { mark, node, message } = entry;
      const text = node.querySelector(".mark");
      const shown = mark && (index === own.length - 1 || mark === "sending" || mark === "failed") ? mark : "";
      if (text.dataset.state === shown) return;
      text.dataset.state = shown;
      const failed = shown === "failed";
      const said = failed ? this.#reason(message.code) : shown && this.#ui.t(shown);
      text.replaceChildren(...[said, failed && this.#remedy(message)].filter(Boolean));
    });
  }

  #remedy({ cid, code, content }) {
    const hopeless = HOPELESS.has(code);
    if (hopeless && !content.text) return null;
    const act = () => (hopeless ? this.#ui.rewrite(cid) : this.#ui.retry(cid));
    const attributes = { class: "retry", onclick: act };
    return button(attributes, this.#ui.t(hopeless ? "change" : "retry"));
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.node;
    // A scroll of ours is told a frame later, when more may have come below it: only the visitor scrolls up.
    if (scrollTop < this.#top) this.#stick = false;
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) {
      this.#stick = this.#fresh.hidden = true;
      this.#ui.onSeen();
    }
    if (scrollTop < NEAR_PX) this.#ui.onTop();
  }

  /** Arrow keys, Home and End go from message to message; Enter answers it. */
  #move(event) {
    if (event.target !== this.node && !event.target.classList.contains("item")) return;
    const items = [...this.#list.querySelectorAll(".item[tabindex]")];
    const at = items.indexOf(event.target);
    const steps = {
      ArrowUp: at < 0 ? items.length - 1 : at - 1,
      ArrowDown: at < 0 ? items.length - 1 : at + 1,
      Home: 0,
      End: items.length - 1,
    };
    const item = event.key === "Enter" ? items[at] : items[Math.max(0, steps[event.key] ?? NaN)];
    if (!item) return;
    event.preventDefault();
    const answer = item.querySelector(".quote");
    if (event.key === "Enter") return answer?.click();
    this.#list.querySelector('.quote[tabindex="0"]')?.setAttribute("tabindex", -1);
    answer?.setAttribute("tabindex", 0);
    item.focus();
  }
}

/** The later of two marks; "failed" and "sending" give way to each other. */
function further(one, other) {
  return other && !(MARKS.indexOf(one) > Math.max(1, MARKS.indexOf(other))) ? other : one;
}

/** Whether `one` stands after `other`: by conversation and seq; what is not confirmed yet stands last. */
function standsAfter(one, other) {
  return one.part === other.part ? one.seq > other.seq : one.part > other.part;
}
