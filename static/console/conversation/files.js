/** Files of a reply: uploaded as soon as they are chosen, so that what the channel makes of them is said before it goes. */
import { token } from "./outbox.js";

const MOST = 10;

export class Files {
  #list;
  #url;
  #tell;
  #files = []; // {id, name, size, picture, note, refused, state}

  constructor(list, url, { changed, trouble, up }) {
    this.#list = list;
    this.#url = url;
    this.#tell = { changed, trouble, up };
  }

  get ready() {
    return this.#files.filter((file) => file.state === "ready");
  }

  get busy() {
    return this.#files.some((file) => file.state === "busy");
  }

  get refused() {
    return this.#files.some((file) => file.refused);
  }

  restore(files) {
    this.#files = files.map((file) => ({ ...file, state: "ready" }));
    this.#show();
  }

  clear() {
    this.#files = [];
    this.#show();
  }

  add(chosen) {
    if (this.#files.length + chosen.length > MOST) return this.#tell.trouble(`At most ${MOST} files go with one reply.`);
    for (const one of chosen) this.#upload(one);
  }

  #upload(one) {
    const file = { name: one.name || "pasted picture", state: "busy", done: 0 };
    this.#files.push(file);
    this.#show();
    const body = new FormData();
    body.set("file", one, one.name || `pasted.${one.type.split("/")[1] ?? "png"}`);
    const request = new XMLHttpRequest(); // fetch does not tell how much has gone
    request.open("POST", this.#url);
    request.setRequestHeader("X-CSRFToken", token());
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => {
      file.done = Math.round((100 * loaded) / total);
      this.#show();
    };
    request.onloadend = () => {
      const told = request.response ?? {};
      if (request.status === 201) Object.assign(file, told, { state: "ready" });
      else {
        const why = request.status ? told.error?.message ?? "The service did not take it." : "No connection.";
        Object.assign(file, { state: "failed", refused: true, note: why });
      }
      if (!this.#files.includes(file)) return;
      this.#show();
      this.#tell.changed(this.ready);
      this.#tell.up();
    };
    file.stop = () => request.abort();
    request.send(body);
  }

  #remove(file) {
    this.#files = this.#files.filter((other) => other !== file);
    file.stop?.();
    this.#show();
    this.#tell.changed(this.ready);
  }

  #show() {
    this.#list.hidden = !this.#files.length;
    this.#list.replaceChildren(...this.#files.map((file) => this.#line(file)));
  }

  #line(file) {
    const line = document.createElement("li");
    line.className = `composer-file${file.refused ? " refused" : ""}`;
    if (file.picture) line.append(Object.assign(new Image(), { src: file.picture, alt: "" }));
    const words = document.createElement("span");
    const name = Object.assign(document.createElement("b"), { textContent: file.name });
    const told = file.state === "busy" ? `${file.done} %` : [file.size, file.note].filter(Boolean).join(" · ");
    words.append(name, Object.assign(document.createElement("small"), { textContent: told }));
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "composer-x", textContent: "×" });
    remove.setAttribute("aria-label", `Take away ${file.name}`);
    remove.addEventListener("click", () => this.#remove(file));
    line.append(words, remove);
    return line;
  }
}
