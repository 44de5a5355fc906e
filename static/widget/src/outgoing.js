/** What the visitor says, on its way from the panel into the outbox, and how it stands in the transcript until then. */

import { toMessage } from "./message.js";

export class Outgoing {
  #outbox;
  #panel;
  #go;
  #hurry;
  #lang;
  /** What the visitor may do in the panel. */
  actions = {
    send: (text, quoted) => this.say({ kind: "text", text, ...quoted }),
    uploaded: (stored, quoted) => this.#sendFile(stored, quoted),
    choose: (title, value, message) => this.#choose(title, value, message),
    retry: (cid) => this.#retry(cid),
    rewrite: (cid) => this.#rewrite(cid),
  };

  /** `panel()`: the one that is shown; `go()`: there is something to send; `hurry()`: at once; `lang()`: of the first words. */
  constructor({ outbox, panel, go, hurry, lang }) {
    this.#outbox = outbox;
    this.#panel = panel;
    this.#go = go;
    this.#hurry = hurry;
    this.#lang = lang;
  }

  /** `frame`: all of a `send` frame but type and id. */
  say(frame) {
    const panel = this.#panel();
    panel.offer([]);
    panel.log.outro.replaceChildren();
    this.#outbox.add({ t: "send", lang: this.#lang(), ...frame });
    this.show();
    this.#go();
  }

  /** The server knows the file by its id; `content` is how we show it until it comes back. */
  #sendFile({ file, ...media }, quoted) {
    const family = media.type.split("/")[0];
    const type = ["image", "audio", "video"].includes(family) ? family : "file";
    this.say({ kind: "file", files: [file], content: { type, media }, ...quoted });
  }

  #choose(title, value, message) {
    const reply = message?.quickReplies?.find((known) => known.value === value);
    this.say({ kind: "action", action: { id: reply?.id ?? value, value }, text: title, reply_to: message?.seq });
  }

  #retry(cid) {
    this.#panel().log.drop(cid);
    this.#outbox.retry(cid);
    this.show();
    this.#go();
    this.#hurry();
  }

  /** What can never be sent as it is comes back into the line to be changed. */
  #rewrite(cid) {
    const panel = this.#panel();
    panel.log.drop(cid);
    panel.composer.draft = this.#outbox.drop(cid)?.frame.text ?? "";
    panel.focus();
  }

  /** What has not arrived, at the end of the transcript. */
  show() {
    for (const { frame, at, failed, code } of this.#outbox.items.filter((item) => item.frame.t === "send")) {
      const message = toMessage({ ...frame, ts: at, from: { role: "visitor" } });
      this.#panel().log.put({ ...message, code, mark: failed ? "failed" : "sending" });
    }
  }
}
