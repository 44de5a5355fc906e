/**
 * The box to write in: a reply to the person or a note for colleagues. Words are kept as they are typed; a reply can be taken
 * back for some seconds; what cannot be sent comes back with its reason.
 */
import { Files } from "./files.js";
import { Later } from "./later.js";
import { Note } from "./note.js";
import { Offers } from "./offers.js";
import { ask, kept, outbox, unique } from "./outbox.js";
import { Pending } from "./pending.js";
import { Proposal } from "./proposal.js";
import { replyTranslated } from "./translation.js";
import { countDown } from "./window.js";

const TYPING_MS = 3000;
const COUNT_MS = 400;
const NEAR = 0.8; // of the longest text, from which on what is left is shown

/** To another conversation: in the inbox, or on the page of its own. */
export function lead(from, to) {
  const wanted = new CustomEvent("inbox:lead", { detail: { id: to }, cancelable: true });
  if (document.dispatchEvent(wanted)) location.assign(location.href.replace(from, to));
}

export class Composer {
  #transcript;
  #reply;
  #note;
  #files = null;
  #seen = 0;
  #waits = false; // to be sent as soon as its files are up
  #told = 0;
  #counting = 0;
  #offers;
  #later;
  #proposal = null;
  #pending;
  #untick;
  #gone = new AbortController();

