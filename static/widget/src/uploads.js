/** Files the visitor sends: each with its progress above the input line, then a message of its own. */

import { button, h, icon } from "./dom.js";

export class Uploads {
  element = h("div", { class: "uploads" });
  #ui;

  /** `ui`: t, announce(text), quoted(), upload(file, onProgress) → {done, stop}, uploaded(stored, quoted). */
  constructor(ui) {
    this.#ui = ui;
  }

  /** Ends what is on its way. */
  clear() {
    for (const row of [...this.element.children]) row.querySelector(".round").click();
  }

  add(files) {
    for (const file of files) this.#send(file, this.#ui.quoted()); // the first of them answers
  }

  async #send(file, quoted) {
    const { t, announce } = this.#ui;
    const state = h("progress", { value: 0, "aria-label": t("sending") });
    const { done, stop } = this.#ui.upload(file, (part) => (state.value = part));
    const away = () => (row.remove(), stop());
    const label = t("remove", { name: file.name });
    const remove = button({ class: "round", "aria-label": label, onclick: away }, icon("close"));
    const row = h("div", { class: "upload" }, h("span", {}, file.name), state, remove);
    this.element.append(row);
    try {
      const stored = await done;
      if (row.isConnected) this.#ui.uploaded(stored, quoted);
      row.remove();
    } catch ({ passing, status }) {
      const why = status === 422 ? "fileType" : status === 413 ? "fileBig" : "failed";
      const words = t(file.size ? why : "fileEmpty");
      const again = () => (row.remove(), this.#send(file, quoted));
      const retry = passing ? button({ class: "retry", onclick: again }, t("retry")) : "";
      state.replaceWith(h("span", { class: "problem" }, words), retry);
      if (row.isConnected) announce(`${file.name}: ${words}`);
    }
  }
}
