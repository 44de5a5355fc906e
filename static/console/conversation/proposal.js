/** The assistant's reply, put into the box at the press of a button with what it rests on. Sending stays with people. */
const REASONS = {
  nothing_fits: "The assistant knows no answer to this.",
  no_words_of_a_person: "The person has not said anything yet.",
};

export class Proposal {
  #root;
  #box;
  #said;
  #button;

  constructor(root, box) {
    this.#root = root;
    this.#box = box;
    this.#said = root.querySelector("[data-proposal]");
    this.#button = root.querySelector("[data-propose-button]");
    this.#button?.addEventListener("click", () => this.#ask());
  }

  /** The words have gone, and what was said of them. */
  clear() {
    this.#tell("");
  }

  async #ask() {
    this.#button.disabled = true;
    this.#tell("The assistant thinks …");
    const form = new FormData();
    form.set("csrfmiddlewaretoken", this.#root.querySelector("[name=csrfmiddlewaretoken]").value);
    const answer = await fetch(this.#root.dataset.propose, { method: "POST", body: form }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    this.#button.disabled = false;
    if (answer?.ok && told?.text) this.#take(told);
    else this.#tell(REASONS[told?.reason ?? told?.error?.code] ?? (told?.why || told?.error?.message || "The assistant gave no answer."));
  }

  /** What stands in the box stays: the proposal comes behind it, and one undo takes it away again. */
  #take(told) {
    this.#box.focus();
    this.#box.setSelectionRange(this.#box.value.length, this.#box.value.length);
    const words = `${this.#box.value && !/\n$/.test(this.#box.value) ? "\n" : ""}${told.text}`;
    if (!document.execCommand("insertText", false, words)) this.#box.setRangeText(words);
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
    const sure = told.confidence ? `, ${Math.round(100 * told.confidence)} % sure` : "";
    this.#tell(`Proposed by the assistant${sure}, to “${told.question}”. Read it before you send it.`);
    for (const source of told.sources) this.#source(source);
  }

  #source({ title, url }) {
    const web = /^https?:\/\//.test(url);
    const shown = document.createElement(web ? "a" : "span");
    shown.className = "composer-source";
    shown.textContent = title || url;
    if (web) Object.assign(shown, { href: url, target: "_blank", rel: "noopener noreferrer" });
    this.#said.append(" ", shown);
  }

  #tell(words) {
    this.#said.textContent = words;
    this.#said.hidden = !words;
  }
}
