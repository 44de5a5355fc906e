/** What an agent may send without typing it: canned replies and templates, by "/" or by a chip, with their variables as fields. */
import { ask } from "./outbox.js";
import { Suggestions } from "./suggestions.js";
import { TemplateForm } from "./template.js";

const VARIABLE = /\{\{\s*([\w.]{1,64})\s*\}\}/g;

export class Offers {
  #root;
  #box;
  #put;
  #shut;
  #asked = null;
  #form = null;

  /** ``put(body, looks)`` sends; ``shut()``: whether only templates still reach the person. ``box`` is null where no reply may
   * be written; what colleagues there are is told all the same. */
  constructor(root, box, { put, shut }) {
    this.#root = root;
    this.#box = box;
    this.#put = put;
    this.#shut = shut;
    if (!box) return;
    this.#slash();
    for (const chip of root.querySelectorAll("[data-template]"))
      chip.addEventListener("click", () => this.template(chip.dataset.template, chip.dataset.language));
  }

  leave() {
    this.#form?.close();
  }

  /** ``canned, templates, colleagues, make_at`` as the server has them; nothing of it when it cannot be asked. */
  async all() {
    this.#asked ??= ask(this.#root.dataset.choices).then(({ ok, data }) => (ok ? data : Promise.reject(new Error(data.error.message))));
    try {
      return await this.#asked;
    } catch {
      this.#asked = null; // asked for again the next time
      return {};
    }
  }

  async template(name, language, values = null) {
    const { templates = [] } = await this.all();
    const known = templates.find((one) => one.name === name && one.language === language) ?? { variables: Object.keys(values ?? {}) };
    this.#form = new TemplateForm(this.#root, {
      title: `${name} (${language})`, variables: known.variables, values: { ...known.defaults, ...values }, label: "Send",
      body: (filled) => ({ template: { name, language, variables: filled } }),
      done: (body, text) => this.#put(body, { text, files: [] }),
    });
  }

  async canned({ id, values }) {
    const { canned = [] } = await this.all();
    const known = canned.find((one) => one.id === id);
    if (known) this.#insert(known, values);
  }

  /** A canned reply stands in the box, to be changed; what it asks for is filled in first. One that is more than words is
   * sent as it is. */
  #insert(canned, values = {}) {
    const box = this.#box;
    const insert = (given) => {
      const text = canned.text.replace(VARIABLE, (all, name) => given[name] ?? all);
      box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus();
    };
    if (canned.plain && !canned.missing.length) return insert({});
    this.#form = new TemplateForm(this.#root, {
      title: canned.title, variables: canned.missing, values, label: canned.plain ? "Insert" : "Send",
      body: (given) => ({ canned: { id: canned.id, values: given } }),
      done: (body, text) => (canned.plain ? insert(body.canned.values) : this.#put(body, { text, files: [] })),
    });
  }

  #slash() {
    const box = this.#box;
    const suggestions = new Suggestions(box, /(?:^|\n)\/(\S*)$/, (words) => this.#fitting(words), (chosen) => {
      if (chosen.makeAt !== undefined) return chosen.makeAt && open(chosen.makeAt, "_blank", "noopener");
      if (chosen.template) this.template(chosen.template.name, chosen.template.language);
      else this.#insert(chosen.canned);
    });
    box.form.querySelector("[data-slash]").addEventListener("click", () => {
      box.focus();
      box.setRangeText(box.value && !box.value.endsWith("\n") ? "\n/" : "/", box.value.length, box.value.length, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
      suggestions.look();
    });
    box.addEventListener("focus", () => this.all(), { once: true });
  }

  async #fitting(words) {
    const { canned = [], templates = [], make_at: makeAt = null } = await this.all();
    if (makeAt !== null && !canned.length && !templates.length) return [none(makeAt)];
    const wanted = words.toLowerCase();
    const fits = (...texts) => texts.some((text) => text.toLowerCase().includes(wanted));
    return [
      ...(this.#shut() ? [] : canned)
        .filter((one) => fits(one.shortcut, one.title))
        .map((one) => ({
          label: `/${one.shortcut}`, hint: one.title, canned: one,
          text: one.text.replace(VARIABLE, (all, name) => `[${name.replaceAll("_", " ")}]`), // what is asked for
        })),
      ...templates
        .filter((one) => fits(one.name, one.text) && (!this.#shut() || one.always))
        .map((one) => ({ label: one.name, hint: `Template, ${one.language}`, text: one.text, template: one })),
    ];
  }
}

/** What "/" says where there is nothing to choose. */
function none(makeAt) {
  const text = makeAt ? "Make the first one: it opens in another tab." : "People who may change templates make them: Support → Canned replies.";
  return { label: "No canned replies yet", text, makeAt };
}
