/** That people wait, for a member of staff who looks elsewhere: the title, a sound and a notification, the last two by
 * consent. */
const kept = (name) => localStorage.getItem(`inbox:${name}`) === "on";

export function alerts(list) {
  const title = document.title;
  let known = null; // ids in the waiting list, or how many wait: what is new is told
  const told = (waiting) => {
    document.title = waiting ? `(${waiting}) ${title}` : title;
    if (known !== null && waiting > known) call(waiting);
    known = waiting;
  };
  list.changed = () => told(list.count("waiting") + list.unread);
  list.changed();

  choice("[data-alerts]", "alerts", async () => (await Notification.requestPermission()) === "granted");
  choice("[data-sound]", "sound", async () => (ring(), true));
}

function choice(selector, name, consent) {
  const button = document.querySelector(selector);
  if (!button || (name === "alerts" && !("Notification" in window))) return;
  const show = () => button.setAttribute("aria-pressed", String(kept(name)));
  button.hidden = false;
  button.addEventListener("click", async () => {
    const on = !kept(name) && (await consent());
    localStorage.setItem(`inbox:${name}`, on ? "on" : "off");
    show();
  });
  show();
}

function call(waiting) {
  if (kept("sound")) ring();
  if (!kept("alerts") || !document.hidden || Notification.permission !== "granted") return;
  const words = waiting === 1 ? "1 conversation waits for you" : `${waiting} conversations wait for you`;
  const shown = new Notification("Inbox", { body: words, tag: "inbox" });
  shown.onclick = () => (window.focus(), shown.close());
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
