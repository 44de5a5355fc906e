/**
 * One conversation on a page: its transcript, the box to write in, the person. On the inbox it follows the page's events
 * (static/console/inbox.js says which); on the conversation's own page, which has no socket, it looks every few seconds.
 */
import { Composer, lead } from "./composer.js";
import { outbox } from "./outbox.js";
import { Person } from "./person.js";
import { Transcript, localise } from "./transcript.js";
import { Translation } from "./translation.js";

const LOOK_MS = 4000;
const OF_PERSON = new Set(["conv", "note", "page"]); // frames of what stands beside the transcript
const OF_MORE = new Set(["planned", "person"]); // of what stands in several parts of the page
let shown = null; // {root, id, transcript, composer, person, translation}

function open(root) {
  const transcript = root?.querySelector("[data-transcript]");
  if (!transcript || shown?.transcript.root === transcript) return;
  close();
  const box = root.querySelector("[data-composer]");
  outbox.open(box.dataset.me);
  shown = { root, id: box.dataset.conversation };
  shown.transcript = new Transcript(transcript, {
    news: (entries) => {
      shown?.composer.news(entries);
      shown?.person.look();
    },
  });
  shown.transcript.root = transcript;
  shown.transcript.whom = box.dataset.whom;
  shown.composer = new Composer(box, shown.transcript);
  shown.person = new Person(root.querySelector("[data-person]"));
  shown.translation = new Translation(root, shown.transcript, `console:translate:${box.dataset.me}:${shown.id}`);
  localise(root);
}

function close() {
  shown?.composer.leave();
  shown?.transcript.leave();
  shown?.person.leave();
  shown?.translation.leave();
  shown = null;
}

/** What else the page shows may have changed: whose it is, whether it is open, what is known of the person. */
function renew(fresh) {
  const box = fresh.querySelector("[data-composer]");
  if (box && shown.composer.differs(box)) {
    shown.composer.leave();
    localise(box);
    shown.composer.root.replaceWith(box);
    shown.composer = new Composer(box, shown.transcript);
  } else if (box) shown.composer.renew(box);
  const person = fresh.querySelector("[data-person]");
  if (person) shown.person.renew(person);
}

document.addEventListener("inbox:opened", ({ detail }) => open(detail.pane));
document.addEventListener("inbox:closing", close);
document.addEventListener("inbox:changed", ({ detail }) => {
  if (shown?.id !== detail.id) return;
  localise(shown.root); // the bar
  renew(detail.fresh);
  shown.transcript.look();
});
document.addEventListener("inbox:stale", ({ detail }) => shown?.id === detail.id && shown.transcript.poll(detail.anew));
document.addEventListener("inbox:frame", ({ detail }) => {
  if (shown?.id !== detail.conversation) return;
  if (detail.t === "note") shown.composer.noted();
  if (OF_MORE.has(detail.t)) document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id: shown.id } }));
  else if (OF_PERSON.has(detail.t)) shown.person.look();
  else shown.transcript.take(detail);
});

// What is refused while another conversation is open is told: its words stand below its transcript.
outbox.addEventListener("change", ({ detail }) => {
  if (detail.state !== "refused" || detail.conversation === shown?.id) return;
  const text = `Your reply to ${detail.whom} was not sent, and is kept there. ${detail.error.message}`;
  document.dispatchEvent(new CustomEvent("inbox:tell", { detail: { text, kind: "error" } }));
});

// What was written after the end began another conversation: it goes on there.
outbox.addEventListener("change", ({ detail }) => {
  if (detail.state !== "sent" || detail.conversation !== shown?.id || !detail.leads) return;
  lead(detail.conversation, detail.leads);
});

// A message of ours that did not arrive is sent again in its place.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-retry]");
  if (!form || !shown) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const body = new FormData(form);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) await shown?.transcript.look([Number(body.get("seq"))]);
  else button.disabled = false;
});

// What a member of staff thinks of an answer of the assistant; the same again takes it back.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-judge]");
  if (!form) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { good } = await answer.json();
  form.classList.toggle("judged", good !== "");
  for (const button of form.querySelectorAll("button")) {
    const pressed = button.dataset.good === good;
    button.setAttribute("aria-pressed", String(pressed));
    button.value = pressed ? "" : button.dataset.good;
  }
});

// ------------------------------------------------------------------- the conversation's own page

const page = document.querySelector("[data-page]");
document.documentElement.classList.add("scripted");
open(page ?? document.querySelector("#inbox-conversation"));
if (page) {
  setInterval(() => document.hidden || shown.transcript.poll(), LOOK_MS);
  document.addEventListener("visibilitychange", () => document.hidden || shown.transcript.poll());
  outbox.addEventListener("change", async ({ detail }) => {
    if (detail.state !== "sent") return;
    const answer = await fetch(location.href).catch(() => null); // the buttons: whose it is by now
    const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-buttons]");
    if (fresh) page.querySelector("[data-buttons]").replaceWith(fresh);
  });
  document.addEventListener("inbox:refresh", async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok) shown.composer.renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const target = /^[rn]$/.test(event.key) && [...page.querySelectorAll(`[data-key="${event.key}"]`)][0];
    if (!target) return;
    event.preventDefault();
    if (event.key === "r") shown.composer.turn("reply");
    else target.click();
  });
}
