/**
 * The inbox: one page that is loaded once. Every link and form in it works without this script; with it, only the part
 * that changes is fetched, and the address follows.
 *
 * What other modules may rely on, as events on `document` (all carry `detail`):
 * - `inbox:opened` {id, pane}: a conversation stands in `pane` (#inbox-conversation), also at the start
 * - `inbox:closing` {id}: it is about to be replaced
 * - `inbox:changed` {id, fresh}: `fresh` is its part of the page as the server shows it now; the bar is replaced already
 * - `inbox:frame` {…}: a frame of the socket that is about the opened conversation
 * - `inbox:stale` {id, reset, anew}: frames may have been missed: look again; `reset`: from the start; `anew`: also at what
 *   was settled
 * What they may say: `inbox:say` {…} a frame for the socket, prevented when that has it; `inbox:tell` {text, kind}; `inbox:refresh` {id};
 * `inbox:lead` {id} to another conversation, prevented by the inbox.
 * An element with `data-key="r"` in the opened conversation is clicked, or focused, by that key.
 */
import { address, List } from "./list.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { alerts, called } from "./alerts.js";
import { sure, tell } from "./notices.js";

const root = document.querySelector("#inbox");
const pane = document.querySelector("#inbox-conversation");
const list = new List(document.querySelector("#inbox-list"), root.dataset);
const emit = (name, detail) => document.dispatchEvent(new CustomEvent(`inbox:${name}`, { detail }));
const opened = () => pane.querySelector("[data-conversation]")?.dataset.conversation ?? null;

