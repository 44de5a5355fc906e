/** Replies that go at a time: planned from the box, standing above it, and taken back into it. */
import { ask } from "./outbox.js";
import { localise } from "./transcript.js";

const tell = (text, kind = "success") => document.dispatchEvent(new CustomEvent("inbox:tell", { detail: { text, kind } }));

export class Later {
  #root;
  #sheet;
  #acts;

  /** ``draft()`` gives what is to be planned, null where something has to be said first; ``planned()``: it is;
   * ``warn(text)`` says why not; ``back(text)``: words that were taken back. */
  constructor(root, acts) {
    this.#root = root;
    this.#acts = acts;
    this.#sheet = root.querySelector("[data-later]");
    root.addEventListener("submit", (event) => this.#submit(event));
    this.#sheet?.addEventListener("toggle", () => this.#sheet.open && this.#earliest());
    this.#sheet?.addEventListener("click", ({ target }) => {
      const at = target.closest("[data-at]")?.dataset.at;
      if (at) this.#plan(at);
      else if (target.closest("[data-own]")) this.#own();
    });
    this.#sheet?.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input[type=datetime-local]")) {
        event.preventDefault(); // else the form around it sends the reply at once
        this.#own();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        this.#shut();
        this.#sheet.querySelector("summary").focus();
      }
    });
    document.addEventListener("click", this.#beside);
  }

  leave() {
    document.removeEventListener("click", this.#beside);
  }

  #beside = ({ target }) => {
    if (this.#sheet?.open && !this.#sheet.contains(target)) this.#shut();
  };

  #shut() {
    this.#sheet.open = false;
  }

  /** The reader's own clock counts: it is what the page shows. */
  #earliest() {
    const soon = new Date(Date.now() + 60_000);
    const local = new Date(soon - soon.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    this.#sheet.querySelector("input[type=datetime-local]").min = local;
  }

  #own() {
    const field = this.#sheet.querySelector("input[type=datetime-local]");
    const at = new Date(field.value);
    if (Number.isNaN(at.getTime())) return field.focus();
    this.#plan(at.toISOString());
  }

  async #plan(at) {
    const draft = this.#acts.draft();
    if (!draft) return this.#shut();
    const unless_person_writes = this.#sheet.querySelector("[data-unless]").checked;
    this.#shut();
    this.#root.classList.add("planning");
    try {
      const { ok, data } = await ask(this.#sheet.dataset.later, { body: { ...draft, at, unless_person_writes } });
      if (!ok) return this.#acts.warn(data.error.message);
      this.#acts.planned();
      this.#sheet.querySelector("input[type=datetime-local]").value = "";
      tell("Planned. It stands above the box until it goes.");
      this.renew(made(data.html));
    } catch {
      this.#acts.warn("No connection: nothing is planned, and your words are still here.");
    } finally {
      this.#root.classList.remove("planning");
    }
  }

  async #submit(event) {
    const form = event.target.closest("form[data-unplan]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const { ok, data } = await ask(form.action, { form: new FormData(form), method: "POST" }).catch(() => ({}));
    button.disabled = false;
    if (!ok) return tell(data?.error?.message ?? "No connection: try again in a moment.", "error");
    this.renew(made(data.html));
    this.#acts.back(form.dataset.unplan);
    tell("It will not be sent.");
  }

  /** Something was said, or noted: one may have gone, or will not go any more. */
  news() {
    if (this.#root.querySelector("[data-planned] li"))
      document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id: this.#root.dataset.conversation } }));
  }

  /** What stands planned by now. */
  renew(fresh) {
    const list = fresh.querySelector("[data-planned]");
    const shown = this.#root.querySelector("[data-planned]");
    if (!list || !shown) return;
    localise(list);
    shown.replaceWith(list);
  }
}

function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
