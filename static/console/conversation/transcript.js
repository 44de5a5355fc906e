/** The transcript: entries as the server renders them, kept up to date, in the reader's own time zone. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const UNSETTLED = new Set(["queued", "sending", "sent", "delivered"]);
const LOOKED_BACK = 30; // entries whose way is asked for
const BELOW_PX = 80; // so near to its end the transcript follows what is new
const markdown = import("../../widget/src/markdown.js").catch(() => null); // without it texts stay as they are

/** Times in a part of the page, in the reader's words. */
export function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const dated = time.closest(".chat-system") || time.hasAttribute("data-dated");
    time.textContent = time.closest(".chat-day") ? DAY.format(at) : (dated ? MOMENT : CLOCK).format(at);
    time.title = FULL.format(at);
    time.dataset.local = "";
  }
}

export class Transcript {
  #root;
  #log;
  #changed = new Set();
  #looking = null;
  #again = false;
  #typing = 0;
  #sight = null;

  /** `news(entries)` is told of entries that are new on the page. */
  constructor(root, { news = () => {} } = {}) {
    this.#root = root;
    this.#log = root.querySelector("[data-log]");
    this.news = news;
    this.last = Number(root.dataset.last);
    this.#dress(this.#log);
    this.#days();
    this.#watchTop();
    root.addEventListener("scroll", () => this.#atEnd() && this.#newer(false), { passive: true });
    this.newer = root.parentElement.querySelector("[data-newer]");
    this.newer?.querySelector("button").addEventListener("click", () => this.toEnd());
  }

  leave() {
    clearTimeout(this.#typing);
    this.#sight?.disconnect();
    this.#root = null;
  }

  get entries() {
    return [...this.#log.querySelectorAll("li[data-seq]")];
  }

  /** Entries after `seq` of a person, the bot or a colleague. */
  after(seq) {
    return this.entries.filter((entry) => Number(entry.dataset.seq) > seq && entry.dataset.role !== "system");
  }

  toEnd() {
    this.#root.scrollTop = 0; // the area is reversed: its end is where it begins
    this.#newer(false);
  }

  // ------------------------------------------------------------------------------ what is new

  /** A frame of the agents' socket, or of the hub. */
  take(frame) {
    if (frame.t === "typing") this.#types(frame);
    else if (frame.t === "read" && frame.by?.role === "visitor") this.look(this.#ways());
    else if (["msg", "state", "edit", "del"].includes(frame.t)) {
      if (frame.t === "msg" && frame.from?.role === "visitor") this.#types({ on: false });
      this.look(frame.of_seq ? [frame.of_seq] : []);
    } else if (["media", "reaction", "status"].includes(frame.t)) this.look([frame.of_seq]);
  }

  /** Without a socket: what is new, and what became of what was sent; with `all` of what was said of late. */
  poll(all = false) {
    return this.look(this.#ways(all));
  }

  #ways(all = false) {
    const open = this.entries.slice(-LOOKED_BACK).filter((entry) => all || UNSETTLED.has(entry.dataset.way));
    return open.map((entry) => Number(entry.dataset.seq));
  }

  /** Fetch what is new, and the entries `changed` names; several calls at once are one request. */
  look(changed = []) {
    for (const seq of changed) if (seq) this.#changed.add(seq);
    if (this.#looking) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#fetch().finally(() => {
      this.#looking = null;
      if (this.#again && this.#root) {
        this.#again = false;
        this.look();
      }
    });
    return this.#looking;
  }

  async #fetch() {
    if (!this.#root) return;
    const wanted = [...this.#changed];
    this.#changed.clear();
    const asked = new URLSearchParams({ after: this.last, changed: wanted.join() });
    if (!document.hidden) asked.set("seen", "yes");
    let answer;
    try {
      answer = await fetch(`${this.#root.dataset.entries}?${asked}`);
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    } catch {
      wanted.forEach((seq) => this.#changed.add(seq));
      return;
    }
    const part = fragment(await answer.text());
    if (!this.#root) return;
    this.last = Math.max(this.last, Number(answer.headers.get("X-Last-Seq")) || 0);
    this.#apply(part);
    if (answer.headers.get("X-More") === "yes") this.#again = true;
  }

  #apply(part) {
    const stuck = this.#atEnd();
    const fresh = [];
    this.#dress(part);
    for (const entry of [...part.querySelectorAll("li[data-seq]")]) {
      const former = this.#log.querySelector(`#${entry.id}`);
      if (former) former.replaceWith(entry);
      else {
        this.#insert(entry);
        fresh.push(entry);
      }
    }
    this.#days();
    if (!fresh.length) return;
    const theirs = fresh.some((entry) => entry.dataset.role === "visitor");
    if (stuck) this.toEnd();
    else if (theirs) this.#newer(true);
    this.news(fresh);
  }

  /** In the order of numbers, whatever order answers come in. */
  #insert(entry) {
    const seq = Number(entry.dataset.seq);
    const later = this.entries.find((other) => Number(other.dataset.seq) > seq);
    if (later) later.before(entry);
    else this.#log.append(entry);
  }

  #atEnd() {
    return Math.abs(this.#root.scrollTop) < BELOW_PX;
  }

  #newer(shown) {
    if (this.newer) this.newer.hidden = !shown;
  }

  // -------------------------------------------------------------------------------- what is old

  #watchTop() {
    this.#sight?.disconnect();
    const link = this.#log.querySelector("[data-older]");
    if (!link) return;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.#older(link);
    });
    this.#sight = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#older(link), {
      root: this.#root, rootMargin: "400px 0px 0px 0px",
    });
    this.#sight.observe(link);
  }

  async #older(link) {
    if (link.dataset.fetching) return;
    link.dataset.fetching = "yes";
    try {
      const answer = await fetch(`${this.#root.dataset.entries}?before=${link.dataset.older}`);
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const part = fragment(await answer.text());
      if (!this.#root) return;
      this.#dress(part);
      link.closest("li").remove();
      this.#log.prepend(part);
      this.#days();
      this.#watchTop();
    } catch {
      delete link.dataset.fetching; // the link stays, to be pressed
    }
  }

  // ---------------------------------------------------------------------------------- how it looks

  #dress(part) {
    localise(part);
    markdown.then((module) => {
      if (!module) return;
      for (const text of part.querySelectorAll?.(".chat-text:not([data-done])") ?? []) this.#format(text, module);
      for (const text of this.#log.querySelectorAll(".chat-text:not([data-done])")) this.#format(text, module);
    });
  }

  #format(text, module) {
    const box = document.createElement("div");
    box.className = "chat-text";
    box.dataset.done = "";
    box.append(...module.formatted(text.textContent, "markdown" in text.dataset ? "markdown" : "plain"));
    text.replaceWith(box);
  }

  /** A line before the first entry of each day, by the reader's calendar. */
  #days() {
    for (const day of this.#log.querySelectorAll(".chat-day")) day.remove();
    let former = "";
    for (const entry of this.entries) {
      const at = entry.querySelector(".chat-meta time, time")?.dateTime;
      const day = at ? DAY.format(new Date(at)) : former;
      if (day !== former) {
        const line = document.createElement("li");
        line.className = "chat-day";
        line.textContent = day;
        entry.before(line);
      }
      former = day;
    }
  }

  #types(frame) {
    const line = this.#root?.querySelector("[data-typing]");
    if (!line) return;
    clearTimeout(this.#typing);
    line.hidden = !frame.on;
    if (!frame.on) return;
    const role = frame.from?.role;
    const who = role === "bot" ? "The bot" : frame.from?.name || (role === "visitor" ? this.whom : "A colleague");
    line.querySelector("[data-who]").textContent = `${who} is writing …`;
    this.#typing = setTimeout(() => (line.hidden = true), (frame.ttl_s ?? 5) * 1000);
  }
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
