/** The line one writes in: grows with the text, sends with Enter, says when the visitor types. */

import { button, h, icon } from "./dom.js";
import { Quoting } from "./quoting.js";
import { Uploads } from "./uploads.js";

const TYPING_EVERY_MS = 3000;
const COUNT_FROM = 0.9; // of the limit

export class Composer {
  #ui;
  #quoting;
  #limit = 4000;
  #typedAt = 0;

  /** `ui`: t, send(text, quoted), typing(on), drafted(text), announce(text), and what Uploads needs. */
  constructor(ui) {
    this.#ui = ui;
    const { t } = ui;
    this.input = h("textarea", {
      id: "desk-input",
      rows: 1,
      placeholder: t("placeholder"),
      enterkeyhint: "send",
      autocomplete: "off",
      maxlength: this.#limit,
      oninput: () => {
        this.#changed();
        this.#typing(Boolean(this.input.value.trim()));
      },
      onkeydown: (event) => this.#key(event),
      onblur: () => this.#typing(false),
      onpaste: (event) => this.#take(event, event.clipboardData),
    });
    this.#quoting = new Quoting({ ...ui, unquote: () => this.unquote() && this.input.focus() });
    this.uploads = new Uploads({ ...ui, quoted: () => this.#quoting.take() });
    const chosen = () => {
      this.uploads.add(picker.files);
      picker.value = "";
    };
    const picker = h("input", { type: "file", multiple: true, hidden: true, onchange: chosen });
    this.attach = button({ class: "attach", "aria-label": t("attach"), onclick: () => picker.click() }, icon("clip"));
    this.button = h(
      "button",
      { type: "submit", class: "send", "aria-label": t("send"), "aria-disabled": "true" },
      icon("send"),
    );
    this.count = h("p", { class: "count", hidden: true });
    const submit = (event) => {
      event.preventDefault();
      this.#send();
    };
    const label = h("label", { class: "unseen", for: "desk-input" }, t("label"));
    this.element = h(
      "form",
      { class: "composer", onsubmit: submit },
      label,
      this.#quoting.element,
      this.uploads.element,
      h("div", { class: "field" }, this.attach, picker, this.input, this.button),
      this.count,
    );
  }

  /** The longest text the server takes, in characters. */
  set limit(characters) {
    this.#limit = characters || this.#limit;
    this.input.maxLength = this.#limit;
  }

  /** What the line holds before the visitor writes (on). */
  set draft(text) {
    this.input.value = text;
    this.#changed();
  }

  /** As high as its text; what is not shown has no height yet. */
  fit() {
    const { style } = this.input;
    style.height = "";
    if (this.input.value) style.height = `${Math.min(this.input.scrollHeight, 132)}px`;
  }

  /** Whether the visitor may send files. */
  set files(taken) {
    this.attach.hidden = !taken;
  }

  /** What is sent next answers `message`, whose author is `name`. */
  quote(message, name) {
    this.#quoting.show(message, name);
    this.input.focus();
  }

  /** Nothing is quoted any longer, or not the message `id`; says whether something was. */
  unquote(id = this.#quoting.id) {
    const was = Boolean(id) && this.#quoting.id === id;
    if (was) this.#quoting.clear();
    return was;
  }

  /** Files that are dropped anywhere on `target` are sent. */
  dropOn(target) {
    target.addEventListener(
      "dragover",
      (event) => event.dataTransfer.types.includes("Files") && event.preventDefault(),
    );
    target.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
  }

  #take(event, { files }) {
    if (!files.length || this.attach.hidden) return;
    event.preventDefault();
    this.uploads.add(files);
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.input.value.trim();
    if (text) {
      this.draft = "";
      this.#typing(false);
      this.#ui.send(text, this.#quoting.take());
    }
    this.input.focus();
  }

  #changed() {
    const { input } = this;
    const empty = !input.value.trim();
    this.button.setAttribute("aria-disabled", String(empty));
    input.dir = empty ? "" : "auto"; // the placeholder keeps the direction of the page
    this.fit();
    this.#countDown(this.#limit - input.value.length);
    this.#ui.drafted(empty ? "" : input.value);
  }

  #countDown(left) {
    const near = left < this.#limit * (1 - COUNT_FROM);
    this.count.textContent = near ? this.#ui.t("left", { n: left }) : "";
    if (near && this.count.hidden) this.#ui.announce(this.count.textContent);
    this.count.hidden = !near;
  }

  #typing(on) {
    const due = Date.now() - this.#typedAt >= TYPING_EVERY_MS;
    if (on ? !due : !this.#typedAt) return;
    this.#typedAt = on ? Date.now() : 0;
    this.#ui.typing(on);
  }
}
