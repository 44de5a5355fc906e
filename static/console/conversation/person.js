/** The person beside a conversation: facts that can be corrected in their place, consent, what is live of both. */
import { localise } from "./transcript.js";

const GATHER_MS = 300; // what changes together is looked at once
const PAUSE_MS = 2000; // at least, between two looks

export class Person {
  #root;
  #waits = 0;
  #looked = 0;

  constructor(root) {
    this.#root = root;
    if (!root) return;
    localise(root);
    root.addEventListener("click", ({ target }) => {
      if (target.closest("[data-edit]")) this.#edit(!this.#editing);
      else if (target.closest("[data-cancel]")) this.#cancel(target.closest("form"));
    });
    root.addEventListener("input", ({ target }) => target.form?.matches("[data-change]") && another(target.form));
    root.addEventListener("submit", (event) => this.#submit(event));
  }

  leave() {
    clearTimeout(this.#waits);
    this.#root = null;
  }

  /** Something of the conversation or the person has changed: soon the pane tells it. */
  look() {
    if (!this.#root || this.#waits) return;
    const wait = Math.max(GATHER_MS, this.#looked + PAUSE_MS - Date.now());
    this.#waits = setTimeout(async () => {
      this.#looked = Date.now();
      this.#waits = 0;
      await this.#take(await this.#ask());
    }, wait);
  }

  /**
   * The pane as the server shows it now, section by section: one that says the same stays, and with it what is selected or
   * has the focus in it; so does the one that is being edited.
   */
  renew(fresh) {
    if (!this.#root) return;
    localise(fresh);
    const named = new Map([...this.#root.children].map((part) => [part.dataset.part, part]));
    const parts = [...fresh.children].map((part) => {
      const shown = named.get(part.dataset.part);
      const stays = shown && (said(shown) === said(part) || (this.#editing && part.dataset.part === "contact"));
      return stays ? shown : part;
    });
    for (const part of [...this.#root.children]) if (!parts.includes(part)) part.remove();
    parts.forEach((part, at) => this.#root.children[at] !== part && this.#root.insertBefore(part, this.#root.children[at] ?? null));
  }

  get #editing() {
    return this.#root.classList.contains("editing");
  }

  #edit(on) {
    this.#root.classList.toggle("editing", on);
    const edit = this.#root.querySelector("[data-edit]");
    edit.setAttribute("aria-expanded", String(on));
    if (on) this.#root.querySelector("form[data-change] input:not([type=hidden])").focus();
    else edit.focus();
  }

  #cancel(form) {
    form.reset();
    this.#edit(false);
    this.look(); // what has changed while it was edited
  }

  #submit(event) {
    const form = event.target;
    if (!form.matches("[data-change], [data-consent]")) return;
    event.preventDefault();
    if (form.matches("[data-change]")) this.#save(form);
    else if (!form.dataset.sure || confirm(form.dataset.sure)) this.#decide(form);
  }

  async #save(form) {
    const trouble = form.querySelector("[data-trouble]");
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const answer = await this.#ask(form.action, { method: "POST", body: new FormData(form) });
    button.disabled = false;
    if (!this.#root) return;
    if (answer?.ok) {
      this.#edit(false);
      await this.#take(answer);
      this.#root?.querySelector("[data-edit]")?.focus();
      const id = this.#root?.parentElement?.closest("[data-conversation]")?.dataset.conversation;
      document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id } }));
      return;
    }
    const wrong = answer && (await answer.json().catch(() => ({}))).error;
    trouble.hidden = false;
    trouble.textContent = wrong?.message ?? (answer ? "The service could not keep this." : "No connection: try again in a moment.");
    form.elements[wrong?.details?.field]?.focus?.();
  }

  async #decide(form) {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (answer?.ok) await this.#take(await this.#ask());
  }

  #ask(url = this.#root.dataset.person, more = {}) {
    return fetch(url, { headers: { Accept: "text/x-part" }, ...more }).catch(() => null);
  }

  async #take(answer) {
    if (!answer?.ok || answer.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    this.renew(template.content.firstElementChild);
  }
}

/** As soon as the last pair is used there is another one. */
function another(form) {
  const last = [...form.querySelectorAll("[data-new]")].at(-1);
  if (![...last.querySelectorAll("input")].every((input) => input.value)) return;
  const next = last.cloneNode(true);
  for (const input of next.querySelectorAll("input")) input.value = "";
  last.after(next);
}

/** What a section shows; the token of its forms is another one each time. */
function said(part) {
  const bare = part.cloneNode(true);
  for (const token of bare.querySelectorAll("[name=csrfmiddlewaretoken]")) token.remove();
  return bare.outerHTML;
}
