/** A template or a canned reply before it goes: its variables as fields, and what the person would see on their channel. */
import { ask } from "./outbox.js";

const WAIT_MS = 250;

export class TemplateForm {
  #dialog;
  #given;
  #url;
  #asked = 0;
  #waiting = 0;
  #text = "";

  /** `body(values)`: what is asked for; `done(body, text)` when the member of staff says so. */
  constructor(root, given) {
    this.#given = given;
    this.#url = root.dataset.preview;
    this.#dialog = document.createElement("dialog");
    this.#dialog.className = "composer-dialog";
    this.#dialog.setAttribute("aria-label", given.title);
    const form = document.createElement("form");
    form.method = "dialog";
    form.innerHTML = `<h2></h2><div class="composer-fields"></div>
      <div class="composer-preview" aria-live="polite"><small></small><div data-parts></div><p class="composer-trouble" data-problem hidden></p><p class="composer-cuts" data-cuts hidden></p></div>
      <div class="composer-row"><button type="button" class="chat-button" data-cancel>Cancel</button><button type="submit" class="composer-send"></button></div>`;
    form.querySelector("h2").textContent = given.title;
    form.querySelector("small").textContent = `As ${root.dataset.whom} would see it`;
    form.querySelector("[type=submit]").textContent = given.label;
    form.querySelector(".composer-fields").append(...given.variables.map((name) => field(name, given.values[name] ?? "")));
    form.addEventListener("input", () => this.#later());
    form.querySelector("[data-cancel]").addEventListener("click", () => this.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#done();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    this.#dialog.append(form);
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#look();
  }

  close() {
    clearTimeout(this.#waiting);
    if (this.#dialog.open) this.#dialog.close();
  }

  get #values() {
    const fields = this.#dialog.querySelectorAll(".composer-fields input");
    return Object.fromEntries([...fields].map((one) => [one.name, one.value.trim()]).filter(([, value]) => value));
  }

  #later() {
    this.#asked++; // what is still being asked was about other words
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#look(), WAIT_MS);
  }

  async #look() {
    const turn = ++this.#asked;
    const answer = await ask(this.#url, { body: this.#given.body(this.#values) }).catch(() => null);
    if (turn !== this.#asked || !this.#dialog.open) return;
    const { html = [], problem = null, cuts = [], error = null, text = "" } = answer?.data ?? {};
    const missing = error?.code === "template_variable_missing" ? "Fill in what is missing." : error?.message;
    this.#text = text;
    const parts = this.#dialog.querySelector("[data-parts]");
    parts.replaceChildren(
      ...html.map((part) => {
        const bubble = document.createElement("div");
        bubble.className = "chat-bubble";
        bubble.innerHTML = part;
        return bubble;
      }),
    );
    this.#line("[data-problem]", problem ?? missing ?? (answer ? "" : "No connection: there is no preview."));
    this.#line("[data-cuts]", cuts.length ? `Changed for this channel: ${cuts.join("; ")}` : "");
    this.#dialog.querySelector("[type=submit]").disabled = Boolean(problem ?? error);
  }

  #line(selector, text) {
    const line = this.#dialog.querySelector(selector);
    line.hidden = !text;
    line.textContent = text;
  }

  #done() {
    const body = this.#given.body(this.#values);
    const text = this.#text || this.#dialog.querySelector("[data-parts]").textContent.trim();
    this.close();
    this.#given.done(body, text);
  }
}

function field(name, value) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { name, value, autocomplete: "off", required: true });
  label.append(name.replace(/[_.]/g, " "), input);
  return label;
}
