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

  let permission = null;
  const holds = () => (permission?.state ?? Notification.permission) === "granted";
  const show = choice("[data-alerts]", "alerts", allowed, { holds });
  const follow = (state) => ((permission = state), (state.onchange = show), show()); // changed in the browser's own settings
  navigator.permissions?.query({ name: "notifications" }).then(follow, () => {});
  choice("[data-away]", "away", async () => true, { told: (on) => away(on) });
  choice("[data-sound]", "sound", async () => (ring(), true));
}

/** What refuses has said why. */
async function allowed() {
  if ((await Notification.requestPermission()) === "granted") return true;
  tell("This browser does not let the page notify you. Allow notifications for this address in its settings, then press it again.", "warning");
  return false;
}

/** `holds()`: whether what was chosen is still so. Gives what shows it anew. */
function choice(selector, name, consent, { told = () => {}, holds = () => true } = {}) {
  const button = document.querySelector(selector);
  if (!button || (name === "alerts" && !("Notification" in window))) return () => {};
  const stands = () => kept(name) && holds();
  const show = () => button.setAttribute("aria-pressed", String(stands()));
  button.hidden = false;
  button.addEventListener("click", async () => {
    const on = !stands() && (await consent());
    localStorage.setItem(`inbox:${name}`, on ? "on" : "off");
    told(on);
    show();
  });
  addEventListener("storage", ({ key }) => key === `inbox:${name}` && show()); // pressed in another window
  show();
  return show;
}

function call(waiting) {
  sound();
  notify("Inbox", waiting === 1 ? "1 conversation waits for you" : `${waiting} conversations wait for you`, "inbox");
}

document.addEventListener("inbox:opened", ({ detail }) => settled(detail.id));

/** An alert of the service for this member of staff (`alert` of docs/agent-socket.md). What stands open calls to itself. */
export function called({ title, text, url, kind, conversation }, opened) {
  const action = url ? { label: "Open", run: () => location.assign(url) } : null;
  const id = conversation ?? /inbox\/([\da-f-]{36})/.exec(url)?.[1] ?? "";
  if (!id || id !== opened) tell(`${title}${text ? `: ${text}` : ""}`, "warning", { action, stays: true, about: { kind, id } });
  sound();
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

const ONCE_MS = 1500;

/** Of all windows of the browser one rings. */
function sound() {
  if (!kept("sound")) return;
  if (!navigator.locks) return ring(); // a page without https
  navigator.locks.request("inbox:sound", { ifAvailable: true }, (mine) => mine && (ring(), new Promise((done) => setTimeout(done, ONCE_MS))));
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
