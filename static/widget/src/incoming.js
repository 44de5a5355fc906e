/** What the server's frames mean: each kind of frame, and what follows from it on the screen. */

import { contentText } from "./content.js";
import { ratingForm } from "./forms.js";
import { contentOf, entryOf, toMessage } from "./message.js";

const PASSING = new Set(["rate_limited", "too_many_visitors"]);

export class Incoming {
  #panel;
  #session;
  #history;
  #outbox;
  #reading;
  #standing;
  #storage;
  #t;
  #emit;
  ended = false;

  constructor({ panel, session, history, outbox, reading, standing, storage, t, emit }) {
    this.#panel = panel;
    this.#session = session;
    this.#history = history;
    this.#outbox = outbox;
    this.#reading = reading;
    this.#standing = standing;
    this.#storage = storage;
    this.#t = t;
    this.#emit = emit;
  }

  /** Any frame but those that are the connection's own. */
  frame(frame) {
    const { log } = this.#panel;
    const passing = PASSING.has(frame.code);
    const handlers = {
      ack: () => this.ack(frame),
      typing: () => log.typing(frame.on, log.nameOf(frame.from), frame.ttl_s, frame.content && toMessage(frame)),
      read: () => (frame.by.role === "visitor" ? (this.#reading.mark = frame.seq) : this.seen(frame.seq)),
      media: () => this.#change(frame.of, { content: frame.content }),
      queue: () => this.#standing.show({ queue: frame.position }),
      token: () => (this.#session.token = frame.token),
      error: () =>
        frame.cid && this.#outbox.refuse(frame.cid, { code: frame.code, passing, retryAfter: frame.retry_after_s }),
    };
    if (handlers[frame.t]) handlers[frame.t]();
    else if (frame.seq) {
      if (this.ended && frame.seq === 1 && !log.byId(frame.id)) this.forget(); // the next one counts from 1
      this.#history.receive(frame);
    }
  }

  /** It goes on in another conversation, below this one. */
  forget() {
    this.ended = false;
    this.#panel.log.begin();
    this.#panel.log.outro.replaceChildren(); // the question about the conversation before
    this.#history.forget();
    this.#reading.forget();
  }

  /** The server has stored what we sent; the ack tells where it stands. */
  ack({ cid, seq, id, ts, conversation, duplicate }) {
    const item = this.#outbox.confirm(cid);
    if (!item || !seq) return;
    // one that was stored before may be of the conversation that has ended
    if (!duplicate && conversation !== this.#session.conversation && !this.#panel.log.byId(id)) this.forget();
    this.#session.conversation = conversation;
    this.#panel.tell("");
    this.#panel.log.mark("sent", (message) => message.cid === cid);
    this.#history.receive({ ...item.frame, t: "msg", seq, id, ts, from: { role: "visitor" } });
  }

  /** Staff have read everything up to `seq`. */
  seen(seq) {
    this.#panel.log.mark("read", (message) => message.seq && message.seq <= seq);
  }

  /** A transcript frame, in order and once. */
  apply(frame) {
    const handlers = {
      msg: () => this.#arrived(frame),
      edit: () => this.#change(frame.of, { edited: true, content: contentOf(frame) }),
      del: () => this.#change(frame.of, { deleted: true }) || this.#panel.composer.unquote(frame.of),
      state: () => this.#onState(frame),
    };
    handlers[frame.t]?.();
  }

  #arrived(frame) {
    if (frame.cid) this.#outbox.confirm(frame.cid);
    const message = { ...toMessage(frame), live: true };
    if (message.role === "visitor") message.mark = "sent";
    this.#panel.log.put(message);
    if (message.role !== "visitor") this.#told(message);
    this.offerChoices();
    this.#reading.count();
    this.#reading.look();
  }

  /** An answer is here: announce it, tell the page, and know that the visitor's words have arrived. */
  #told(message) {
    const { log } = this.#panel;
    log.mark("delivered", (own) => own.seq < message.seq);
    this.#panel.announce(`${log.nameOf(message)}: ${contentText(message, this.#t)}`);
    this.#emit("message", { id: message.id, from: message.role, text: message.content.text ?? "" });
    if (message.role === "agent") this.#standing.show({ mode: "human", name: message.name });
  }

  #change(id, changes) {
    const message = this.#panel.log.byId(id);
    if (message) this.#panel.log.put({ ...message, ...changes, live: false });
  }

  #onState(frame) {
    const { state, conversation, agent, hours, queue } = frame;
    const entry = entryOf(frame, this.#t);
    this.#standing.turn(state, { name: agent?.name ?? "", hours, queue });
    this.ended = state === "closed";
    if (entry) {
      this.#panel.log.put({ ...entry, live: true });
      this.#panel.announce(entry.content.text);
      this.offerChoices();
    }
    if (this.ended && frame.csat) this.ask(conversation);
  }

  /** How was it? Stands below the transcript until the visitor rates, dismisses it or writes again. */
  ask(conversation) {
    this.ended = true;
    const done = () => this.#storage.set("asked", conversation);
    const submit = (score, comment) => {
      done();
      this.#outbox.add({ t: "rate", conversation, score, comment });
    };
    if (this.#storage.get("asked") !== conversation)
      this.#panel.log.outro.replaceChildren(ratingForm({ t: this.#t, submit, done }));
  }

  /** The quick replies of the newest message, if it asks the visitor for one. */
  offerChoices() {
    const last = this.#panel.log.messages.at(-1);
    const replies = last && last.role !== "visitor" ? (last.content.quick_replies ?? last.quickReplies ?? []) : [];
    this.#panel.offer(replies.map(({ title, payload, value }) => ({ title, value: payload ?? value, message: last })));
  }
}