async function part(url, name) {
  const asked = new URL(url, location.href);
  asked.searchParams.set("part", name);
  const answer = await fetch(asked, { headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname.includes("/login/")) location.reload(); // signed out
  if (!answer.ok) throw new Error(String(answer.status));
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

// ------------------------------------------------------------------------------- where one is

const WRITE = '[data-key="r"], textarea'; // who clicks wants to write
const READ = ".inbox-whom h2"; // who opens it by a key goes on by keys, which a box to write in would take for words
let going = 0; // the last step taken: an answer to an earlier one comes too late

/** `focus`: where it goes in a conversation that is opened, a selector; "": it stays. */
async function go(url, { push = true, replace = false, focus = WRITE } = {}) {
  const step = ++going;
  const place = address(url);
  const former = opened();
  if (push) history[replace ? "replaceState" : "pushState"](null, "", url);
  try {
    if (place.id) list.mark(place.id);
    const kept = list.shows(url) && place.id;
    if (!kept) await live.view(place.query);
    const waits = [kept ? null : part(url, "list")];
    waits.push(place.id && place.id !== former ? part(url, "conversation") : null);
    const [rows, talk] = await Promise.all(waits);
    if (step !== going) return;
    if (rows) list.replace(rows);
    if (place.id !== former && former) emit("closing", { id: former });
    if (talk) pane.replaceChildren(talk);
    else if (!place.id && former) none();
    root.dataset.pane = place.id ? "conversation" : "list";
    list.mark(place.id);
    if (talk) shown(focus);
    else if (!place.id && former && document.activeElement === document.body) list.focus(former);
  } catch {
    if (step === going && push) location.assign(url); // the server says what is wrong
  }
}

function none() {
  pane.replaceChildren(document.querySelector("#inbox-none").content.cloneNode(true));
  live.watch(null);
}

function shown(focus) {
  const id = opened();
  if (!id) return;
  const scroll = pane.querySelector(".chat-scroll");
  if (scroll) scroll.scrollTop = scroll.scrollHeight;
  if (focus && matchMedia("(min-width: 768px)").matches) pane.querySelector(focus)?.focus();
  list.seen(id);
  live.watch(id, Number(pane.querySelector("[data-conversation]").dataset.seq));
  emit("opened", { id, pane });
}

// ------------------------------------------------------------------------------ what has changed

let refreshing = 0;

/** The opened conversation as the server shows it now. Words that are being written stay. */
async function refresh(id = opened()) {
  if (!id || id !== opened()) return;
  const turn = ++refreshing;
  // by its own address: the page's may be that of the next one already
  const fresh = await part(`${root.dataset.home}${id}/${location.search}`, "conversation").catch(() => null);
  if (!fresh || turn !== refreshing || id !== opened()) return;
  const bar = fresh.querySelector(".inbox-bar");
  const shown = pane.querySelector("[data-conversation]");
  shown.dataset.version = fresh.querySelector("[data-conversation]").dataset.version;
  const picks = pane.querySelector(".inbox-bar details[open]"); // who picks from a list keeps it: the bar comes afterwards
  if (picks) picks.addEventListener("toggle", () => refresh(id), { once: true });
  else if (bar) pane.querySelector(".inbox-bar")?.replaceWith(bar.cloneNode(true));
  emit("changed", { id, fresh });
}

let standing = ""; // of the opened conversation: what its bar says

/** `conv` of the opened conversation: the bar is fetched anew when it would say something else. */
function changed(conv) {
  const shown = pane.querySelector("[data-conversation]");
  const labels = conv.labels.map((label) => label.name);
  const said = [conv.is_open, conv.control_epoch, conv.assignee?.id, conv.team?.id, conv.snoozed_until, ...labels];
  const now = JSON.stringify([conv.conversation, said]);
  const known = standing.startsWith(`["${conv.conversation}"`);
  const differs = known ? standing !== now : conv.version > Number(shown?.dataset.version);
  standing = now;
  if (differs) refresh(conv.conversation);
  else emit("frame", conv); // figures, marks, a rating
}

/** Who is there by now, in the list that is opened to assign. Its buttons stay, and what they know of who answers. */
async function gathered({ target }) {
  if (!target.open || !target.querySelector?.('.inbox-bar form[data-verb="assign"]')) return;
  const fresh = await part(`${root.dataset.home}${opened()}/${location.search}`, "conversation").catch(() => null);
  for (const { value, childNodes } of fresh?.querySelectorAll('.inbox-bar form[data-verb="assign"] button') ?? [])
    target.querySelector(`button[value="${value}"]`)?.replaceChildren(...childNodes);
}

/** Who else looks at the opened conversation, and who of them types. */
function others(members) {
  const place = pane.querySelector("#inbox-others");
  if (!place) return;
  members = members.filter((member) => member.id !== root.dataset.me);
  const called = (member) => member.full_name || member.name;
  const typing = members.filter((member) => member.typing).map(called);
  const looking = members.filter((member) => !member.typing).map(called);
  const said = [typing.length && `${typing.join(", ")} ${typing.length > 1 ? "write" : "writes"} …`];
  said.push(looking.length && `${looking.join(", ")} ${looking.length > 1 ? "look" : "looks"} at this, too`);
  place.textContent = said.filter(Boolean).join(" · ");
}

async function act(form, pressed = null) {
  const planned = form.dataset.verb === "close" && pane.querySelectorAll("[data-planned] li:not([data-refused])").length;
  const lost = planned ? ` ${planned === 1 ? "A planned reply" : `${planned} planned replies`} will not be sent.` : "";
  const question = form.dataset.sure;
  if (question && !(await sure(question + lost))) return;
  const body = new FormData(form, pressed);
  for (const { name, value } of form.querySelectorAll("input[type=datetime-local]"))
    if (value) body.set(name, new Date(value).toISOString()); // by the reader's clock, as all times of the page
  const button = pressed ?? form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (said.error) tell(said.error.message, "error");
    else if (said.told) tell(said.told);
    if (!said.error) form.dispatchEvent(new CustomEvent("inbox:done", { bubbles: true, detail: said }));
  } catch {
    tell("The service did not answer. Try again.", "error", { action: { label: "Again", run: () => act(form, pressed) } });
  } finally {
    button.disabled = false;
    form.closest("details")?.removeAttribute("open");
  }
  await Promise.all([refresh(), list.refresh()]);
}

// ------------------------------------------------------------------------------------- by hand

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.matches(".inbox-about")) {
    event.preventDefault();
    pane.querySelector(".inbox-right")?.classList.toggle("shown");
  } else if (link.matches(".inbox-more")) {
    event.preventDefault();
    list.more();
  } else if (link.href.startsWith(new URL(root.dataset.home, location.href).href) && !link.target) {
    event.preventDefault();
    const focus = event.detail ? WRITE : READ;
    go(link.closest(".inbox-left") && !link.closest(".inbox-row") ? beside(link.href) : link.href, { focus });
  }
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (event.target.matches("form[data-verb]")) {
    event.preventDefault();
    act(event.target, event.submitter);
  } else if (event.target.matches("#inbox-search")) {
    event.preventDefault();
    search(event.target);
  }
});

