/** Replies that are on their way, below the transcript: how long one can be taken back, and why one was not sent. */
import { outbox } from "./outbox.js";

export class Pending {
  #list;
  #id;
  #acts;
  #ticking = 0;
  #sent = new Set();

  constructor(list, conversation, acts) {
    this.#list = list;
    this.#id = conversation;
    this.#acts = acts;
    this.heard = ({ detail }) => detail.conversation === this.#id && this.#show(detail);
    outbox.addEventListener("change", this.heard);
    list.replaceChildren();
    for (const item of outbox.of(conversation)) this.#show(item);
  }

  leave() {
    clearInterval(this.#ticking);
    outbox.removeEventListener("change", this.heard);
  }

  /** What was sent stands in the transcript by now. */
  settle() {
    for (const id of this.#sent) if (document.querySelector(`[data-cid="${id}"]`)) this.#remove(id);
  }

  #line(id) {
    return this.#list.querySelector(`[data-item="${id}"]`);
  }

  #remove(id) {
    this.#sent.delete(id);
    this.#line(id)?.remove();
  }

  async #show(item) {
    if (item.state === "back") return this.#remove(item.id);
    if (item.state === "sent") {
      this.#sent.add(item.id);
      this.#says(item.id, "Sent", []);
      await this.#acts.outdated();
      this.#remove(item.id);
      document.dispatchEvent(new CustomEvent("inbox:refresh", { detail: { id: item.conversation } }));
      return;
    }
    if (!this.#line(item.id)) this.#list.append(this.#made(item));
    const back = ["Undo", () => this.#back(item)];
    if (item.state === "held") this.#count(item);
    else if (item.state === "refused") this.#refused(item);
    else this.#says(item.id, item.waits ? item.error.message : "Sending …", item.waits ? [back] : []);
  }

  #made(item) {
    const line = document.createElement("li");
    line.className = "chat-entry outbound agent waiting";
    line.dataset.item = item.id;
    const bubble = document.createElement("div");
    bubble.className = "chat-bubble";
    const words = document.createElement("p");
    words.className = "chat-text";
    words.textContent = item.shown.text;
    bubble.append(...(item.shown.text ? [words] : []));
    for (const name of item.shown.files) {
      const file = document.createElement("span");
      file.className = "chat-file";
      file.textContent = name;
      bubble.append(file);
    }
    const says = document.createElement("div");
    says.className = "chat-meta";
    line.append(bubble, says);
    return line;
  }

  #says(id, text, buttons, kind = "") {
    const line = this.#line(id);
    if (!line) return;
    line.classList.toggle("refused", kind === "refused");
    const says = line.lastElementChild;
    const words = document.createElement("span");
    words.textContent = text;
    if (kind === "refused") words.setAttribute("role", "alert");
    says.replaceChildren(words, ...buttons.map(([label, run]) => pressed(label, run)));
  }

  #count(item) {
    const left = Math.max(0, Math.ceil((item.until - Date.now()) / 1000));
    this.#says(item.id, `Goes out in ${left} s`, [["Undo", () => this.#back(item)]]);
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => {
      const held = outbox.of(this.#id).filter((one) => one.state === "held");
      if (!held.length) clearInterval(this.#ticking);
      for (const one of held) {
        const words = this.#line(one.id)?.querySelector(".chat-meta span");
        if (words) words.textContent = `Goes out in ${Math.max(0, Math.ceil((one.until - Date.now()) / 1000))} s`;
      }
    }, 1000);
  }

  #refused(item) {
    const { code, message } = item.error;
    const edit = ["Edit", () => this.#back(item)];
    const again = ["Send again", () => outbox.again(item.id)];
    if (code === "reply_outdated") {
      this.#acts.outdated();
      this.#says(item.id, `Not sent. ${message}`, [["Send anyway", () => this.#acts.anyway(item)], edit], "refused");
    } else if (code === "conversation_closed") {
      const anew = ["Send in a new one", () => outbox.again(item.id, { again: true })];
      this.#says(item.id, `Not sent. ${message}`, [anew, ["Take it back", () => this.#back(item)]], "refused");
    } else if (code === "conversation_goes_on") {
      this.#says(item.id, `Not sent. ${message}`, [["Write it there", () => this.#acts.there(item)], edit], "refused");
    } else this.#says(item.id, `Not sent. ${message}`, [edit, again], "refused");
  }

  #back(item) {
    const back = outbox.back(item.id);
    if (back) this.#acts.back(back);
  }
}

function pressed(label, run) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "chat-link", textContent: label });
  button.addEventListener("click", run);
  return button;
}
