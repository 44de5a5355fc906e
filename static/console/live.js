/**
 * What keeps the inbox alive: the agents' socket, protocol `desk-agent.v1` (docs/agent-socket.md). While there is none it
 * looks every few seconds; nothing depends on the socket but how soon a change is seen.
 */
import { settled } from "./notices.js";

const LOOK_MS = 5000;
const HIDDEN_MS = 15_000;
const HELLO_MS = 15_000; // for ready
const PING_MS = 25_000;
const PONG_MS = 10_000;
const VIEWED_MS = 500; // how long a list that is opened waits for the socket
const LONGEST_MS = 60_000; // between two tries
const FINAL = new Set([4400, 4401, 4403]);

export class Live {
  #data;
  #page;
  #socket = null;
  #ready = false;
  #tries = 0;
  #looked = 0;
  #mark = null;
  #viewed = () => {};
  #watched = null; // {id, seq}: of the conversation that is open
  #late = 0;
  #pinged = 0;
  #pong = 0;
  #reading = 0;
  #anew = false; // connected, and the opened conversation has not been looked at since

  constructor(data, page) {
    this.#data = data;
    this.#page = page;
  }

  start() {
    this.#connect();
    setInterval(() => this.#look(), 1000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      if (this.#ready) this.#ping();
      this.#look(!this.#ready);
      this.#read();
    });
    addEventListener("online", () => (this.#ready ? this.#ping() : this.#connect()));
    addEventListener("pagehide", () => this.say({ t: "bye" }));
  }

  // ------------------------------------------------------------------------- what the page says

  say(frame) {
    const can = this.#ready && this.#socket.readyState === WebSocket.OPEN;
    if (can) this.#socket.send(JSON.stringify(frame));
    return can;
  }

  /** Changes of this list come from now on; over when the server has it, so that a list loaded then misses none. */
  async view(query) {
    this.#mark = null;
    if (!this.say({ t: "view", tenant: this.#data.tenant, ...listed(query) })) return;
    await new Promise((done) => {
      this.#viewed = done;
      setTimeout(done, VIEWED_MS);
    });
  }

  watch(id, seq) {
    if (this.#watched) this.say({ t: "unwatch", conversation: this.#watched.id });
    this.#watched = id ? { id, seq } : null;
    if (id) this.say({ t: "watch", conversation: id, after: seq });
  }

  presence(state) {
    this.say({ t: "presence", state });
  }

  // -------------------------------------------------------------------------------- the socket

  #connect() {
    if (this.#socket || !navigator.onLine) return;
    const place = new URL(this.#data.socket, location.href.replace(/^http/, "ws"));
    const socket = (this.#socket = new WebSocket(place, "desk-agent.v1"));
    this.#late = setTimeout(() => this.#leave(), HELLO_MS);
    socket.onopen = () => socket.send(JSON.stringify({ t: "hello" }));
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
  }

  /** No answer any more: a dead network may take a minute to report a close, so nothing waits for it. */
  #leave() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#lost(1006);
  }

  #lost(code) {
    const had = this.#ready;
    this.#data.live = "no";
    this.#socket = null;
    this.#ready = false;
    this.#viewed();
    for (const timer of [this.#late, this.#pinged, this.#pong]) clearTimeout(timer);
    if (code === 4401 && had) return location.reload(); // signed out elsewhere
    if (FINAL.has(code)) return;
    const most = Math.min(LONGEST_MS, 1000 * 2 ** this.#tries++);
    const pause = code === 4429 ? LONGEST_MS : most / 2 + (Math.random() * most) / 2;
    setTimeout(() => this.#connect(), pause);
  }

  #ping() {
    this.say({ t: "ping", n: Date.now() });
    clearTimeout(this.#pong);
    this.#pong = setTimeout(() => this.#leave(), PONG_MS);
  }

  #take(frame) {
    clearTimeout(this.#pong);
    clearTimeout(this.#pinged);
    this.#pinged = setTimeout(() => this.#ping(), PING_MS);
    if (frame.mark) this.#mark = frame.mark;
    const take = TAKES[frame.t];
    if (take) this[take](frame);
    else if (frame.conversation && frame.conversation === this.#watched?.id) this.#show(frame);
  }

  ready() {
    clearTimeout(this.#late);
    this.#ready = this.#anew = true;
    this.#tries = 0;
    const { list, opened } = this.#page;
    this.line("");
    if (localStorage.getItem("inbox:away") === "on") this.presence("away");
    const back = this.#mark ? { after: this.#mark } : {};
    this.say({ t: "view", tenant: this.#data.tenant, ...listed(list.query), ...back });
    if (!this.#mark) this.#viewed = () => list.refresh(); // the page is older than the socket
    if (this.#watched) this.say({ t: "watch", conversation: this.#watched.id, after: this.#watched.seq });
    if (opened()) this.#read();
  }

  viewed(frame) {
    if (frame.view === null) return location.reload(); // it is not to be seen any more
    this.#data.live = "yes";
    if (frame.reset) this.#page.list.refresh();
    this.#viewed();
    this.#viewed = () => {};
    if (frame.counts && !this.#page.list.narrowed) this.counts(frame.counts);
  }

  conv(frame) {
    const { list, changed } = this.#page;
    const watched = frame.conversation === this.#watched?.id;
    if (frame.tenant === this.#data.tenant) {
      if (list.holds(frame, watched)) list.put(frame);
      else list.drop(frame.conversation);
    }
    if (watched) changed(frame);
    if (!frame.waiting_since) settled(frame.conversation, "late");
  }

  gone(frame) {
    this.#page.list.drop(frame.conversation);
    settled(frame.conversation, "late"); // a colleague has come, or it was answered
  }

  counts({ t, tenant, mark, ...numbers }) {
    if (!this.#page.list.narrowed || this.#page.list.searching) this.#page.list.counts(numbers);
  }

  watching(frame) {
    this.looking({ ...frame, members: frame.looking });
    const anew = this.#anew; // what carries no number was perhaps pushed while there was no socket
    if (anew || frame.complete === false || frame.reset)
      this.#page.emit("stale", { id: frame.conversation, reset: frame.reset, anew });
    if (anew) this.#page.refresh(frame.conversation);
    this.#anew = false;
    this.#read();
  }

  looking(frame) {
    if (frame.conversation === this.#watched?.id) this.#page.others(frame.members ?? []);
  }

  alert(frame) {
    this.#page.alert(frame);
  }

  pong() {}

  bye(frame) {
    this.#socket?.close();
  }

  error(frame) {
    if (frame.code === "conversation_not_found") this.#watched = null;
  }

  unwatched(frame) {
    if (frame.conversation === this.#watched?.id) location.assign(this.#data.home); // it is not to be seen any more
  }

  #show(frame) {
    if (frame.seq) this.#watched.seq = Math.max(this.#watched.seq, frame.seq);
    this.#page.emit("frame", frame);
    if (frame.t === "state") this.#page.refresh(frame.conversation); // in other hands, or over
    if (frame.t === "msg") this.#read();
  }

  /** What stands in the window and is looked at is read. */
  #read() {
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => {
      const watched = this.#watched;
      if (watched?.seq && !document.hidden) this.say({ t: "read", conversation: watched.id, seq: watched.seq });
    }, 400);
  }

  // ------------------------------------------------------------------------- without the socket

  async #look(now = false) {
    const every = document.hidden ? HIDDEN_MS : LOOK_MS;
    if (this.#ready || (!now && Date.now() - this.#looked < every)) return;
    this.#looked = Date.now();
    const { list, opened, refresh, emit } = this.#page;
    const id = opened();
    const there = await list.refresh();
    this.line(there ? "" : "No connection");
    if (!there || !id || id !== opened()) return;
    await refresh(id);
    emit("stale", { id });
  }

  line(words) {
    document.querySelector("#inbox-line").textContent = words;
  }
}

/** What the page does with a frame; those it does not know are of the opened conversation. */
const TAKES = Object.fromEntries(
  ["ready", "viewed", "conv", "gone", "counts", "watching", "looking", "alert", "pong", "bye", "error", "unwatched"].map((t) => [t, t]),
);

/** A list as the protocol names it. */
function listed(query) {
  const asked = new URLSearchParams(query);
  const filter = {};
  for (const name of ["channel", "priority", "label", "team"]) if (asked.get(name)) filter[name] = asked.get(name);
  if (asked.get("failed")) filter.failed = true;
  return { view: asked.get("view") || "waiting", filter };
}