function search(form) {
  const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  if (list.view) asked.set("view", list.view);
  form.querySelector("details")?.removeAttribute("open");
  form.querySelector("details")?.toggleAttribute("data-set", ["channel", "priority", "label", "team", "failed"].some((name) => asked.has(name)));
  go(beside(`${root.dataset.home}?${asked}`), { replace: list.searching && asked.has("q") }); // not a step for each word
}

/** Another list, beside the conversation that is open; on a phone there is room for one of them. */
function beside(url) {
  const at = new URL(url, location.href);
  const id = opened();
  if (id && matchMedia("(min-width: 768px)").matches) at.pathname = `${root.dataset.home}${id}/`;
  return at.href;
}

/** The filter shows `limits`: [name, value] of each. */
function limit(limits) {
  for (const [name, value] of limits) {
    const control = document.querySelector(`#inbox-search [name="${name}"]`);
    if (control?.type === "checkbox") control.checked = Boolean(value);
    else if (control && value) control.value = value;
  }
}
limit(Object.entries(JSON.parse(document.querySelector("#inbox-limits").textContent))); // what the address asks for

/** What can be chosen, with labels and teams that are newer than the page. */
document.querySelector(".inbox-filter").addEventListener("toggle", async ({ target }) => {
  if (!target.open) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return; // the page's own remain
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".inbox-filter .inbox-sheet");
  const sheet = target.querySelector(".inbox-sheet");
  if (!fresh || sheet.contains(document.activeElement)) return;
  const chosen = [...new FormData(target.closest("form"))];
  sheet.replaceChildren(...fresh.children);
  limit(chosen);
});

const field = document.querySelector("#inbox-search input[type=search]");
let typed = 0;
field.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => search(field.form), 300);
});
document.querySelector(".inbox-tenant select")?.addEventListener("change", ({ target }) => target.form.submit());
document.addEventListener("click", ({ target }) => {
  for (const sheet of document.querySelectorAll("details[open]:is(.inbox-menu, .inbox-filter, .inbox-pick)"))
    if (!sheet.contains(target)) sheet.open = false;
});
document.addEventListener("toggle", gathered, true); // it does not bubble
addEventListener("popstate", () => go(location.href, { push: false }));

// ------------------------------------------------------------------------------------- together

document.addEventListener("inbox:lead", (event) => {
  event.preventDefault();
  go(`${root.dataset.home}${event.detail.id}/`);
});
document.addEventListener("inbox:tell", ({ detail }) => tell(detail.text, detail.kind));
document.addEventListener("inbox:refresh", ({ detail }) => refresh(detail.id));
const live = new Live(root.dataset, { list, opened, refresh, emit, changed, others, alert: (frame) => called(frame, opened()) });
document.addEventListener("inbox:say", (event) => live.say(event.detail) && event.preventDefault());
keys({ list, pane, go, home: root.dataset.home });
alerts(list, (on) => live.presence(on ? "away" : "online"), "calm" in root.dataset);
list.start();
live.start();
shown(WRITE);
