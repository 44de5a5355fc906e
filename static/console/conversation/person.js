/** The person beside a conversation: facts that can be corrected in their place, consent. */
import { localise } from "./transcript.js";

export class Person {
  #root;

  constructor(root) {
    if (root) this.#wire(root);
  }

  /** The pane as the server shows it now; not while it is being edited. */
  renew(fresh) {
    if (!this.#root || this.#root.classList.contains("editing")) return;
    this.#root.replaceWith(fresh);
    this.#wire(fresh);
  }

  async reload() {
    const form = this.#root?.querySelector("form[data-change]");
    if (form) this.#take(await fetch(form.action, { headers: { Accept: "text/x-part" } }).catch(() => null));
  }

  /** The visitor is on another page. The rest stays as it is: it may be being edited. */
  async moved() {
    const shown = this.#root?.querySelector("[data-place]");
    const answer = shown && (await fetch(this.#root.dataset.person, { headers: { Accept: "text/x-part" } }).catch(() => null));
    if (answer?.ok && !answer.redirected) shown.replaceWith(part(await answer.text()).querySelector("[data-place]"));
  }

  #wire(root) {
    this.#root = root;
    localise(root);
    const form = root.querySelector("form[data-change]");
    const edit = root.querySelector("[data-edit]");
    if (form) {
      edit.addEventListener("click", () => this.#edit(!root.classList.contains("editing")));
      form.querySelector("[data-cancel]").addEventListener("click", () => {
        form.reset();
        this.#edit(false);
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#save(form);
      });
      form.addEventListener("input", () => this.#another(form));
    }
    for (const consent of root.querySelectorAll("form[data-consent]"))
      consent.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!consent.dataset.sure || confirm(consent.dataset.sure)) this.#decide(consent);
      });
  }

  #edit(on) {
    this.#root.classList.toggle("editing", on);
    const edit = this.#root.querySelector("[data-edit]");
    edit.setAttribute("aria-expanded", String(on));
    if (on) this.#root.querySelector("form[data-change] input:not([type=hidden])").focus();
    else edit.focus();
  }

  /** As soon as the last pair is used there is another one. */
  #another(form) {
    const last = [...form.querySelectorAll("[data-new]")].at(-1);
    if (![...last.querySelectorAll("input")].every((input) => input.value)) return;
    const next = last.cloneNode(true);
    for (const input of next.querySelectorAll("input")) input.value = "";
    last.after(next);
  }

  async #save(form) {
    const trouble = form.querySelector("[data-trouble]");
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { Accept: "text/x-part" },
    }).catch(() => null);
    button.disabled = false;
    const wrong = answer && !answer.ok && (await answer.json().catch(() => ({}))).error;
    if (answer?.ok) {
      await this.#take(answer);
      this.#root.querySelector("[data-edit]")?.focus();
      const id = this.#root.parentElement?.closest("[data-conversation]")?.dataset.conversation;
      document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id } }));
      return;
    }
    trouble.hidden = false;
    trouble.textContent = wrong?.message ?? (answer ? "The service could not keep this." : "No connection: try again in a moment.");
    form.elements[wrong?.details?.field]?.focus?.();
  }

  async #decide(form) {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (answer?.ok) await this.reload();
  }

  async #take(answer) {
    if (!answer?.ok || answer.redirected) return;
    const fresh = part(await answer.text());
    this.#root.replaceWith(fresh);
    this.#wire(fresh);
  }
}

function part(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
