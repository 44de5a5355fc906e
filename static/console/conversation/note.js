/** A note for colleagues: they are mentioned with "@", and it is never sent to the person. */
import { ask } from "./outbox.js";
import { Suggestions } from "./suggestions.js";

export class Note {
  #form;
  #box;
  #line;
  #keep;

  /** ``line`` says to screen readers what became of it; ``keep(changes)`` keeps what is typed; ``offers`` knows the
   * colleagues, null where none can be mentioned. */
  constructor(form, { line, keep, offers }) {
    this.#form = form;
    this.#box = form.elements.text;
    this.#line = line;
    this.#keep = keep;
    this.#box.addEventListener("input", () => keep({ note: this.#box.value, mode: "note" }));
    if (offers) new Suggestions(this.#box, /(?<![\w@.])@([\w.+-]*)$/, (words) => colleagues(offers, words));
  }

  async submit() {
    const button = this.#form.querySelector("[type=submit]");
    const said = this.#box.value.trim();
    if (!said || button.disabled) return;
    button.disabled = true;
    try {
      const { ok, data } = await ask(this.#form.dataset.note, { body: { text: said } });
      if (!ok) throw new Error(data.error.message);
      const notes = document.querySelector("[data-notes]");
      if (notes) notes.innerHTML = data.html;
      this.#box.value = "";
      this.#keep({ note: "" });
      this.#tell("The note is kept.", "success");
    } catch (error) {
      this.#tell(error instanceof TypeError ? "No connection: the note is still here." : error.message, "error");
    } finally {
      button.disabled = false;
      this.#box.focus();
    }
  }

  #tell(text, kind) {
    if (this.#line) this.#line.textContent = text;
    document.dispatchEvent(new CustomEvent("inbox:tell", { detail: { text, kind } }));
  }
}

async function colleagues(offers, words) {
  const { colleagues: all = [] } = await offers.all();
  const wanted = words.toLowerCase();
  return all
    .filter((one) => `${one.name} ${one.label}`.toLowerCase().includes(wanted))
    .map((one) => ({ label: one.label, hint: `@${one.name}`, insert: `@${one.name} ` }));
}
