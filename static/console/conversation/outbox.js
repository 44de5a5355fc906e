/**
 * Replies on their way. Each is held for some seconds, in which it can be taken back, and then sent until the service has
 * said yes or no. It stands in the browser's storage from the first moment: a page that is closed, a lost connection or a
 * restart loses none, and the same id sends none twice.
 */
const HOLD_MS = 5000;
const LATE_MS = 15_000; // a reply of another window that is older was left behind
const PAUSES_MS = [1000, 2000, 5000, 10_000, 30_000];
const MOST_KEPT = 50;

export const unique = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The browser's storage, or nothing where it is switched off or full. */
export const kept = {
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // what is written stays on the page as long as it is open
    }
  },
};

export const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

/** The service's answer to a form of the console, as {ok, status, data}; throws without a connection. */
export async function ask(url, { body, method = body === undefined ? "GET" : "POST", keepalive = false, form = null } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (!form && body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(url, { method, headers, keepalive, body: form ?? (body && JSON.stringify(body)) });
  if (answer.redirected && new URL(answer.url).pathname.includes("/login")) {
    const message = "You have been signed out. Sign in in another tab, then send it again.";
    return { ok: false, status: 401, data: { error: { code: "signed_out", message } } };
  }
  const json = answer.headers.get("Content-Type")?.includes("json");
  const data = json ? await answer.json() : { html: await answer.text() };
  if (!answer.ok && !data.error) data.error = { code: String(answer.status), message: REFUSED[answer.status] ?? REFUSED.any };
  return { ok: answer.ok, status: answer.status, data };
}
const REFUSED = {
  403: "Your role does not allow this, or your session has ended. Load the page anew.",
  404: "This conversation is not there any more.",
  413: "The file is too large.",
  any: "The service could not do this.",
};

/**
 * `change` events carry {item}: {id, conversation, url, body, shown {text, files}, state, error, tries}. State is "held",
 * "sending", "refused" or "sent"; "back" when it was taken back.
 */
class Outbox extends EventTarget {
  #items = new Map();
  #timers = new Map();
  #key = null;
  sent = new Set(); // ids of this window

  /** Of this member of staff; what an earlier page has left is sent, or shown as refused. */
  open(me) {
    if (this.#key) return;
    this.#key = `console:outbox:${me}`;
    for (const item of kept.get(this.#key) ?? []) {
      this.#items.set(item.id, item);
      const left = item.state === "held" && Date.now() - item.at < LATE_MS && item.window !== WINDOW;
      if (item.state !== "refused") this.#later(item, left ? LATE_MS : 0);
    }
    addEventListener("storage", ({ key }) => key === "console:left" && this.#forget());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("online", () => this.of().forEach((item) => item.state === "sending" && this.#later(item, 0)));
  }

  /** The member of staff has logged out in another window: nothing of theirs stays, here neither. */
  #forget() {
    this.#timers.forEach(clearTimeout);
    this.#items.clear();
    this.#key = null;
    location.reload();
  }

  of(conversation) {
    return [...this.#items.values()].filter((item) => !conversation || item.conversation === conversation);
  }

  put(item) {
    const held = { ...item, state: "held", at: Date.now(), until: Date.now() + HOLD_MS, window: WINDOW, tries: 0 };
    this.#items.set(held.id, held);
    this.#later(held, HOLD_MS);
    this.#say(held);
  }

  /** It is not sent; null when it is too late. Once it is being sent its fate is not known, unless it was refused. */
  back(id) {
    const item = this.#items.get(id);
    if (!item || (item.state === "sending" && !item.waits)) return null;
    this.#drop(item, "back");
    return item;
  }

  /** Once more, after a refusal; `changes` to what is asked for. */
  again(id, changes = {}) {
    const item = this.#items.get(id);
    if (!item) return;
    Object.assign(item, { state: "sending", error: null, tries: 0, body: { ...item.body, ...changes } });
    this.#later(item, 0);
    this.#say(item);
  }

  #later(item, wait) {
    clearTimeout(this.#timers.get(item.id));
    this.#timers.set(item.id, setTimeout(() => this.#post(item), wait));
  }

  async #post(item) {
    if (!this.#items.has(item.id)) return;
    const going = this.of(item.conversation).filter((other) => other.state !== "refused"); // that waits for its writer
    if (going.some((other) => other.at < item.at)) return this.#later(item, 500); // what was written first goes first
    Object.assign(item, { state: "sending", waits: false });
    this.#say(item);
    let answer;
    try {
      answer = await ask(item.url, { body: item.body });
    } catch {
      return this.#retry(item, "No connection. It goes out as soon as there is one.");
    }
    if (!this.#items.has(item.id)) return;
    if (answer.ok) {
      this.sent.add(item.id);
      item.leads = answer.data.leads; // to the conversation that the words began
      return this.#drop(item, "sent");
    }
    if (answer.status >= 500 || answer.status === 429) return this.#retry(item, "The service does not answer. It is tried again.");
    Object.assign(item, { state: "refused", error: answer.data.error });
    this.#say(item);
  }

  #retry(item, why) {
    const pause = PAUSES_MS[Math.min(item.tries++, PAUSES_MS.length - 1)];
    Object.assign(item, { waits: true, error: { code: "waits", message: why } });
    this.#later(item, pause);
    this.#say(item);
  }

  #drop(item, state) {
    clearTimeout(this.#timers.get(item.id));
    this.#items.delete(item.id);
    item.state = state;
    this.#say(item);
  }

  #say(item) {
    this.#keep();
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }

  #keep() {
    if (this.#key) kept.set(this.#key, this.#items.size ? this.of().slice(-MOST_KEPT) : null);
  }

  /** The page is left: what is held goes now. It stays in storage, so that the next page learns what became of it. */
  #leave() {
    for (const item of this.of()) {
      if (item.state !== "held" || item.window !== WINDOW) continue;
      item.state = "sending";
      ask(item.url, { body: item.body, keepalive: true }).catch(() => {});
    }
    this.#keep();
  }
}

const WINDOW = unique();
export const outbox = new Outbox();
