/**
 * A web chat client that is no browser: what you type is sent, what is said is printed.
 *
 *     node client.mjs https://chat.example.com web_key state.json
 *
 * Node.js 22 has a WebSocket of its own; Node.js 20 wants `node --experimental-websocket`. It sends no Origin: the
 * channel's `without_origin` has to be on. The file keeps who you are, how far you have read and what is not sent yet:
 * the same command goes on where the last one ended.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [host, key, file] = process.argv.slice(2);
const BEGIN_ANEW = [4401, 4404], STOP = [4400, 4403], TOO_FAST = 4429;
const nothing = { token: null, fresh: false, socket: "", conversation: null, seq: 0, unsent: [] };
const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : nothing;

let socket, ready = false, syncing = false, underWay = null, failures = 0, pauseMs = 0, heartbeat, patience;

function keep(changes) {
  Object.assign(state, changes);
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

function stop(reason) {
  console.error(`The service does not want us: ${reason}`);
  process.exit(1);
}

const put = (frame) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame));

// -- coming and going

/** A session: who we are, and where the socket is. Throws: try again. */
async function begin() {
  const answer = await fetch(`${host}/api/v2/webchat/${key}/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ visitor_token: state.token }),
    signal: AbortSignal.timeout(20_000),
  });
  const { data, error } = await answer.json();
  if (answer.ok) return keep({ token: data.visitor_token, fresh: true, socket: data.socket_url });
  if (answer.status === 401) keep({ token: null }); // too old: from now on we are another visitor
  else if (answer.status < 500 && answer.status !== 429) stop(error.code);
  pauseMs = Number(answer.headers.get("retry-after")) * 1000;
  throw new Error(error.code);
}

/** One connection, until it ends. Resolves with the close code. */
function talk() {
  return new Promise((resolve) => {
    const mine = (socket = new WebSocket(host.replace("http", "ws") + state.socket, "desk-chat.v1"));
    const ended = (code) => {
      clearInterval(heartbeat);
      clearTimeout(patience);
      ready = false;
      mine.onmessage = mine.onclose = mine.onerror = null;
      resolve(code);
    };
    lost = () => (mine.close(), ended(1006)); // its own close may take long on a line that is dead
    underWay = null;
    mine.onopen = () => put({ t: "hello", token: state.token, conversation: state.conversation, after: state.seq });
    mine.onmessage = ({ data }) => told(JSON.parse(data));
    mine.onclose = ({ code }) => ended(code);
    mine.onerror = () => ended(1006);
    patience = setTimeout(lost, 20_000); // for `ready`
  });
}
let lost;

function beat({ interval_s, timeout_s }) {
  clearInterval(heartbeat);
  heartbeat = setInterval(() => {
    put({ t: "ping" });
    patience = setTimeout(lost, timeout_s * 1000);
  }, interval_s * 1000);
}

async function run() {
  for (;;) {
    let code = 0;
    try {
      if (!state.fresh) await begin();
      code = await talk();
    } catch {} // not there, or not now
    if (STOP.includes(code)) stop(code);
    if (BEGIN_ANEW.includes(code)) keep({ fresh: false });
    const growing = Math.min(30, 2 ** failures++) * 1000 * Math.random();
    await new Promise((resolve) => setTimeout(resolve, code === TOO_FAST ? 60_000 : pauseMs || growing));
    pauseMs = 0;
  }
}

// -- what the service says

function told(frame) {
  clearTimeout(patience); // whatever comes, the line is alive
  const { t, seq, cid } = frame;
  if (t === "ready") {
    [ready, syncing, failures] = [true, false, 0];
    beat(frame.heartbeat);
    if (frame.reset || frame.conversation !== state.conversation) keep({ conversation: frame.conversation, seq: 0 });
    if (state.seq < frame.last_seq) sync();
    sendNext();
  } else if (t === "ack") {
    // A message that began a conversation; a duplicate may be of an earlier one.
    if (!frame.duplicate && frame.conversation !== state.conversation) keep({ conversation: frame.conversation, seq: 0 });
    settle(cid);
  } else if (t === "error" && frame.retry_after_s) {
    setTimeout(() => ((underWay = null), sendNext()), frame.retry_after_s * 1000); // the same once more
  } else if (t === "error" && cid) {
    settle(cid);
    console.log(`not sent: ${frame.code}`);
  } else if (t === "bye") pauseMs = (frame.after_s + Math.random()) * 1000;
  else if (t === "typing" && frame.on) console.log(`${frame.from.role} is typing`);
  else if (["msg", "edit", "del", "state"].includes(t)) {
    if (frame.conversation !== state.conversation) return; // `ready` names another conversation before its entries come
    if (seq === state.seq + 1) {
      console.log(`${frame.from?.role ?? t}: ${frame.state || frame.text || "(no text)"}`);
      keep({ seq });
    } else if (seq > state.seq) sync(); // one is missing: this one comes again behind it
  }
}

function sync() {
  if (!ready || syncing) return;
  syncing = true; // until `ready` comes again
  put({ t: "sync", after: state.seq });
}

// -- what we say: one message at a time is under way, so that they stay in order

function sendNext() {
  if (!ready || !state.unsent.length || underWay) return;
  underWay = state.unsent[0].cid;
  put({ t: "send", ...state.unsent[0] });
}

function settle(cid) {
  keep({ unsent: state.unsent.filter((message) => message.cid !== cid) });
  underWay = null;
  sendNext();
}

createInterface({ input: process.stdin }).on("line", (line) => {
  keep({ unsent: [...state.unsent, { cid: randomUUID(), text: line.trim() }] });
  sendNext();
});
run();
