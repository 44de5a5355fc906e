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
import { speak } from "./i18n.js";
import { Incoming } from "./incoming.js";
import { entryOf, saveTranscript } from "./message.js";
import { Nudges } from "./nudges.js";
import { Outbox } from "./outbox.js";
import { Outgoing } from "./outgoing.js";
import { dressed, everySecond, stay } from "./page.js";
import { Panel } from "./panel.js";
import { Person } from "./person.js";
import { Polling } from "./polling.js";
import { Reading } from "./reading.js";
import { Session } from "./session.js";
import { Standing } from "./standing.js";
import { Storage } from "./storage.js";
import { Where } from "./where.js";
import { Wire } from "./wire.js";
import { followDark, styleSheets } from "./theme.js";

/** Starts the widget of one script tag and returns the chat, whose public methods `DeskChat` offers. When `signal` is
 * aborted nothing of it is left on the page. */
export async function start(options, signal) {
  signal.throwIfAborted();
  const chat = new Chat(options, signal);
  await chat.begin();
  return chat;
}

class Chat {
  #options;
  #signal;
  #storage;
  #tab;
  #person;
  #nudges;
  #api;
  #session;
  #language;
  #host;
  #put;
  #panel;
  #standing;
  #history;
  #outbox;
  #outgoing;
  #connection;
  #polling;
  #wire;
  #reading;
  #incoming;
  #events = new EventTarget(); // open, close, message, unread, identity
  #resumed = false;
  #where;

