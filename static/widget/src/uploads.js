/** Files the visitor sends: each with its progress above the input line, then a message of its own. */

import { button, h, icon } from "./dom.js";

const PROBLEMS = { too_large: "fileBig", payload_too_large: "fileBig", network: "failed", unreadable: "failed" };

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
    const state = h("progress", { max: 1, value: 0, "aria-label": t("sending") });
    const label = t("remove", { name: file.name });
    const remove = button({ class: "round", "aria-label": label }, icon("close"));
    const row = h("div", { class: "upload" }, h("span", {}, file.name), state, remove);
    this.element.append(row);
    const { done, stop } = this.#ui.upload(file, (share) => (state.value = share));
    remove.addEventListener("click", () => {
      row.remove();
      stop();
    });
    try {
      const stored = await done;
      if (row.isConnected) this.#ui.uploaded(stored, quoted);
      row.remove();
    } catch ({ code, passing }) {
      const words = t(PROBLEMS[code] ?? (passing ? "failed" : "fileType"));
      const again = () => {
        row.remove();
        this.#send(file, quoted);
      };
      const retry = passing && button({ class: "retry", onclick: again }, t("retry"));
      state.replaceWith(h("span", { class: "problem" }, words), retry || "");
      if (row.isConnected) announce(`${file.name}: ${words}`);
    }
  }
}
