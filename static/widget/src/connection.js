/**
 * The socket: sub-protocol desk-chat.v1, heartbeat, reconnect with full jitter, close codes.
 *
 * It knows nothing of messages: frames go to `peer.onFrame`, and who fails to connect three times
 * running is told so (`peer.onBlocked`) and goes on trying in the background.
 */

const PROTOCOL = "desk-chat.v1";
const READY_WAIT_MS = 10_000;
const STABLE_MS = 30_000;
const BLOCKED_AFTER = 3;
const MAX_BUFFERED = 1 << 20; // bytes

/** What a close code asks of us; every other one means: try again. */
const ON_CLOSE = {
  1009: "too_big",
  4400: "once",
  4401: "renew",
  4403: "forbidden",
  4404: "forget",
  4429: "slow",
};
const SLOW_MS = 60_000;

export class Connection {
  #peer;
  #socket = null;
  #ready = false;
  #running = false;
  #attempt = 0;
  #failures = 0;
  #protocolErrors = 0;
  #notBefore = 0;
  #bye = null;
  #heartbeat = { interval_s: 25, timeout_s: 10 };
  #timers = {};

  /** `peer`: url(), hello(), renew(forget), onFrame, onReady, onDown(rule), onBlocked, onHalt(reason). */
  constructor(peer) {
    this.#peer = peer;
  }

  get ready() {
    return this.#ready;
  }

  get running() {
    return this.#running;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#protocolErrors = 0;
    this.#connect();
  }

  stop() {
    this.#running = false;
    this.send({ t: "bye" });
    this.#detach(1000);
  }

  /** The tab came to the front or the network came back: find out now whether we are connected. */
  wake() {
    if (!this.#running) return;
    if (this.#ready) this.#ping();
    else if (!this.#socket && Date.now() >= this.#notBefore) this.#connect();
  }

  /** Sends a frame if that is possible now; an ephemeral one is dropped when the line is congested. */
  send(frame, ephemeral = false) {
    if (!this.#ready || this.#socket.readyState > WebSocket.OPEN || (ephemeral && this.#socket.bufferedAmount > MAX_BUFFERED)) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    if (!this.#running || this.#socket) return;
    this.#bye = null;
    try {
      this.#socket = new WebSocket(this.#peer.url(), PROTOCOL);
    } catch {
      return this.#down(1006); // the page's policy forbids it
    }
    const socket = this.#socket;
    this.#timers.ready = setTimeout(() => this.#lost(), READY_WAIT_MS);
    socket.onopen = () => socket.send(JSON.stringify({ t: "hello", ...this.#peer.hello() }));
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#down(code);
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.t === "ready") this.#established(frame);
    else if (frame.t === "pong") clearTimeout(this.#timers.pong);
    else {
      if (frame.t === "bye" || frame.fatal) this.#bye = { after_s: frame.retry_after_s, ...frame };
      this.#peer.onFrame(frame);
    }
  }

  #established(frame) {
    clearTimeout(this.#timers.ready);
    if (!this.#ready) {
      this.#ready = true;
      this.#failures = 0;
      Object.assign(this.#heartbeat, frame.heartbeat);
      this.#timers.stable = setTimeout(() => (this.#attempt = this.#protocolErrors = 0), STABLE_MS);
      this.#timers.ping = setInterval(() => this.#ping(), this.#heartbeat.interval_s * 1000);
    }
    this.#peer.onReady(frame);
  }

  #ping() {
    this.send({ t: "ping", n: Date.now() }, true);
    clearTimeout(this.#timers.pong);
    this.#timers.pong = setTimeout(() => this.#lost(), this.#heartbeat.timeout_s * 1000);
  }

  /** No answer any more: a dead network may take minutes to report a close, so we do not wait for it. */
  #lost() {
    this.#detach(4000);
    this.#down(1006);
  }

  #detach(code) {
    const socket = this.#socket;
    this.#clear();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #clear() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#socket = null;
    this.#ready = false;
  }

  #down(code) {
    const rule = ON_CLOSE[code] ?? "retry";
    if (!this.#ready) this.#failures += 1;
    this.#clear();
    this.#peer.onDown(rule);
    if (!this.#running) return;
    if (rule === "forbidden") return this.#halt(rule);
    if (rule === "once" && this.#protocolErrors++) return this.#halt("stopped");
    if (this.#failures === BLOCKED_AFTER) this.#peer.onBlocked();
    this.#retry(rule);
  }

  #halt(reason) {
    this.#running = false;
    this.#peer.onHalt(reason);
  }

  #retry(rule) {
    const floor = rule === "slow" ? SLOW_MS : (this.#bye?.after_s ?? 0) * 1000;
    const wait = floor + Math.random() * Math.min(30, 2 ** this.#attempt++) * 1000;
    this.#notBefore = Date.now() + floor;
    this.#timers.retry = setTimeout(() => this.#again(rule), wait);
  }

  async #again(rule) {
    try {
      if (rule === "renew" || rule === "forget") await this.#peer.renew(rule === "forget");
      this.#connect();
    } catch {
      this.#halt("stopped");
    }
  }
}