  constructor(options, signal) {
    this.#options = options;
    this.#signal = signal;
    this.#storage = new Storage(options.channel, () => localStorage, signal);
    this.#tab = new Storage(options.channel, () => sessionStorage, signal);
    this.#api = new Api(options.origin, options.channel);
    this.#session = new Session({ api: this.#api, storage: this.#storage, options, signal });
    const entries = (frames) => frames.map((frame) => entryOf(frame, this.#language.t)).filter(Boolean);
    const show = (frames) => entries(frames).forEach((entry) => this.#panel.log.put(entry));
    this.#history = new History(this.#api, this.#session, {
      apply: (frame) => this.#incoming.apply(frame),
      show,
      seen: (seq) => this.#incoming.seen(seq),
      showOlder: (frames) => this.#panel.log.still(() => show(frames)),
      sync: (after) => this.#connection.send({ t: "sync", after }), forget: () => this.#incoming.forget(),
    });
    this.#outbox = new Outbox({
      storage: this.#storage,
      transmit: (frame) => this.#wire.transmit(frame),
      onFail: ({ cid, code }) => this.#panel.log.fail(cid, code),
      onHold: (code) => code === "too_many_visitors" && this.#crowded(() => this.#outbox.hurry()),
    });
    this.#person = new Person(this.#session, this.#storage, this.#tab, {
      leave: () => this.#leave(),
      goOn: () => this.#goOn(),
      refused: (code) => this.#emit("identity", { code }),
    });
    this.#outgoing = new Outgoing({
      outbox: this.#outbox,
      panel: () => this.#panel,
      go: () => {
        if (!this.#resumed) this.#resume();
        else this.#connection.start();
        this.#polling.soon();
      },
      hurry: () => this.#connection.wake(), lang: () => (this.#talks ? undefined : this.#language.locale),
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
    this.#wire = new Wire({
      connection: this.#connection,
      polling: this.#polling,
      api: this.#api,
      onAck: (ack) => this.#incoming.ack(ack),
      onRefused: (cid, error) => this.#outbox.refuse(cid, error),
    });
    this.#where = new Where(this.#session, this.#wire);
    this.#reading = new Reading(this.#storage, {
      messages: () => this.#panel.log.current,
      inView: () => this.#panel.isOpen && !document.hidden && this.#panel.log.atEnd,
      onUnread: (count) => this.#onUnread(count),
      tell: (seq) => this.#wire.tell({ t: "read", conversation: this.#session.conversation, seq }),
    });
    this.#put = stay(() => this.#host, signal);
    signal.addEventListener("abort", () => this.#end());
  }

  async begin() {
    speak(this.#options.locale).catch(() => {}); // loads the words meanwhile
    await this.#session.open({}, (error) => this.#waiting(error));
    await this.#speak();
    const isOpen = this.#panel?.isOpen;
    this.#show();
    this.#listen();
    if (isOpen) this.open();
    else if (this.#tab.get("open") && !this.#panel.isPhone) this.open({ focus: false });
    if (this.#talks) this.#resume();
    else this.#offerStarters();
    this.#nudges = new Nudges({
      config: this.#session.config,
      storage: this.#storage,
      signal: this.#signal,
      isFree: () => !this.#panel.isOpen && !this.#talks,
      show: (text) => this.#panel.nudge.show(text),
    });
    this.#person.begun();
    everySecond(this.#signal, () => {
      this.#nudges.tick();
      this.#where.tell();
    });
  }

  /** Whether the visitor has something to do with us. */
  get #talks() {
    return Boolean(this.#session.conversation || this.#outbox.items.length);
  }

  async #speak() {
    this.#language = await this.#session.language(this.#options.locale);
  }

  #show() {
    const { origin, theme } = this.#options;
    const config = dressed(this.#session.config, this.#options);
    const language = this.#language;
    this.#host?.remove();
    const host = (this.#host = h("desk-chat"));
    this.#panel = new Panel({
      host,
      sheets: styleSheets(config.color),
      config,
      ui: { language, t: language.t, origin, botName: config.bot_name || language.t("bot") },
      signal: this.#signal,
      actions: {
        toggle: () => this.toggle(),
        close: () => this.close(),
        ...this.#outgoing.actions,
        upload: (file, progress) => this.#api.upload(file, progress),
        drafted: (text) => (text ? this.#tab.set("draft", text) : this.#tab.remove("draft")),
        unwanted: () => this.#nudges.rest(),
        typing: (on) => this.#connection.send({ t: "typing", on }, true),
        onTop: () => this.#history.older(),
        onSeen: () => this.#reading.look(),
        human: () => this.#outgoing.say({ kind: "text", text: language.t("ask"), lang: language.locale }),
        download: () => this.#download(),
      },
    });
    this.#panel.composer.files = config.uploads !== false;
    this.#panel.composer.draft = this.#tab.get("draft") ?? "";
    followDark(host, theme, this.#signal);
    const isOnline = () => this.#connection.ready || this.#polling.running || !this.#resumed;
    this.#standing = new Standing({ panel: this.#panel, language, agent: this.#session.agent, isOnline });
    const [panel, session, history, outbox] = [this.#panel, this.#session, this.#history, this.#outbox];
    const parts = { panel, session, history, outbox, storage: this.#storage, reading: this.#reading, standing: this.#standing };
    this.#incoming = new Incoming({ ...parts, t: language.t, emit: (event, detail) => this.#emit(event, detail) });
    this.#outgoing.show();
    this.#put();
  }

  /** The address is over its limit: the chat is there, and says so. A browser does not let us see a refused origin. */
  async #waiting({ status }) {
    if (!status) console.warn("DeskChat: no answer. Is this origin allowed?");
    if (status !== 429) return;
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
      this.#where.again();
      this.#connection.wake();
      this.#polling.soon();
      this.#reading.look();
      this.#standing.show();
    };
    const signal = this.#signal;
    document.addEventListener("visibilitychange", () => document.hidden || wake(), { signal });
    addEventListener("online", wake, { signal });
    addEventListener("offline", () => this.#standing.show(), { signal });
  }

  /** The page wants no chat any longer. */
  #end() {
    this.#wire.stop();
    this.#outbox.release();
    this.#history.forget();
    this.#panel?.close({ focus: false });
    this.#host?.remove();
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
    } else if (this.#session.unrated) this.#incoming.ask(this.#session.unrated);
    this.#connection.start();
  }

  // ------------------------------------------------------------------ what the page and the visitor do

  open({ focus = true } = {}) {
    if (this.#panel.isOpen) return;
    this.#panel.open({ focus });
    this.#tab.set("open", true);
    this.#enter();
    this.#reading.look();
    this.#emit("open");
  }

  close() {
    if (!this.#panel.isOpen) return;
    this.#panel.close();
    this.#tab.remove("open");
    this.#emit("close");
  }

  toggle() {
    return this.#panel.isOpen ? this.close() : this.open();
  }

  send(text) {
    this.#outgoing.say({ kind: "text", text });
  }

  /** Forgets the visitor and their transcript in this browser, also while the service cannot be reached. */
  logout() {
    return this.#person.logout();
  }

  /** Who the visitor is, proved by the page's server: {user_id, ts, sig, name} or {jwt}. */
  identify(identity) {
    return this.#person.identify(identity);
  }

  #leave() {
    this.#wire.stop();
    this.#outbox.clear();
    this.#startOver();
  }

  /** With the session that has just begun. */
  async #goOn() {
    this.#session.supersede();
    this.#wire.stop();
    this.#startOver();
    if (this.#panel.isOpen) await this.#enter();
    else if (this.#session.conversation) await this.#resume();
    if (!this.#talks) this.#offerStarters();
  }

  /** The form before the chat, then the conversation. */
  async #enter() {
    await askFirst({ panel: this.#panel, session: this.#session, storage: this.#storage, t: this.#language.t });
    await this.#resume();
  }

  on(event, handler) {
    this.#events.addEventListener(event, ({ detail }) => handler(detail));
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
    this.#reading.resume(this.#incoming.ended ? Infinity : frame.last_seq);
    this.#standing.begin(frame.agent);
    this.#where.again();
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

  // ------------------------------------------------------------------ what the panel shows

  #offerStarters() {
    this.#panel.offer(this.#session.config.starters.map(({ title, payload }) => ({ title, value: payload || title })));
  }

  #onUnread(count) {
    if (count !== this.#panel.count) this.#emit("unread", count);
    this.#panel.unread(count);
  }

  #startOver() {
    this.#resumed = false;
    this.#incoming.ended = false;
    this.#outbox.release();
    this.#forgetTranscript();
    this.#panel.begin();
    this.#panel.composer.draft = this.#tab.get("draft") ?? "";
    this.#standing.begin(this.#session.agent);
  }

  #forgetTranscript() {
    this.#panel.log.clear();
    this.#panel.composer.unquote();
    this.#history.forget();
    this.#reading.forget();
    this.#reading.count();
    this.#outgoing.show();
  }

  #emit(event, detail) {
    this.#events.dispatchEvent(new CustomEvent(event, { detail }));
  }
}
