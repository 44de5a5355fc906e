/** A list that opens while one types, above the box: templates after "/", colleagues after "@". */
const MOST = 8;
let count = 0;

export class Suggestions {
  #box;
  #trigger;
  #find;
  #pick;
  #list;
  #items = [];
  #at = 0;
  #asked = 0;

  /** `trigger`: what stands before the caret, its first group is looked for. `pick(item)` acts on it; an item with
   * `insert` takes the place of what was typed. */
  constructor(box, trigger, find, pick = () => {}) {
    this.#box = box;
    this.#trigger = trigger;
    this.#find = find;
    this.#pick = pick;
    this.#list = document.createElement("ul");
    this.#list.id = `suggestions-${++count}`;
    this.#list.className = "composer-suggestions";
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", "Suggestions");
    this.#list.hidden = true;
    box.before(this.#list);
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", this.#list.id);
    box.addEventListener("input", () => this.look());
    box.addEventListener("blur", () => this.close());
    box.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("pointerdown", (event) => {
      const line = event.target.closest("[role=option]");
      event.preventDefault(); // the box keeps its focus
      if (line) this.#choose(Number(line.dataset.at));
    });
  }

  async look() {
    const typed = this.#typed();
    const turn = ++this.#asked;
    const found = typed ? await this.#find(typed[1]) : [];
    if (turn !== this.#asked) return;
    this.#items = found.slice(0, MOST);
    this.#at = 0;
    this.#show(Boolean(typed));
  }

  close() {
    this.#asked++;
    this.#items = [];
    this.#show(false);
  }

  #typed() {
    const { selectionStart, selectionEnd, value } = this.#box;
    return selectionStart === selectionEnd ? this.#trigger.exec(value.slice(0, selectionStart)) : null;
  }

  #show(open) {
    this.#list.hidden = !open || !this.#items.length;
    this.#list.replaceChildren(
      ...this.#items.map((item, at) => {
        const line = document.createElement("li");
        line.id = `${this.#list.id}-${at}`;
        line.setAttribute("role", "option");
        line.setAttribute("aria-selected", String(at === this.#at));
        line.dataset.at = at;
        for (const [tag, text] of [["b", item.label], ["small", item.hint], ["span", item.text]]) {
          if (!text) continue;
          const part = document.createElement(tag);
          part.textContent = text;
          line.append(part, " ");
        }
        return line;
      }),
    );
    if (this.#list.hidden) this.#box.removeAttribute("aria-activedescendant");
    else this.#box.setAttribute("aria-activedescendant", `${this.#list.id}-${this.#at}`);
    this.#list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (this.#list.hidden || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#at = (this.#at + step + this.#items.length) % this.#items.length;
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") this.#choose(this.#at);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (step) this.#show(true);
  }

  #choose(at) {
    const item = this.#items[at];
    const typed = this.#typed();
    this.close();
    if (!item) return;
    if (typed) {
      const end = this.#box.selectionStart;
      const begin = end - typed[0].trimStart().length;
      this.#box.setRangeText(item.insert ?? "", begin, end, "end");
      this.#box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    this.#pick(item);
  }
}
