/**
 * The chat: brings session, connection, transcript, outbox and panel together.
 *
 * It decides what follows from what; how each part works is that part's own business.
 */

import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { h } from "./dom.js";
import { askFirst } from "./forms.js";
import { History } from "./history.js";
import { preferredLocale, speak } from "./i18n.js";
import { Incoming } from "./incoming.js";
import { entryOf, saveTranscript, toMessage } from "./message.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { Polling } from "./polling.js";
import { Reading } from "./reading.js";
import { Session } from "./session.js";
import { Standing } from "./standing.js";
import { Storage } from "./storage.js";
import { followDark, styleSheets } from "./theme.js";

/** Starts the widget of one script tag and returns the chat, whose public methods `DeskChat` offers. */
export async function start(options) {
  const chat = new Chat(options);
  await chat.begin();
  return chat;
}

class Chat {
  #options;
  #storage;
  #api;
  #session;
  #language;
  #host;
  #panel;
  #standing;
  #history;
  #outbox;
  #connection;
  #polling;
  #reading;
  #incoming;
  #events = new EventTarget(); // open, close, message, unread
  #resumed = false;

  constructor(options) {
    this.#options = options;
    this.#storage = new Storage(options.channel);
    this.#api = new Api(options.origin, options.channel);
    this.#session = new Session({ api: this.#api, storage: this.#storage, options });
    const entries = (frames) => frames.map((frame) => entryOf(frame, this.#language.t)).filter(Boolean);
    const show = (frames) => entries(frames).forEach((entry) => this.#panel.log.put(entry));
    this.#history = new History({
      api: this.#api,
      session: this.#session,
      peer: {
        apply: (frame) => this.#incoming.apply(frame),
        show,
        seen: (seq) => this.#incoming.seen(seq),
        showOlder: (frames) => this.#panel.log.still(() => show(frames)),
        sync: (after) => this.#connection.send({ t: "sync", after }),
      },
    });
    this.#outbox = new Outbox({
      storage: this.#storage,
      transmit: (frame) => this.#transmit(frame),
      onFail: (item) => this.#failed(item),
      onHold: (code) => code === "too_many_visitors" && this.#crowded(() => this.#outbox.hurry()),
    });
    this.#polling = new Polling(() => this.#history.catchUp());
    this.#connection = new Connection({
      url: () => this.#session.socketUrl,
      hello: () => this.#hello(),
      renew: (forget) => this.#renew(forget),
      onFrame: (frame) => this.#incoming.frame(frame),
      onReady: (frame) => this.#onReady(frame),
      onDown: (rule) => this.#onDown(rule),
      onBlocked: () => this.#fallBack(),
      onHalt: (reason) => this.#onHalt(reason),
    });
    this.#reading = new Reading(this.#storage, {
      messages: () => this.#panel.log.current,
      inView: () => this.#panel.isOpen && !document.hidden && this.#panel.log.atEnd,
      onUnread: (count) => this.#onUnread(count),
      tell: (seq) => this.#tellRead({ t: "read", conversation: this.#session.conversation, seq }),
    });
  }

  // ------------------------------------------------------------------ start

  async begin() {
    speak([preferredLocale(this.#options.locale)], this.#options.origin); // loads the words meanwhile
    await this.#session.open({}, (error) => this.#waiting(error));
    await this.#speak();
    const { isOpen } = this.#panel ?? {};
    this.#show();
    this.#listen();
    if (isOpen) this.open();
    if (this.#session.conversation || this.#outbox.items.length) await this.#resume();
    else this.#offerStarters();
  }

  async #speak() {
    const { locale, origin } = this.#options;
    this.#language = await speak([preferredLocale(locale), this.#session.config.locale], origin);
  }

  #show() {
    const { origin, position, theme } = this.#options;
    const { config } = this.#session;
    const language = this.#language;
    const host = h("desk-chat");
    this.#host?.remove();
    this.#host = host;
    this.#panel = new Panel({
      host,
      sheets: styleSheets(config.color),
      config: { ...config, position: position ?? config.position },
      ui: { language, t: language.t, origin, botName: config.bot_name || language.t("bot") },
      actions: {
        toggle: () => this.toggle(),
        close: () => this.close(),
        send: (text, quoted) => this.#say({ t: "send", kind: "text", text, ...quoted }),
        upload: (file, progress) => this.#api.upload(file, progress),
        uploaded: (stored, quoted) => this.#sendFile(stored, quoted),
        choose: (title, value, message) => this.#choose(title, value, message),
        retry: (cid) => this.#retry(cid),
        typing: (on) => this.#connection.send({ t: "typing", on }, true),
        onTop: () => this.#history.older(),
        onSeen: () => this.#reading.look(),
        human: () => this.send(language.t("ask")),
        download: () => this.#download(),
      },
    });
    this.#panel.composer.files = config.uploads !== false;
    followDark(host, theme);
    const isOnline = () => this.#connection.ready || this.#polling.running || !this.#resumed;
    this.#standing = new Standing({ panel: this.#panel, language, agent: this.#session.agent, isOnline });
    this.#incoming = new Incoming({
      panel: this.#panel,
      session: this.#session,
      history: this.#history,
      outbox: this.#outbox,
      reading: this.#reading,
      standing: this.#standing,
      t: language.t,
      emit: (event, detail) => this.#emit(event, detail),
    });
    this.#showPending();
    document.body.append(host);
  }

  /** The address is over its limit: the chat is there, and says so. */
  async #waiting(error) {
    if (error.status !== 429) return;
    await this.#speak();
    if (!this.#panel) this.#show();
    this.#crowded(() => this.#session.hurry());
  }

  #crowded(again) {
    const { t } = this.#language;
    this.#panel.tell(t("crowded"), t("retry"), again);
  }

  #listen() {
    const wake = () => {
      this.#connection.wake();
      this.#polling.soon();
      this.#reading.look();
      this.#standing.show();
    };
    document.addEventListener("visibilitychange", () => document.hidden || wake());
    addEventListener("online", wake);
    addEventListener("offline", () => this.#standing.show());
  }

  /** What was said before, then the live connection. */
  async #resume() {
    if (this.#resumed || !this.#session.begun) return;
    this.#resumed = true;
    this.#standing.show();
    if (this.#session.conversation) {
      await this.#history.latest();
      this.#reading.count();
      this.#reading.look();
      this.#incoming.offerChoices();
    }
    this.#connection.start();
  }

  // ------------------------------------------------------------------ what the page and the visitor do

  open() {
    if (this.#panel.isOpen) return;
    this.#panel.open();
    const { t } = this.#language;
    askFirst({ panel: this.#panel, session: this.#session, storage: this.#storage, t }).then(() => this.#resume());
    this.#reading.look();
    this.#emit("open");
  }

  close() {
    if (!this.#panel.isOpen) return;
    this.#panel.close();
    this.#emit("close");
  }

  toggle() {
    return this.#panel.isOpen ? this.close() : this.open();
  }

  send(text) {
    this.#say({ t: "send", kind: "text", text });
  }

  /** Forgets the visitor and their transcript in this browser. */
  logout() {
    this.#outbox.clear();
    this.#storage.clear();
    return this.identify(null);
  }

  /** Who the visitor is, proved by the page's server: {user_id, ts, sig, name}. */
  async identify(identity) {
    this.#connection.stop();
    this.#polling.stop();
    await this.#session.open({ identity });
    this.#startOver();
    if (this.#session.conversation || this.#panel.isOpen) await this.#resume();
  }

  on(event, handler) {
    this.#events.addEventListener(event, ({ detail }) => handler(detail));
  }

  /** The server knows the file by its id; `content` is how we show it until it comes back. */
  #sendFile({ file, ...media }, quoted) {
    const family = media.type.split("/")[0];
    const type = ["image", "audio", "video"].includes(family) ? family : "file";
    this.#say({ t: "send", kind: "file", files: [file], content: { type, media }, ...quoted });
  }

  #choose(title, value, message) {
    const reply = message?.quickReplies?.find((known) => known.value === value);
    this.#say({
      t: "send",
      kind: "action",
      action: { id: reply?.id ?? value, value },
      text: title,
      reply_to: message?.seq,
    });
  }

  #say(frame) {
    this.#panel.offer([]);
    this.#panel.log.outro.replaceChildren();
    this.#outbox.add(frame);
    this.#showPending();
    if (!this.#resumed) this.#resume();
    else this.#connection.start();
    this.#polling.soon();
  }

  #retry(cid) {
    this.#panel.log.drop(cid);
    this.#outbox.retry(cid);
    this.#showPending();
    this.#connection.wake();
  }

  async #download() {
    while (await this.#history.older());
    const { log } = this.#panel;
    saveTranscript(log.messages, { nameOf: (message) => log.nameOf(message), language: this.#language });
  }

  // ------------------------------------------------------------------ connection

  #hello() {
    const { token, conversation } = this.#session;
    return { token, conversation, after: this.#history.cursor };
  }

  async #renew(forget) {
    await this.#session.open();
    if (forget) this.#forgetTranscript();
  }

  #onReady(frame) {
    this.#polling.stop();
    this.#session.conversation = frame.conversation ?? this.#session.conversation;
    this.#panel.composer.limit = frame.limits?.text;
    this.#panel.tell("");
    if (frame.reset && !this.#incoming.ended) this.#forgetTranscript();
    this.#history.ready(frame);
    this.#incoming.seen(frame.read_seq);
    this.#outbox.pump();
    this.#reading.tell();
    this.#standing.show(frame.agent);
  }

  #onDown(rule) {
    this.#history.pause();
    if (rule === "too_big") this.#outbox.refuseCurrent("too_big");
    this.#outbox.release();
    this.#panel.log.typing(false);
    this.#standing.show();
  }

  #fallBack() {
    this.#polling.start();
    this.#outbox.pump();
    this.#standing.show();
  }

  #onHalt(reason) {
    this.#polling.stop();
    this.#standing.halt(reason, () => this.#connection.start());
  }

  #tellRead(frame) {
    if (!this.#connection.send(frame, true) && this.#polling.running) this.#api.post(frame).catch(() => {});
  }

  #transmit(frame) {
    if (this.#connection.send(frame)) return true;
    if (!this.#polling.running) return false;
    this.#api.post(frame).then(
      (ack) => this.#incoming.ack(ack),
      (error) => this.#outbox.refuse(frame.cid, error),
    );
    return true;
  }

  // ------------------------------------------------------------------ what the panel shows

  #showPending() {
    for (const { frame, at, failed } of this.#outbox.items.filter((item) => item.frame.t === "send")) {
      const message = toMessage({ ...frame, ts: at, from: { role: "visitor" } });
      this.#panel.log.put({ ...message, mark: failed ? "failed" : "sending" });
    }
  }

  #failed({ cid }) {
    this.#panel.log.mark("failed", (message) => message.cid === cid);
    this.#panel.announce(this.#language.t("failed"));
  }

  #offerStarters() {
    this.#panel.offer(this.#session.config.starters.map(({ title, payload }) => ({ title, value: payload || title })));
  }

  #onUnread(count) {
    if (count !== this.#panel.count) this.#emit("unread", count);
    this.#panel.unread(count);
  }

  #startOver() {
    this.#outbox.release();
    this.#forgetTranscript();
    this.#resumed = false;
  }

  #forgetTranscript() {
    this.#panel.log.clear();
    this.#panel.composer.unquote();
    this.#history.forget();
    this.#reading.forget();
    this.#reading.count();
    this.#showPending();
  }

  #emit(event, detail) {
    this.#events.dispatchEvent(new CustomEvent(event, { detail }));
  }
}
