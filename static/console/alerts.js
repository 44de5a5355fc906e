/** That people wait, for a member of staff who looks elsewhere: the title, a sound and a notification, the last two by
 * consent. */
import { settled, tell } from "./notices.js";

const kept = (name) => localStorage.getItem(`inbox:${name}`) === "on";

/** `calm`: this member of staff has chosen not to be called by people who wait (*My alerts*). */
export function alerts(list, away, calm) {
  const title = document.title;
  let known = null; // how many call: what is new is told
  list.changed = () => {
    const waiting = list.count("waiting") + list.unread;
    document.title = waiting ? `(${waiting}) ${title}` : title;
    const calls = calm ? list.unread : waiting;
    if (known !== null && calls > known) call(calls);
    known = calls;
  };
  list.changed();

  choice("[data-alerts]", "alerts", async () => (await Notification.requestPermission()) === "granted");
  choice("[data-away]", "away", async () => true, (on) => away(on));
  choice("[data-sound]", "sound", async () => (ring(), true));
}

function choice(selector, name, consent, tell = () => {}) {
  const button = document.querySelector(selector);
  if (!button || (name === "alerts" && !("Notification" in window))) return;
  const show = () => button.setAttribute("aria-pressed", String(kept(name)));
  button.hidden = false;
  button.addEventListener("click", async () => {
    const on = !kept(name) && (await consent());
    localStorage.setItem(`inbox:${name}`, on ? "on" : "off");
    tell(on);
    show();
  });
  show();
}

function call(waiting) {
  if (kept("sound")) ring();
  notify("Inbox", waiting === 1 ? "1 conversation waits for you" : `${waiting} conversations wait for you`, "inbox");
}

document.addEventListener("inbox:opened", ({ detail }) => settled(detail.id));

/** An alert of the service for this member of staff (`alert` of docs/agent-socket.md). What stands open calls to itself. */
export function called({ title, text, url, kind, conversation }, opened) {
  const action = url ? { label: "Open", run: () => location.assign(url) } : null;
  const id = conversation ?? /inbox\/([\da-f-]{36})/.exec(url)?.[1] ?? "";
  if (!id || id !== opened) tell(`${title}${text ? `: ${text}` : ""}`, "warning", { action, stays: true, about: { kind, id } });
  if (kept("sound")) ring();
  notify(title, text, `${kind} ${conversation ?? ""}`, url);
}

function notify(title, body, tag, url = "") {
  if (!kept("alerts") || !document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(title, { body, tag });
  shown.onclick = () => {
    window.focus();
    shown.close();
    if (url) location.assign(url);
  };
}

/** Two soft tones; no file is needed. */
function ring() {
  const audio = new AudioContext();
  const volume = audio.createGain();
  volume.connect(audio.destination);
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
  [660, 880].forEach((frequency, index) => {
    const tone = audio.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start(audio.currentTime + index * 0.12);
    tone.stop(audio.currentTime + 0.5);
  });
  setTimeout(() => audio.close(), 800);
}
