/** The message that the visitor's next words answer: shown above the input line until they are sent or it is cancelled. */

import { contentText } from "./content.js";
import { button, h, icon } from "./dom.js";

const MAX_QUOTE = 200; // characters, as the service keeps

export class Quoting {
  element = h("div", { class: "quoting", hidden: true });
  #ui;
  #quoted = null;

  /** `ui`: t, announce(text). */
  constructor(ui) {
    this.#ui = ui;
  }

  /** The id of the message. */
  get id() {
    return this.#quoted?.quote;
  }

  show(message, name) {
    const { t, announce } = this.#ui;
    const text = contentText(message, t).slice(0, MAX_QUOTE);
    this.#quoted = { quote: message.id, quoted: { author: message.role, text } };
    const cancel = { class: "round", "aria-label": t("unquote"), onclick: () => this.#ui.unquote() };
    this.element.replaceChildren(
      h("blockquote", { dir: "auto" }, h("b", {}, name), " ", text),
      button(cancel, icon("close")),
    );
    this.element.hidden = false;
    announce(`${t("quote")}: ${name}: ${text}`);
  }

  clear() {
    this.#quoted = null;
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /** What a `send` frame says of it; afterwards nothing is quoted. */
  take() {
    const taken = this.#quoted;
    this.clear();
    return taken;
  }
}
