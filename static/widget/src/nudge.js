/** Words beside the launcher that invite the visitor: one opens the chat with them, or sends them away. */

import { button, h, icon } from "./dom.js";

export class Nudge {
  #words = button({ class: "nudge-words", dir: "auto" });
  #ui;

  /** `ui`: t, open(), unwanted(), announce(text). */
  constructor(ui) {
    this.#ui = ui;
    this.#words.addEventListener("click", ui.open);
    const away = () => {
      this.take();
      ui.unwanted();
    };
    const close = { class: "round", "aria-label": ui.t("dismiss") };
    this.element = h("div", { class: "nudge", hidden: true }, this.#words, button({ ...close, onclick: away }, icon("close")));
  }

  show(text) {
    this.#words.textContent = text;
    this.element.hidden = false;
    this.#ui.announce(text);
  }

  /** The words, which are not shown any longer; "" when there are none. */
  take() {
    const text = this.element.hidden ? "" : this.#words.textContent;
    this.element.hidden = true;
    return text;
  }
}