  constructor(root, transcript) {
    this.root = root;
    this.id = root.dataset.conversation;
    this.#transcript = transcript;
    this.#reply = root.querySelector('form[data-mode="reply"]');
    this.#note = root.querySelector('form[data-mode="note"]');
    this.key = `console:draft:${root.dataset.me}:${this.id}`;
    this.#pending = new Pending(transcript.root.querySelector("[data-pending]"), this.id, {
      back: (item) => this.#restore(item),
      anyway: (item) => outbox.again(item.id, { seen_seq: this.#transcript.last }),
      there: (item) => this.#there(item),
      outdated: () => this.#transcript.look(),
    });
    for (const tab of root.querySelectorAll("[role=tab]")) {
      tab.addEventListener("click", () => this.turn(tab.id === "tab-reply" ? "reply" : "note"));
      tab.addEventListener("keydown", (event) => this.#arrows(event));
    }
    this.#offers = new Offers(root, this.#reply?.elements.text ?? null, {
      put: (...what) => this.#put(...what),
      shut: () => this.#shut,
    });
    for (const form of [this.#reply, this.#note]) if (form) this.#wire(form);
    if (this.#reply) this.#wireReply();
    this.#later = new Later(root, {
      draft: () => this.#planable(),
      planned: () => this.#emptied(),
      warn: (text) => this.#warn(text),
      back: (text) => text && this.#restore({ body: { text, seen_seq: this.#transcript.last } }),
    });
    this.#draft();
    this.turn(this.#reply ? this.#kept.mode ?? "reply" : "note", { focus: false });
    this.#untick = this.#window();
  }

  leave() {
    this.#untick();
    clearTimeout(this.#counting);
    this.#gone.abort(); // what it listens to outside of itself
    this.#waits = false;
    this.#types(false);
    this.#pending.leave();
    this.#offers.leave();
    this.#later.leave();
  }

  /** A note was written: of a planned reply that was refused, perhaps. */
  noted() {
    this.#later.news();
  }

  /** What the server shows anew while the box stays. */
  renew(fresh) {
    this.#later.renew(fresh);
  }

  /** Whether the server shows another box by now: the conversation has ended, or its window has opened or closed. */
  differs(fresh) {
    return ["state", "until", "send"].some((name) => fresh.dataset[name] !== this.root.dataset[name]);
  }

  turn(mode, { focus = true } = {}) {
    for (const [form, name] of [[this.#reply, "reply"], [this.#note, "note"]]) {
      if (!form) continue;
      form.hidden = name !== mode;
      const tab = this.root.querySelector(`#tab-${name}`);
      tab?.setAttribute("aria-selected", String(name === mode));
      if (tab) tab.tabIndex = name === mode ? 0 : -1;
    }
    this.root.querySelector("#tab-reply")?.toggleAttribute("data-key", false);
    if (mode === "note") this.root.querySelector("#tab-reply")?.setAttribute("data-key", "r");
    if (focus) this.#form(mode)?.elements.text.focus();
  }

  /** Entries that are new: where they were not seen while the reply was written, it says so. */
  news(entries) {
    this.#pending.settle();
    this.#later.news();
    if (!entries.some((entry) => entry.dataset.role === "visitor")) return;
    for (const item of outbox.of(this.id)) if (item.state === "held") this.#stop(item);
  }

  #form(mode) {
    return mode === "note" ? this.#note : this.#reply;
  }

  #arrows(event) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const tabs = [...this.root.querySelectorAll("[role=tab]")];
    const other = tabs[(tabs.indexOf(event.target) + 1) % tabs.length];
    this.turn(other.id === "tab-reply" ? "reply" : "note", { focus: false });
    other.focus();
  }

  // -------------------------------------------------------------------------------- what is kept

  get #kept() {
    return kept.get(this.key) ?? {};
  }

  #keep(changes) {
    const draft = { ...this.#kept, ...changes };
    const holds = draft.reply || draft.note || draft.files?.length;
    kept.set(this.key, holds ? draft : null);
  }

  #draft() {
    const draft = this.#kept;
    const reply = this.#reply?.elements.text;
    if (reply && !reply.value) reply.value = draft.reply ?? "";
    if (this.#note && draft.note) this.#note.elements.text.value = draft.note;
    this.#seen = reply?.value ? (draft.seen ?? this.#transcript.last) : this.#transcript.last;
    this.#files?.restore(draft.files ?? []);
    const over = this.root.querySelector("[data-kept]");
    if (over && draft.reply) {
      over.hidden = false;
      over.querySelector("textarea").value = draft.reply;
    }
    over?.querySelector("[data-copy]").addEventListener("click", () => this.#copy(over));
    this.#count();
  }

  async #copy(over) {
    over.querySelector("textarea").select();
    await navigator.clipboard?.writeText(over.querySelector("textarea").value).catch(() => {});
    over.querySelector("[data-copy]").textContent = "Copied";
  }

  // -------------------------------------------------------------------------------------- writing

  #wire(form) {
    const box = form.elements.text;
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      form.requestSubmit();
    });
    box.required = false; // a file alone is a reply, too
    const note = form === this.#note && this.#noted();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (note) note.submit();
      else this.#send();
    });
  }

  #wireReply() {
    const box = this.#reply.elements.text;
    this.#proposal = new Proposal(this.root, box);
    replyTranslated(this.root.querySelector("[data-translate-reply]"), box, (...told) => this.#warn(...told));
    this.#files = new Files(this.#reply.querySelector("[data-files]"), this.root.dataset.upload, {
      changed: (files) => this.#keep({ files }),
      trouble: (text) => this.#warn(text),
      up: () => this.#up(),
    });
    box.addEventListener("input", () => {
      this.#seen = this.#transcript.last;
      this.#keep({ reply: box.value, seen: this.#seen, mode: "reply" });
      this.#waits = false;
      this.#warn("");
      this.#count();
      this.#types(box.value.trim() !== "");
    });
    box.addEventListener("blur", () => this.#types(false));
    box.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.#files.add(files);
    });
    this.#reply.querySelector("[data-file]").addEventListener("change", ({ target }) => {
      this.#files.add([...target.files]);
      target.value = "";
      box.focus();
    });
    this.#drop(this.root.parentElement);
    this.#quotes();
  }

  #noted() {
    return new Note(this.#note, {
      line: this.#transcript.root.parentElement.querySelector("[data-news]"),
      keep: (changes) => this.#keep(changes),
      offers: this.root.dataset.choices ? this.#offers : null,
    });
  }

  #drop(place) {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    const hear = (name, run) => place.addEventListener(name, run, { signal: this.#gone.signal });
    hear("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      place.classList.add("dropping");
    });
    hear("dragleave", (event) => place.contains(event.relatedTarget) || place.classList.remove("dropping"));
    hear("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      place.classList.remove("dropping");
      this.turn("reply");
      this.#files.add([...event.dataTransfer.files]);
    });
  }

  #types(on) {
    if (!this.root.dataset.typing) return; // no one reads along after the end
    if (on ? Date.now() - this.#told < TYPING_MS : !this.#told) return;
    this.#told = on ? Date.now() : 0;
    const detail = { t: "typing", conversation: this.id, on };
    // One way only: a form that comes after the socket's end of typing would begin it again.
    if (!document.dispatchEvent(new CustomEvent("inbox:say", { detail, cancelable: true }))) return;
    const body = new FormData();
    body.set("on", on ? "1" : "");
    body.set("csrfmiddlewaretoken", this.#reply.elements.csrfmiddlewaretoken.value);
    fetch(this.root.dataset.typing, { method: "POST", body, redirect: "manual" }).catch(() => {});
  }

  #count() {
    const box = this.#reply?.elements.text;
    const line = this.root.querySelector("[data-count]");
    if (!box || !line) return;
    const left = box.maxLength - box.value.length;
    line.textContent = box.value.length > box.maxLength * NEAR ? `${left} left` : "";
    if (!("counts" in this.root.dataset)) return;
    clearTimeout(this.#counting);
    this.#counting = setTimeout(async () => {
      if (!box.value.trim()) return (line.textContent = "");
      const { ok, data } = await ask(this.root.dataset.preview, { body: { text: box.value } }).catch(() => ({}));
      if (ok && data.segments) line.textContent = `${data.segments} SMS`;
    }, COUNT_MS);
  }

  // ------------------------------------------------------------------------------------- quoting

  #quotes() {
    const chip = this.#reply.querySelector("[data-quote]");
    chip.querySelector("button").addEventListener("click", () => this.#quote(null));
    const ticked = ({ target }) => target.name === "quote" && this.#quote(target.checked ? target : null);
    this.#transcript.root.addEventListener("change", ticked, { signal: this.#gone.signal });
  }

  #quote(ticked) {
    const chip = this.#reply.querySelector("[data-quote]");
    for (const other of this.#transcript.root.querySelectorAll("input[name=quote]")) other.checked = other === ticked;
    chip.hidden = !ticked;
    chip.dataset.id = ticked?.value ?? "";
    chip.querySelector("b").textContent = ticked?.dataset.by ?? "";
    chip.querySelector("span").textContent = ticked?.dataset.words ?? "";
    if (ticked) this.turn("reply");
  }

  // ------------------------------------------------------------------------------------- sending

  #send({ anyway = false } = {}) {
    const box = this.#reply.elements.text;
    const text = box.value.trim();
    const files = this.#files.ready;
    if (!text && !files.length && !this.#files.busy) return box.focus();
    this.#waits = this.#files.busy;
    if (this.#waits) return this.#warn("A file is still on its way up. The reply goes with it.");
    if (this.#files.refused) return this.#warn("Take away the file that cannot be sent.");
    if (this.#shut) return this.#warn("The reply window has closed. Your words stay here; a template still goes out.");
    const newer = anyway ? [] : this.#unseen();
    if (newer.length) return this.#outdated(newer);
    this.#put(this.#body(), { text, files: files.map((file) => file.name) }, { files });
    this.#emptied();
    box.focus();
  }

  /** What the box holds, for the service. */
  #body() {
    const quote = this.#reply.querySelector("[data-quote]").dataset.id;
    const text = this.#reply.elements.text.value.trim();
    return { text, files: this.#files.ready.map((file) => file.id), ...(quote ? { quote } : {}) };
  }

  /** The same to go at a time; null where something has to be said, or awaited, before. */
  #planable() {
    if (this.#files.busy) return this.#warn("A file is still on its way up: plan it then."), null;
    if (this.#files.refused) return this.#warn("Take away the file that cannot be sent."), null;
    const body = this.#body();
    if (body.text || body.files.length) return body;
    this.#warn("Write first what is to go out later.");
    return this.#reply.elements.text.focus(), null;
  }

  /** It is on its way: the box is free for the next one. */
  #emptied() {
    this.#reply.elements.text.value = "";
    this.#files.clear();
    this.#quote(null);
    this.#keep({ reply: "", files: [] });
    this.#warn("");
    this.#proposal?.clear();
    this.#count();
    this.#types(false);
  }

  /** A file is up. The reply that waits for it goes, unless something has to be said of a file before. */
  #up() {
    if (!this.#waits || this.#files.busy) return;
    this.#waits = false;
    this.#warn("");
    if (!this.#files.ready.some((file) => file.note)) this.#send();
  }

  #put(body, looks, more = {}) {
    const id = unique();
    const url = this.root.dataset.send;
    const seen_seq = this.#transcript.last;
    const again = "again" in this.root.dataset ? { again: true } : {};
    outbox.put({ id, conversation: this.id, whom: this.root.dataset.whom, url, body: { ...body, id, seen_seq, ...again }, shown: looks, ...more });
    this.#transcript.toEnd();
  }

  get #shut() {
    const until = this.root.dataset.until;
    return until ? Date.parse(until) <= Date.now() : Boolean(this.root.querySelector("[data-closed]"));
  }

  /** What the person or a colleague has said since the last key was pressed. */
  #unseen() {
    const own = (entry) => outbox.sent.has(entry.dataset.cid?.split(".")[0]);
    return this.#transcript.after(this.#seen).filter((entry) => ["visitor", "agent"].includes(entry.dataset.role) && !own(entry));
  }

  #outdated(newer) {
    const theirs = newer.filter((entry) => entry.dataset.role === "visitor");
    const who = theirs.length ? this.root.dataset.whom : "A colleague";
    const words = (theirs.at(-1) ?? newer.at(-1)).querySelector(".chat-bubble")?.textContent.trim().replace(/\s+/g, " ") ?? "";
    this.#warn(`${who} wrote while you were writing: “${words.length > 120 ? `${words.slice(0, 119)}…` : words}”`, [
      ["Send anyway", () => this.#send({ anyway: true })],
      ["Keep writing", () => (this.#warn(""), this.#reply.elements.text.focus())],
    ]);
    this.#seen = this.#transcript.last; // it has been said: the same key once more sends it
    this.#keep({ seen: this.#seen });
  }

  /** A reply that is held comes back: the person has written meanwhile. */
  #stop(item) {
    const back = outbox.back(item.id);
    if (!back) return;
    this.#restore(back);
    this.#outdated(this.#transcript.after(back.body.seen_seq).filter((entry) => entry.dataset.role === "visitor"));
  }

  /** What was taken back stands in the box again, before what has been written since. */
  #restore(item) {
    if (item.body.template) return this.#offers.template(item.body.template.name, item.body.template.language, item.body.template.variables);
    if (item.body.canned) return this.#offers.canned(item.body.canned);
    if (!this.#reply) return;
    const box = this.#reply.elements.text;
    box.value = [item.body.text, box.value].filter(Boolean).join("\n");
    this.#files.restore([...(item.files ?? []), ...this.#files.ready]);
    this.#keep({ reply: box.value, seen: item.body.seen_seq, files: this.#files.ready });
    this.turn("reply");
    box.setSelectionRange(box.value.length, box.value.length);
    this.#count();
  }

  /** A reply that was refused as the person is in another conversation by now waits in the box of that one. */
  #there(item) {
    const id = item.error.details.conversation_id;
    const back = outbox.back(item.id);
    if (!back) return;
    const key = `console:draft:${this.root.dataset.me}:${id}`;
    const draft = kept.get(key) ?? {};
    const reply = [back.body.text, draft.reply].filter(Boolean).join("\n");
    kept.set(key, { ...draft, reply, files: [...(back.files ?? []), ...(draft.files ?? [])], mode: "reply" });
    lead(this.id, id);
  }

  #warn(text, choices = []) {
    const line = this.#reply?.querySelector("[data-warning]");
    if (!line) return;
    line.hidden = !text;
    line.replaceChildren(text);
    for (const [label, run] of choices) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "chat-button", textContent: label });
      button.addEventListener("click", run);
      line.append(button);
    }
  }

  // ------------------------------------------------------------------------------------ the window

  #window() {
    const line = this.root.querySelector("[data-window]");
    const until = Date.parse(this.root.dataset.until);
    if (!line || Number.isNaN(until)) return () => {};
    return countDown(line, until, () => {
      if (this.#reply && !this.root.querySelector("[data-closed]"))
        document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id: this.id } }));
    });
  }
}
