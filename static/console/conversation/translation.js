/**
 * The transcript beside itself in the reader's language, for as long as the reader wants it, and the reply in the person's
 * language: it takes the place of the words in the box, so that what is sent is what was read.
 */
import { ask, kept } from "./outbox.js";

const MOST = 60; // entries of one question
const MINE = (navigator.language || "en").slice(0, 2).toLowerCase();
const named = (code) => new Intl.DisplayNames(undefined, { type: "language" }).of(code) ?? code;

export class Translation {
  #button;
  #transcript;
  #key;
  #done = new WeakSet(); // bubbles; one that is rendered anew is asked for once more
  #sight;
  #asking = false;
  #gone = false;

  constructor(root, transcript, key) {
    this.#button = root.querySelector("[data-translate-button]");
    this.#transcript = transcript;
    this.#key = key;
    this.#sight = new MutationObserver(() => this.look());
    this.#sight.observe(transcript.root.querySelector("[data-log]"), { childList: true });
    this.#button?.addEventListener("click", () => this.#turn(!this.on));
    if (this.#button && kept.get(key)) this.#turn(true);
  }

  leave() {
    this.#gone = true;
    this.#sight.disconnect();
  }

  get on() {
    return this.#button?.getAttribute("aria-pressed") === "true";
  }

  #turn(on) {
    kept.set(this.#key, on || null);
    this.#button.setAttribute("aria-pressed", String(on));
    this.#label(on ? `Also in ${named(MINE)}` : "Translate");
    if (on) this.look();
    else for (const line of this.#transcript.root.querySelectorAll(".chat-translated")) line.remove();
    if (!on) this.#done = new WeakSet();
  }

  /** Entries that stand on the page without a translation get theirs, the newest first. */
  async look() {
    if (!this.on || this.#asking) return;
    this.#asking = true;
    try {
      for (let open = this.#open(); open.size && this.on && !this.#gone; open = this.#open()) await this.#some(open);
    } catch (error) {
      this.#label(error instanceof TypeError ? "No connection" : error.message);
    } finally {
      this.#asking = false;
    }
  }

  #open() {
    const said = this.#transcript.entries.filter((entry) => entry.dataset.role !== "system");
    const open = said.map((entry) => [Number(entry.dataset.seq), entry.querySelector(".chat-bubble")]);
    return new Map(open.filter(([, bubble]) => !this.#done.has(bubble)).slice(-MOST));
  }

  async #some(open) {
    const { ok, data } = await ask(this.#button.dataset.translateButton, { body: { seqs: [...open.keys()], language: MINE } });
    if (this.#gone || !this.on) return;
    if (!ok) throw new Error(data.error.message);
    const left = new Set(data.left);
    for (const [seq, bubble] of open) {
      if (left.has(seq)) continue;
      const failed = data.failed.includes(seq);
      this.#done.add(bubble);
      this.#show(bubble, failed ? "" : data.told[seq], failed);
    }
  }

  #show(bubble, words, failed) {
    bubble.querySelector(".chat-translated")?.remove();
    if (!words && !failed) return;
    const line = document.createElement("p");
    const head = document.createElement("small");
    line.className = "chat-translated";
    head.textContent = failed ? "No translation came" : "Translated by a machine";
    if (words) line.lang = MINE;
    line.append(head, words);
    bubble.append(line);
  }

  #label(words) {
    this.#button.querySelector("[data-translate-label]").textContent = words;
  }
}

/** The button that puts the reply into the person's language. `told(words, choices)` shows a line above the box. */
export function replyTranslated(button, box, told) {
  button?.addEventListener("click", async () => {
    const before = box.value;
    if (!before.trim()) return told("Write the reply in your language first; this button puts it into the person's.");
    button.disabled = true;
    told("Translating …");
    const { ok, data } = await ask(button.dataset.translateReply, { body: { text: before } }).catch(() => ({}));
    button.disabled = false;
    if (!ok) return told(data?.error.message ?? "No connection: your words are still here.");
    if (box.value !== before) return told("You wrote on meanwhile: press it once more.");
    put(box, data.text);
    told(`In ${named(data.language)}. Read it before you send it. You wrote: “${before.trim()}”`, [
      ["Back to my words", () => (put(box, before), told(""))],
    ]);
  });
}

function put(box, words) {
  box.value = words;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}
