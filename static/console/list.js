/**
 * The lists at the left: rows as the server renders them, kept in their order while conversations change.
 *
 * A row's `data-*` say where it stands: `view`, `rank` (1 is the most urgent), `waiting` (since), `last` (message),
 * `late` (when the wait becomes too long), `snoozed` (until), `ended`.
 */
import { age, filled, viewOf } from "./row.js";

const LATEST = (one, other) => other.last.localeCompare(one.last);
const LONGEST = (one, other) => one.waiting.localeCompare(other.waiting);
/** As the server orders each list. */
const ORDER = {
  waiting: (one, other) => one.rank - other.rank || LONGEST(one, other),
  snoozed: (one, other) => one.snoozed.localeCompare(other.snoozed),
  closed: (one, other) => other.ended.localeCompare(one.ended),
  mine: (one, other) => !one.waiting - !other.waiting || (one.waiting ? LONGEST(one, other) : LATEST(one, other)),
};

/** What an address of the inbox shows. */
export function address(url) {
  const at = new URL(url, location.href);
  return { id: /\/inbox\/([0-9a-f-]{36})\//.exec(at.pathname)?.[1] ?? null, query: at.searchParams };
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

export class List {
  #root;
  #data;
  #asking = 0;
  #filling = false;
  changed = () => {}; // what is told when counts or rows have changed

  constructor(root, data) {
    this.#root = root;
    this.#data = data;
  }

  start() {
    setInterval(() => this.tick(), 15_000);
    this.#follow();
    this.tick();
  }

  get view() {
    return this.#root.querySelector(".inbox-views")?.dataset.view ?? "";
  }

  /** The address's parameters of what is listed. */
  get query() {
    return this.#root.querySelector(".inbox-views")?.dataset.query ?? "";
  }

  get searching() {
    return new URLSearchParams(this.query).has("q");
  }

  get narrowed() {
    const asked = new URLSearchParams(this.query);
    return [...asked.keys()].some((name) => name !== "view" && name !== "tenant");
  }

  get rows() {
    return [...this.#root.querySelectorAll(".inbox-row")];
  }

  /** How many of the rows of one's own conversations hold what is not read. */
  get unread() {
    return this.rows.filter((row) => row.dataset.view === "mine" && row.classList.contains("unread")).length;
  }

  count(view) {
    return parseInt(this.#root.querySelector(`[data-view="${view}"] [data-count]`)?.textContent ?? "0", 10);
  }

  shows(url) {
    const wanted = new URLSearchParams(address(url).query);
    const shown = new URLSearchParams(this.query);
    wanted.sort();
    shown.sort();
    return wanted.toString() === shown.toString();
  }

  replace(fragment) {
    this.#root.replaceChildren(fragment);
    this.#follow();
    this.tick();
    this.changed();
  }

  mark(id) {
    for (const row of this.rows) {
      const link = row.querySelector("a");
      if (row.dataset.id === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.#root.querySelector(`#row-${id}`)?.scrollIntoView({ block: "nearest" });
  }

  focus(id) {
    this.#root.querySelector(`#row-${id} a`)?.focus();
  }

  /** The opened conversation is read. */
  seen(id) {
    const row = this.#root.querySelector(`#row-${id}`);
    row?.classList.remove("unread");
    row?.querySelector(".inbox-unread")?.setAttribute("hidden", "");
  }

  /** The next or previous row has the focus; Enter opens it, as any link. */
  step(by) {
    const links = this.rows.map((row) => row.querySelector("a"));
    const at = links.indexOf(document.activeElement);
    const from = at < 0 ? links.findIndex((link) => link.hasAttribute("aria-current")) : at;
    const next = links[Math.min(links.length - 1, Math.max(0, from < 0 ? 0 : from + by))];
    next?.focus();
    if (next && next === links.at(-1)) this.more();
  }

  // ---------------------------------------------------------------------------- from the server

  async fetch(query) {
    const answer = await fetch(`${this.#data.home}?${query}${query ? "&" : ""}part=list`);
    if (!answer.ok) throw new Error(String(answer.status));
    return parsed(await answer.text());
  }

  /** The list as the server has it now; false: there was no answer. Rows that stayed keep their place under the pointer and the focus. */
  async refresh() {
    const turn = ++this.#asking;
    const query = this.query;
    const fresh = await this.fetch(query).catch(() => null);
    if (!fresh) return false; // no connection
    if (turn !== this.#asking || query !== this.query) return true;
    const known = new Set(this.rows.map((row) => row.dataset.id));
    const focused = document.activeElement?.closest(".inbox-row")?.dataset.id;
    const scrolled = this.#root.querySelector(".inbox-rows")?.scrollTop ?? 0;
    const beyond = this.rows.length > fresh.querySelectorAll(".inbox-row").length ? this.rows : [];
    const current = this.#root.querySelector(".inbox-row [aria-current]")?.closest(".inbox-row").dataset.id;
    for (const row of fresh.querySelectorAll(".inbox-row")) row.classList.toggle("new", !known.has(row.dataset.id));
    const more = this.#root.querySelector(".inbox-more");
    this.#keep(fresh, beyond, more);
    this.#root.replaceChildren(fresh);
    this.#root.querySelector(".inbox-rows").scrollTop = scrolled;
    this.mark(current);
    this.#root.querySelector(`#row-${focused} a`)?.focus({ preventScroll: true });
    this.#follow();
    this.tick();
    this.changed();
    return true;
  }

  /** Pages that were fetched by scrolling stay below the first one. */
  #keep(fresh, rows, more) {
    const next = fresh.querySelector(".inbox-more");
    if (!next || !rows.length) return;
    const place = fresh.querySelector(".inbox-rows");
    const there = new Set([...place.children].map((row) => row.dataset.id));
    const last = Math.max(...rows.map((row, index) => (there.has(row.dataset.id) ? index : -1)));
    for (const row of rows.slice(last + 1)) place.append(row);
    if (more) next.replaceWith(more);
    else next.remove();
  }

  async more() {
    const link = this.#root.querySelector(".inbox-more");
    if (!link || this.#filling) return;
    this.#filling = true;
    try {
      const fresh = await this.fetch(new URL(link.href).search.slice(1));
      const place = this.#root.querySelector(".inbox-rows");
      if (!link.isConnected) return;
      for (const row of [...fresh.querySelectorAll(".inbox-row")])
        if (!this.#root.querySelector(`#${row.id}`)) place.append(row);
      const next = fresh.querySelector(".inbox-more");
      if (next) link.replaceWith(next);
      else link.remove();
      this.tick();
    } catch {
      // the link is still there to be followed
    } finally {
      this.#filling = false;
      if (this.#root.querySelector(".inbox-more")) this.#follow();
    }
  }

  /** More is fetched before the end comes into sight. */
  #follow() {
    const link = this.#root.querySelector(".inbox-more");
    if (!link) return;
    const root = this.#root.querySelector(".inbox-rows");
    const watch = new IntersectionObserver(
      ([seen]) => {
        if (!link.isConnected) watch.disconnect();
        else if (seen.isIntersecting) watch.disconnect(), this.more();
      },
      { root: null, rootMargin: "400px" },
    );
    if (root) watch.observe(link);
  }

  // -------------------------------------------------------------------------------- by the clock

  tick(at = Date.now()) {
    for (const row of this.rows) {
      const time = row.querySelector(".inbox-age");
      if (time.dateTime) time.textContent = age(time.dateTime, at);
      row.classList.toggle("late", Boolean(row.dataset.late) && Date.parse(row.dataset.late) <= at);
    }
  }

  // ------------------------------------------------------------------------------ by the socket

  counts(numbers) {
    for (const [view, number] of Object.entries(numbers)) {
      const shown = this.#root.querySelector(`[data-view="${view}"] [data-count]`);
      if (!shown || number === null) continue; // too many to be counted
      shown.textContent = number;
      if (number) shown.parentNode.hidden = false;
    }
    this.changed();
  }

  /** A conversation of this list is new or has changed (`conv` of docs/agent-socket.md). */
  put(conv) {
    const former = this.#root.querySelector(`#row-${conv.conversation}`);
    if (former && Number(former.dataset.version) > conv.version) return;
    if (!former && this.searching) return; // what is found is not what changes
    const row = filled(former?.cloneNode(true) ?? document.querySelector("#inbox-row").content.firstElementChild.cloneNode(true), conv, this.#data.me);
    if (!former) row.querySelector("a").href = `${this.#data.home}${conv.conversation}/${this.query ? `?${this.query}` : ""}`;
    row.classList.toggle("new", !former);
    const focused = former?.contains(document.activeElement);
    if (this.searching) former.replaceWith(row);
    else {
      former?.remove();
      this.#insert(row);
    }
    if (focused) row.querySelector("a").focus({ preventScroll: true });
    this.#told();
  }

  /** Whether a changed conversation stands in this list. The server knows, but it tells of a watched one in any case. */
  holds(conv, watched) {
    const here = this.#root.querySelector(`#row-${conv.conversation}`) !== null;
    if (this.searching || !watched) return here || !this.searching;
    if (this.view === "mentions") return here;
    return viewOf(conv, this.#data.me) === this.view && (here || !this.narrowed);
  }

  /** It is in this list no more. */
  drop(id) {
    if (this.searching) return;
    this.#root.querySelector(`#row-${id}`)?.remove();
    this.#told();
  }

  #told() {
    this.#root.querySelector(".inbox-nothing")?.toggleAttribute("hidden", this.rows.length > 0);
    this.tick();
    this.changed();
  }

  #insert(row) {
    const order = ORDER[this.view] ?? LATEST;
    const place = this.#root.querySelector(".inbox-rows");
    const behind = [...place.children].find((other) => order(row.dataset, other.dataset) < 0);
    if (behind) behind.before(row);
    else if (!this.#root.querySelector(".inbox-more")) place.append(row); // else it comes with its page
  }
}
