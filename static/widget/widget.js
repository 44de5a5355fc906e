/* Desk chat widget. Made by bundle.py from src/, which holds the documented source: do not edit. */
(() => {
"use strict";
class ApiError extends Error {
constructor(status, code, retryAfter = 0) {
super(`${code} (${status})`);
Object.assign(this, { status, code, retryAfter });
}
get passing() {
return this.status === 0 || this.status === 429 || this.status >= 500;
}
}
class Api {
token = null;
#base;
constructor(origin, channel) {
this.#base = `${origin}/api/v2/webchat/${encodeURIComponent(channel)}`;
}
session(body) {
return this.#call("/session", { method: "POST", body: JSON.stringify(body) });
}
messages(range) {
return this.#call(`/messages?${new URLSearchParams({ ...range, limit: 50 })}`);
}
post(frame) {
return this.#call("/messages", { method: "POST", body: JSON.stringify(frame) });
}
upload(file, progress) {
const request = new XMLHttpRequest();
const { name, type, size } = file;
const ticket = this.#call("/files", { method: "POST", body: JSON.stringify({ name, type, size }) });
const done = ticket.then(
({ url }) =>
new Promise((stored, failed) => {
request.open("POST", new URL(url, this.#base));
request.responseType = "json";
request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
request.onload = () => {
const { status, response } = request;
if (status === 200) stored(response.data);
else failed(new ApiError(status, response?.error?.code ?? "unreadable"));
};
request.onerror = request.onabort = () => failed(new ApiError(0, "network"));
request.send(file);
}),
);
return { done, stop: () => request.abort() };
}
async #call(path, request = {}) {
const headers = {};
if (request.body) headers["Content-Type"] = "application/json";
if (this.token && path !== "/session") headers.Authorization = `Bearer ${this.token}`;
let response;
try {
response = await fetch(this.#base + path, { ...request, headers, credentials: "omit", cache: "no-store" });
} catch {
throw new ApiError(0, "network");
}
const answer = await response.json().catch(() => null);
if (response.ok && answer?.status === "success") return answer.data;
const wait = Number(response.headers.get("Retry-After") ?? answer?.error?.details?.retry_after_s) || 0;
throw new ApiError(response.ok ? 502 : response.status, answer?.error?.code ?? "unreadable", wait);
}
}
const PROTOCOL = "desk-chat.v1";
const READY_WAIT_MS = 10_000;
const STABLE_MS = 30_000;
const BLOCKED_AFTER = 3;
const MAX_BUFFERED = 1 << 20; // bytes
const ON_CLOSE = {
1009: "too_big",
4400: "once",
4401: "renew",
4403: "forbidden",
4404: "forget",
4429: "slow",
};
const SLOW_MS = 60_000;
class Connection {
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
wake() {
if (!this.#running) return;
if (this.#ready) this.#ping();
else if (!this.#socket && Date.now() >= this.#notBefore) this.#connect();
}
send(frame, ephemeral = false) {
if (!this.#ready || (ephemeral && this.#socket.bufferedAmount > MAX_BUFFERED)) return false;
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
function h(tag, attributes = {}, ...children) {
const node = document.createElement(tag);
for (const [name, value] of Object.entries(attributes)) {
if (value === null || value === undefined || value === false) continue;
if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
else node.setAttribute(name, value === true ? "" : value);
}
node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
return node;
}
const ICONS = {
chat: "M12 3c5 0 9 3.3 9 7.7s-4 7.8-9 7.8c-1 0-2-.1-2.9-.4L4.6 20.8 5.5 16.3C4 15 3 13 3 10.7 3 6.3 7 3 12 3Z",
close: "M6 6l12 12M18 6 6 18",
down: "m6 9 6 6 6-6",
send: "M12 19V5m-6.5 6.5L12 5l6.5 6.5",
clip: "m20 11.5-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4",
more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
back: "m14.5 5-7 7 7 7",
next: "m9.5 5 7 7-7 7",
file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5",
pin: "M12 21s7-5.7 7-11a7 7 0 1 0-14 0c0 5.3 7 11 7 11Zm0-8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
reply: "M9 6 4 11l5 5m-5-5h9a7 7 0 0 1 7 7",
bot: "M12 4v3M7 7h10l3 3v5l-3 3H7l-3-3v-5Zm2.5 5v1m5-1v1M9.5 21h5",
};
function icon(name) {
const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
for (const [key, value] of [
["viewBox", "0 0 24 24"],
["aria-hidden", "true"],
["class", `icon icon-${name}`],
])
svg.setAttribute(key, value);
path.setAttribute("d", ICONS[name]);
svg.append(path);
return svg;
}
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
function safeUrl(address, base) {
try {
const url = new URL(address, base);
return SCHEMES.has(url.protocol) ? url.href : null;
} catch {
return null;
}
}
function link(address, attributes, ...children) {
const href = safeUrl(address, attributes.base);
if (!href) return h("span", { class: attributes.class }, ...children);
const outside = href.startsWith("http");
return h(
"a",
{ ...attributes, base: null, href, target: outside && "_blank", rel: "noopener noreferrer nofollow" },
...children,
);
}
const INPUTS = new Set(["text", "email", "tel", "url", "number", "date", "textarea", "checkbox", "select"]);
const AUTOCOMPLETE = { name: "name", email: "email", phone: "tel", company: "organization" };
function askFirst({ panel, session, storage, t }) {
const fields = session.config.pre_chat;
if (!fields?.length || session.conversation || storage.get("profiled")) return Promise.resolve();
return new Promise((done) => {
const submit = async (profile) => {
await session.open({ profile });
storage.set("profiled", true);
panel.ask(null);
done();
};
panel.ask(preChatForm(fields, { t, submit }));
});
}
function preChatForm(fields, { t, submit }) {
const problem = h("p", { class: "problem", role: "alert" });
const start = h("button", { type: "submit", class: "primary", "data-testid": "prechat-start" }, t("start"));
const form = h(
"form",
{ class: "prechat", "data-testid": "prechat", "aria-labelledby": "desk-prechat" },
h("h3", { id: "desk-prechat" }, t("welcome")),
fields.map(field),
problem,
start,
h("p", { class: "disclosure" }, t("disclosure")),
);
form.addEventListener("submit", async (event) => {
event.preventDefault();
start.setAttribute("aria-busy", "true");
problem.textContent = "";
try {
await submit(values(form));
} catch ({ code, passing }) {
problem.textContent = t(code === "too_many_visitors" ? "crowded" : passing ? "failed" : "wrong");
}
start.removeAttribute("aria-busy");
});
return form;
}
function field({ name, label, type = "text", required, options }) {
const kind = INPUTS.has(type) ? type : "text";
const id = `desk-field-${name}`;
const shared = { id, name, required, autocomplete: AUTOCOMPLETE[name] };
const controls = {
textarea: () => h("textarea", { ...shared, rows: 3 }),
select: () =>
h(
"select",
shared,
h("option", { value: "" }),
(options ?? []).map((option) => h("option", {}, option)),
),
};
const control = controls[kind]?.() ?? h("input", { ...shared, type: kind });
const words = h("label", { for: id }, label, required && h("span", { "aria-hidden": "true" }, " *"));
return h("div", { class: kind === "checkbox" ? "row check" : "row" }, words, control);
}
function values(form) {
const pairs = [...form.elements].filter(({ name }) => name);
return Object.fromEntries(
pairs.map((control) => [control.name, control.type === "checkbox" ? control.checked : control.value.trim()]),
);
}
function ratingForm({ t, submit }) {
const star = (score) => [
h("input", { type: "radio", name: "score", id: `desk-star-${score}`, value: score, required: true }),
h(
"label",
{ for: `desk-star-${score}`, "data-testid": `star-${score}` },
h("span", { class: "unseen" }, t("stars", { n: score })),
h("span", { "aria-hidden": "true" }, "★"),
),
];
const comment = h("textarea", { id: "desk-comment", rows: 2, maxlength: 1000 });
const form = h(
"form",
{ class: "rating", "data-testid": "rating" },
h("fieldset", {}, h("legend", {}, t("rate")), h("div", { class: "stars" }, [1, 2, 3, 4, 5].flatMap(star))),
h("label", { for: "desk-comment", class: "small" }, t("comment")),
comment,
h("button", { type: "submit", class: "primary", "data-testid": "rating-send" }, t("rateSend")),
);
form.addEventListener("submit", (event) => {
event.preventDefault();
submit(Number(new FormData(form).get("score")), comment.value.trim());
form.replaceChildren(h("p", { tabindex: -1, class: "thanks" }, t("thanks")));
form.firstElementChild.focus();
});
return form;
}
const GAP_WAIT_MS = 2000;
class Transcript {
cursor = 0;
#target = 0;
#early = new Map();
#timer = 0;
#round = 0;
#onApply;
#onGap;
constructor({ onApply, onGap }) {
this.#onApply = onApply;
this.#onGap = onGap;
}
receive(frame) {
if (!(frame.seq > this.cursor)) return;
this.#early.set(frame.seq, frame);
this.#drain();
}
expect(seq) {
this.#target = Math.max(this.#target, seq || 0);
this.#drain();
}
settle(seq) {
for (const number of [...this.#early.keys()].sort((a, b) => a - b)) {
if (number <= seq) this.#apply(number);
}
this.cursor = Math.max(this.cursor, seq);
this.#drain();
}
pause() {
clearTimeout(this.#timer);
this.#timer = 0;
}
reset(cursor = 0) {
this.pause();
this.#early.clear();
this.cursor = cursor;
this.#target = 0;
}
#apply(seq) {
const frame = this.#early.get(seq);
this.#early.delete(seq);
this.cursor = seq;
this.#onApply(frame);
}
#drain() {
const before = this.cursor;
while (this.#early.has(this.cursor + 1)) this.#apply(this.cursor + 1);
if (this.cursor > before) this.pause();
if (this.#early.size === 0 && this.cursor >= this.#target) {
this.pause();
this.#round = 0;
} else if (!this.#timer) {
this.#timer = setTimeout(() => this.#ask(), GAP_WAIT_MS);
}
}
#ask() {
this.#timer = 0;
this.#onGap(this.cursor, this.#round++);
this.#drain();
}
}
class History {
#api;
#session;
#peer;
#transcript;
#oldest = 0; // seq of the oldest message shown; 0 when there is nothing older to ask for
#loading = false;
constructor({ api, session, peer }) {
this.#api = api;
this.#session = session;
this.#peer = peer;
this.#transcript = new Transcript({ onApply: peer.apply, onGap: (seq, round) => this.#fill(seq, round) });
}
get cursor() {
return this.#transcript.cursor;
}
async latest() {
const { lastSeq } = this.#session;
try {
const { messages, has_more: more } = await this.#api.messages({ before: lastSeq + 1 });
this.#peer.show(messages);
this.#oldest = more && messages.length ? messages[0].seq : 0;
this.#transcript.reset(lastSeq);
} catch {
this.#transcript.reset(Math.max(0, lastSeq - 50));
}
}
async older() {
if (!this.#oldest || this.#loading) return false;
this.#loading = true;
try {
const { messages, has_more: more } = await this.#api.messages({ before: this.#oldest });
this.#peer.showOlder(messages);
this.#oldest = more && messages.length ? messages[0].seq : 0;
return true;
} catch {
return false;
} finally {
this.#loading = false;
}
}
receive(frame) {
this.#transcript.receive(frame);
}
async ready({ complete, last_seq: last }) {
if (complete === false) await this.catchUp().catch(() => {});
this.#transcript.expect(last);
}
async catchUp() {
const before = this.cursor;
for (let more = true; more;) {
const page = await this.#page();
this.#session.conversation = page.conversation;
for (const frame of page.messages) this.receive({ t: "msg", ...frame });
more = page.has_more && page.messages.length > 0;
this.#transcript.settle(more ? page.messages.at(-1).seq : page.last_seq);
this.#peer.seen(page.read_seq);
}
return this.cursor > before;
}
pause() {
this.#transcript.pause();
}
forget() {
this.#transcript.reset();
this.#oldest = 0;
}
async #page() {
const ask = () => this.#api.messages({ after: this.cursor });
try {
return await ask();
} catch (error) {
if (error.status !== 401) throw error;
await this.#session.open();
return ask();
}
}
#fill(after, round) {
if (round === 0) this.#peer.sync(after);
else this.catchUp().catch(() => {}); // the transcript asks again as long as there is a gap
}
}
const en = {
title: "Chat with us",
open: "Open chat",
close: "Close chat",
unread: "{n} unread",
log: "Conversation",
label: "Your message",
placeholder: "Write a message…",
send: "Send",
attach: "Attach a file",
fileBig: "This file is too large.",
fileType: "This type of file cannot be sent.",
remove: "Remove {name}",
you: "You",
bot: "Assistant",
agent: "Our team",
typing: "{name} is typing",
sending: "Sending…",
sent: "Sent",
delivered: "Delivered",
read: "Read",
failed: "Not sent",
retry: "Try again",
disclosure: "You are talking to a bot; ask for a human at any time.",
privacy: "Privacy",
online: "Replies at once",
connecting: "Connecting…",
offline: "No connection. Your messages will be sent as soon as you are back.",
person: "You are talking to {name}",
queue: "Waiting for a person",
later: "A person answers: {time}",
soon: "A person usually answers within {time}",
crowded: "Too many people write from your network right now. Please try again in a moment.",
stopped: "The chat is not available right now.",
fresh: "New messages",
menu: "More options",
human: "Talk to a person",
ask: "I would like to talk to a person, please.",
download: "Download transcript",
previous: "Previous",
next: "Next",
cards: "Cards",
map: "Open map",
image: "Image",
audio: "Audio",
video: "Video",
file: "File",
location: "Location",
quote: "Reply to this message",
unquote: "Cancel reply",
deleted: "This message was deleted",
edited: "edited",
choices: "Suggested answers",
share: "Link copied",
rate: "How was this chat?",
stars: "{n} of 5",
comment: "Anything you want to add? (optional)",
rateSend: "Send rating",
thanks: "Thank you for your feedback!",
welcome: "Before we start",
start: "Start chat",
wrong: "Please check your entries and try again.",
left: "{n} characters left",
closed: "This conversation has ended. Write again any time.",
};
const SPOKEN = ["ar", "de", "en", "es", "fr", "pt"]; // all but English are loaded when they are spoken: strings/*.json
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const loaded = {};
function preferredLocale(wish) {
return wish || document.documentElement.lang || navigator.language || "en";
}
async function speak(locales, origin) {
const locale = locales.filter(Boolean).find((wish) => SPOKEN.includes(base(wish))) ?? "en";
const words = base(locale) === "en" ? en : await (loaded[base(locale)] ??= load(base(locale), origin));
return words ? new Language(locale, { ...en, ...words }) : new Language("en", en);
}
const load = (language, origin) =>
fetch(`${origin}/static/widget/strings/${language}.json`, { credentials: "omit" })
.then((answer) => (answer.ok ? answer.json() : null))
.catch(() => null);
const base = (locale) => locale.toLowerCase().split(/[-_]/)[0];
class Language {
#words;
#clock;
#date;
#days;
constructor(locale, words) {
this.locale = locale.replace("_", "-");
this.direction = RIGHT_TO_LEFT.has(base(locale)) ? "rtl" : "ltr";
this.#words = words;
this.#clock = new Intl.DateTimeFormat(this.locale, { hour: "numeric", minute: "2-digit" });
this.#date = new Intl.DateTimeFormat(this.locale, { weekday: "long", day: "numeric", month: "long" });
this.#days = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" });
this.t = this.t.bind(this);
}
t(key, values = {}) {
return (this.#words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
time(date) {
return this.#clock.format(date);
}
day(date) {
const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
const age = Math.round((midnight(Date.now()) - midnight(date)) / 86_400_000);
const words = Math.abs(age) < 2 ? this.#days.format(-age, "day") : this.#date.format(date);
return words.charAt(0).toLocaleUpperCase(this.locale) + words.slice(1);
}
number(value, options) {
return new Intl.NumberFormat(this.locale, options).format(value);
}
}
const INLINE = new RegExp(
[
"`(?<code>[^`\\n]+)`",
"\\*\\*(?<bold>[^*\\n]+(?:\\*[^*\\n]+)*)\\*\\*",
"\\*(?<italic>[^*\\s][^*\\n]*)\\*",
"_(?<under>[^_\\s][^_\\n]*)_",
"\\[(?<label>[^\\]\\n]+)\\]\\((?<target>[^()\\s]+(?:\\([^()\\s]*\\)[^()\\s]*)*)\\)",
'(?<url>https?://[^\\s<>"]*[^\\s<>".,;:!?)\\]}\'])',
].join("|"),
"g",
);
const BARE = /(?<url>https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'])/g;
const BLOCK = {
ul: /^\s*[-*•]\s+(.*)$/,
ol: /^\s*\d{1,3}[.)]\s+(.*)$/,
blockquote: /^>\s?(.*)$/,
};
function formatted(text, format) {
if (format === "plain") return [h("p", {}, spans(text, BARE))];
return blocks(text.split(/\r?\n/));
}
function blocks(lines) {
const nodes = [];
let open = null; // the block that the next line may continue
for (let at = 0; at < lines.length; at++) {
const line = lines[at];
if (line.startsWith("```")) {
const end = lines.findIndex((other, index) => index > at && other.startsWith("```"));
const last = end < 0 ? lines.length : end;
nodes.push(h("pre", { tabindex: 0 }, h("code", {}, lines.slice(at + 1, last).join("\n"))));
at = last;
open = null;
continue;
}
const [kind, body] = classify(line);
if (!line.trim()) open = null;
else if (open?.kind === kind) extend(open, body);
else nodes.push((open = begin(kind, line, body)).node);
}
return nodes;
}
function classify(line) {
for (const [kind, pattern] of Object.entries(BLOCK)) {
const match = pattern.exec(line);
if (match) return [kind, match[1]];
}
const heading = /^#{1,6}\s+(.*)$/.exec(line);
return heading ? ["heading", heading[1]] : ["p", line];
}
function begin(kind, line, body) {
if (kind === "heading") return { kind: null, node: h("p", {}, h("strong", {}, inline(body))) };
if (kind === "ul" || kind === "ol") {
const start = kind === "ol" ? parseInt(line, 10) : 1;
return { kind, node: h(kind, { start: start > 1 && start }, h("li", {}, inline(body))) };
}
return { kind, node: h(kind, {}, inline(body)) };
}
function extend({ kind, node }, body) {
if (kind === "ul" || kind === "ol") node.append(h("li", {}, inline(body)));
else node.append(h("br"), ...inline(body));
}
function inline(text) {
return spans(text, INLINE);
}
function spans(text, pattern) {
const nodes = [];
let from = 0;
for (const match of text.matchAll(pattern)) {
const inWord = match.groups.under && /\w/.test(text[match.index - 1] ?? ""); // snake_case_names
if (match.index < from || inWord) continue;
nodes.push(text.slice(from, match.index), span(match.groups));
from = match.index + match[0].length;
}
nodes.push(text.slice(from));
return nodes.filter((node) => node !== "");
}
function span({ code, bold, italic, under, label, target, url }) {
if (code) return h("code", {}, code);
if (bold) return h("strong", {}, inline(bold));
if (italic ?? under) return h("em", {}, inline(italic ?? under));
if (label) return link(target, {}, label);
return link(url, {}, url);
}
const MEDIA = { image, audio, video, file };
function contentNodes(message, ui) {
if (message.deleted) return { bubble: [h("p", { class: "gone" }, ui.t("deleted"))], extra: [] };
const content = message.content;
const text = content.text ? formatted(content.text, content.format) : [];
const shown = MEDIA[content.type] && content.media ? MEDIA[content.type](content.media, ui) : [];
const place = content.location ? location(content.location, ui) : [];
return {
bubble: [...quoted(content, ui), ...shown, ...place, ...text],
extra: [
...buttons(content.buttons, message, ui),
...(content.cards ? [carousel(content.cards, message, ui)] : []),
...(content.sections ? content.sections.map((section) => list(section, message, ui)) : []),
],
};
}
function contentText(message, t) {
if (message.deleted) return t("deleted");
const { type, text, media, location: place, cards, sections } = message.content;
const parts = [text, place && [place.name, place.address].filter(Boolean).join(", ")];
if (media) parts.unshift(`[${t(MEDIA[type] ? type : "file")}] ${media.alt_text ?? media.name ?? ""}`.trim());
for (const card of cards ?? []) parts.push([card.title, card.subtitle].filter(Boolean).join(" – "));
for (const section of sections ?? []) parts.push(...section.rows.map((row) => row.title));
return parts.filter(Boolean).join("\n") || `[${t(place ? "location" : "file")}]`;
}
function quoted({ quote, choice }, ui) {
if (!quote?.text || choice) return [];
const names = { visitor: ui.t("you"), bot: ui.botName, agent: ui.t("agent") };
return [h("blockquote", { class: "quoted" }, h("b", {}, names[quote.author] ?? quote.author), " ", quote.text)];
}
function image(media, ui) {
const src = safeUrl(media.url, ui.origin);
if (!src?.startsWith("http")) return file(media, ui);
const alt = media.alt_text ?? media.name ?? ui.t("image");
const picture = h("img", {
src: safeUrl(media.thumbnail_url ?? src, ui.origin) ?? src,
alt,
class: "picture",
loading: "lazy",
});
return [link(src, { class: "media" }, picture)];
}
function audio(media, ui) {
return player("audio", media, ui);
}
function video(media, ui) {
return player("video", media, ui);
}
function player(tag, media, ui) {
const src = safeUrl(media.url, ui.origin);
if (!src?.startsWith("http")) return file(media, ui);
const label = media.alt_text ?? media.name ?? ui.t(tag);
const poster = media.thumbnail_url && safeUrl(media.thumbnail_url);
return [
h(tag, {
src,
poster,
controls: true,
preload: "metadata",
playsinline: true,
class: `media ${tag}`,
"aria-label": label,
}),
];
}
function file(media, ui) {
const details = h(
"span",
{ class: "detail" },
[ending(media), size(media.size_bytes ?? media.size)].filter(Boolean).join(" · "),
);
const words = h(
"span",
{ class: "words" },
h("span", { class: "filename" }, media.name ?? media.alt_text ?? ui.t("file")),
details,
);
return [link(media.url, { class: "card-row", base: ui.origin }, icon("file"), words)];
}
const ending = (media) => /\.(\w{1,5})$/.exec(media.name ?? "")?.[1].toUpperCase();
function size(bytes) {
if (!bytes) return "";
const unit = bytes < 1e6 ? "kilobyte" : "megabyte";
const value = Math.max(bytes / (bytes < 1e6 ? 1e3 : 1e6), 0.1);
return new Intl.NumberFormat(undefined, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(
value,
);
}
function location(place, ui) {
const { latitude, longitude } = place;
const address = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
const words = h(
"span",
{ class: "words" },
h("span", { class: "filename" }, place.name ?? ui.t("location")),
h("span", { class: "detail" }, place.address ?? `${latitude}, ${longitude}`),
h("span", { class: "go" }, ui.t("map")),
);
return [link(address, { class: "card-row" }, icon("pin"), words)];
}
function buttons(items, message, ui) {
if (!items?.length) return [];
return [
h(
"div",
{ class: "buttons" },
items.map((item) => button(item, message, ui)),
),
];
}
function button({ type, title, payload, url }, message, ui) {
if (type === "url") return link(url, { class: "button" }, title);
if (type === "phone") return link(`tel:${payload}`, { class: "button" }, title);
const act = type === "share" ? (event) => share(event.currentTarget, ui) : () => ui.choose(title, payload, message);
return h("button", { type: "button", class: "button", onclick: act }, title);
}
async function share(control, ui) {
const url = window.location.origin + window.location.pathname;
try {
if (navigator.share) return await navigator.share({ title: document.title, url });
await navigator.clipboard.writeText(url);
control.textContent = ui.t("share");
} catch {
}
}
function carousel(cards, message, ui) {
const strip = h(
"ul",
{ class: "strip", tabindex: 0, "aria-label": ui.t("cards") },
cards.map((item) => card(item, message, ui)),
);
const move = (step) => () => {
const sign = getComputedStyle(strip).direction === "rtl" ? -1 : 1;
strip.scrollBy({ left: step * sign * (strip.firstElementChild.offsetWidth + 10) });
};
const back = h(
"button",
{ type: "button", class: "round", "aria-label": ui.t("previous"), onclick: move(-1) },
icon("back"),
);
const next = h(
"button",
{ type: "button", class: "round", "aria-label": ui.t("next"), onclick: move(1) },
icon("next"),
);
const steps = cards.length > 1 && h("div", { class: "steps" }, back, next);
return h("div", { class: "carousel", role: "group", "aria-label": ui.t("cards") }, strip, steps);
}
function card({ title, subtitle, image_url, url, buttons: items }, message, ui) {
const picture = image_url && safeUrl(image_url) && h("img", { src: safeUrl(image_url), alt: "", loading: "lazy" });
const heading = h("h3", {}, url ? link(url, {}, title) : title);
const body = h("div", { class: "body" }, heading, subtitle && h("p", {}, subtitle), buttons(items, message, ui));
return h("li", { class: "card" }, picture, body);
}
function list({ title, rows }, message, ui) {
const row = ({ title: name, description, payload }) =>
h(
"li",
{},
h(
"button",
{ type: "button", onclick: () => ui.choose(name, payload, message) },
h("span", { class: "filename" }, name),
description && h("span", { class: "detail" }, description),
),
);
return h("div", { class: "list" }, title && h("h3", {}, title), h("ul", {}, rows.map(row)));
}
const STATES = { assigned: "person", bot: "disclosure", closed: "closed" };
function entryOf(frame, t) {
if ((frame.t ?? "msg") === "msg") return toMessage(frame);
const words = STATES[frame.state];
if (frame.t !== "state" || !words) return null;
const content = { type: "text", text: t(words, { name: frame.agent?.name ?? t("agent") }) };
return { ...toMessage({ ...frame, content }), role: "system" };
}
function toMessage(frame) {
const { seq, id, cid, from = {}, lang, quick_replies: quickReplies } = frame;
const { role = "bot", name = "", picture } = from;
const ts = new Date(frame.ts ?? Date.now());
return {
seq,
id,
cid,
role,
name,
picture,
lang,
ts,
quickReplies,
content: contentOf(frame),
};
}
function contentOf({ content, text, quoted: quote }) {
return { quote, ...(content ?? { type: "text", text }) };
}
function saveTranscript(messages, { nameOf, language }) {
const line = (message) =>
`[${message.ts.toLocaleString(language.locale)}] ${nameOf(message)}: ${contentText(message, language.t)}`;
const href = URL.createObjectURL(new Blob([messages.map(line).join("\n")], { type: "text/plain;charset=utf-8" }));
const anchor = document.createElement("a");
Object.assign(anchor, { href, download: `chat-${new Date().toISOString().slice(0, 10)}.txt` }).click();
setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
const PASSING = new Set(["rate_limited", "too_many_visitors"]);
class Incoming {
#panel;
#session;
#history;
#outbox;
#reading;
#standing;
#t;
#emit;
ended = false;
constructor({ panel, session, history, outbox, reading, standing, t, emit }) {
this.#panel = panel;
this.#session = session;
this.#history = history;
this.#outbox = outbox;
this.#reading = reading;
this.#standing = standing;
this.#t = t;
this.#emit = emit;
}
frame(frame) {
const { log } = this.#panel;
const passing = PASSING.has(frame.code);
const handlers = {
ack: () => this.ack(frame),
typing: () => log.typing(frame.on, log.nameOf(frame.from), frame.ttl_s),
read: () => (frame.by.role === "visitor" ? (this.#reading.mark = frame.seq) : this.seen(frame.seq)),
media: () => this.#change(frame.of, { content: frame.content }),
token: () => (this.#session.token = frame.token),
error: () =>
frame.cid && this.#outbox.refuse(frame.cid, { code: frame.code, passing, retryAfter: frame.retry_after_s }),
};
if (handlers[frame.t]) handlers[frame.t]();
else if (frame.seq) {
this.#restart(frame.seq, frame.id);
this.#history.receive(frame);
}
}
#restart(seq, id) {
if (!this.ended || seq !== 1 || this.#panel.log.byId(id)) return;
this.ended = false;
this.#history.forget();
this.#panel.log.begin();
this.#panel.log.outro.replaceChildren(); // the question about the conversation before
this.#reading.forget();
}
ack({ cid, seq, id, ts, conversation }) {
const item = this.#outbox.confirm(cid);
if (!item || !seq) return;
this.#restart(seq, id);
this.#session.conversation = conversation;
this.#panel.tell("");
this.#panel.log.mark("sent", (message) => message.cid === cid);
this.#history.receive({ ...item.frame, t: "msg", seq, id, ts, from: { role: "visitor" } });
}
seen(seq) {
this.#panel.log.mark("read", (message) => message.seq && message.seq <= seq);
}
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
const { state, conversation, agent, hours } = frame;
const entry = entryOf(frame, this.#t);
this.#standing.turn(state, agent?.name ?? "", hours);
this.ended = state === "closed";
if (entry) {
this.#panel.log.put({ ...entry, live: true });
this.#panel.announce(entry.content.text);
this.offerChoices();
}
const submit = (score, comment) => this.#outbox.add({ t: "rate", conversation, score, comment });
if (this.ended && frame.csat) this.#panel.log.outro.replaceChildren(ratingForm({ t: this.#t, submit }));
}
offerChoices() {
const last = this.#panel.log.messages.at(-1);
const replies = last && last.role !== "visitor" ? (last.content.quick_replies ?? last.quickReplies ?? []) : [];
this.#panel.offer(replies.map(({ title, payload, value }) => ({ title, value: payload ?? value, message: last })));
}
}
const ACK_WAIT_MS = 15_000;
const MAX_TRIES = 4;
const FINAL = new Set(["cid_conflict"]); // the id itself is spent
function uuid() {
if (crypto.randomUUID) return crypto.randomUUID();
const bytes = crypto.getRandomValues(new Uint8Array(16));
bytes[6] = (bytes[6] & 0x0f) | 0x40;
bytes[8] = (bytes[8] & 0x3f) | 0x80;
const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
class Outbox {
#items = new Map();
#storage;
#transmit;
#onFail;
#onHold;
#current = null;
#timer = 0;
constructor({ storage, transmit, onFail, onHold }) {
this.#storage = storage;
this.#transmit = transmit;
this.#onFail = onFail;
this.#onHold = onHold;
const stored = storage.names("out:").map((name) => storage.get(name));
for (const item of stored.filter(Boolean).sort((a, b) => a.at - b.at)) this.#items.set(item.cid, item);
}
get items() {
return [...this.#items.values()];
}
add(frame) {
const item = { cid: uuid(), at: Date.now(), tries: 0, failed: false };
item.frame = { ...frame, cid: item.cid };
this.#keep(item);
this.pump();
return item;
}
retry(cid) {
const item = this.#items.get(cid);
if (!item) return null;
if (FINAL.has(item.code)) {
this.#drop(item);
item.cid = item.frame.cid = uuid();
}
Object.assign(item, { tries: 0, failed: false, code: null });
this.#keep(item);
this.pump();
return item;
}
confirm(cid) {
const item = this.#items.get(cid);
if (!item) return null;
this.#drop(item);
this.#free(item);
this.pump();
return item;
}
refuse(cid, { code, passing, retryAfter = 0 }) {
const item = this.#items.get(cid);
if (!item) return;
this.#free(item);
if (!passing) return this.#fail(item, code);
this.#current = item; // holds its place in the queue
this.#timer = setTimeout(() => this.#again(item), Math.max(1, retryAfter) * 1000);
this.#onHold(code);
}
hurry() {
if (this.#current) this.#again(this.#current);
}
refuseCurrent(code) {
if (this.#current) this.refuse(this.#current.cid, { code, passing: false });
}
release() {
clearTimeout(this.#timer);
if (this.#current) this.#current.tries = 0;
this.#current = null;
}
clear() {
this.release();
for (const item of this.items) this.#drop(item);
}
pump() {
const item = this.#current ? null : this.items.find((candidate) => !candidate.failed);
if (!item || !this.#transmit(item.frame)) return;
item.tries += 1;
this.#current = item;
this.#timer = setTimeout(() => this.#again(item), ACK_WAIT_MS);
}
#again(item) {
this.#free(item);
if (item.tries >= MAX_TRIES) this.#fail(item, "no_answer");
else this.pump();
}
#fail(item, code) {
Object.assign(item, { failed: true, code });
this.#keep(item);
this.#onFail(item);
this.pump();
}
#free(item) {
if (this.#current !== item) return;
clearTimeout(this.#timer);
this.#current = null;
}
#keep(item) {
this.#items.set(item.cid, item);
this.#storage.set(`out:${item.cid}`, item);
}
#drop(item) {
this.#items.delete(item.cid);
this.#storage.remove(`out:${item.cid}`);
}
}
const MAX_QUOTE = 200; // characters, as the service keeps
class Quoting {
element = h("div", { class: "quoting", hidden: true, "data-testid": "quoting" });
#ui;
#quoted = null;
constructor(ui) {
this.#ui = ui;
}
get id() {
return this.#quoted?.quote;
}
show(message, name) {
const { t, announce } = this.#ui;
const text = contentText(message, t).slice(0, MAX_QUOTE);
this.#quoted = { quote: message.id, quoted: { author: message.role, text } };
const cancel = { type: "button", class: "round", "aria-label": t("unquote"), onclick: () => this.#ui.unquote() };
this.element.replaceChildren(
h("blockquote", { dir: "auto" }, h("b", {}, name), " ", text),
h("button", cancel, icon("close")),
);
this.element.hidden = false;
announce(`${t("quote")}: ${name}: ${text}`);
}
clear() {
this.#quoted = null;
this.element.hidden = true;
this.element.replaceChildren();
}
take() {
const taken = this.#quoted;
this.clear();
return taken;
}
}
const PROBLEMS = { too_large: "fileBig", payload_too_large: "fileBig", network: "failed", unreadable: "failed" };
class Uploads {
element = h("div", { class: "uploads" });
#ui;
constructor(ui) {
this.#ui = ui;
}
add(files) {
for (const file of files) this.#send(file, this.#ui.quoted()); // the first of them answers
}
async #send(file, quoted) {
const { t, announce } = this.#ui;
const state = h("progress", { max: 1, value: 0, "aria-label": t("sending") });
const label = t("remove", { name: file.name });
const remove = h("button", { type: "button", class: "round", "aria-label": label }, icon("close"));
const row = h("div", { class: "upload", "data-testid": "upload" }, h("span", {}, file.name), state, remove);
this.element.append(row);
const { done, stop } = this.#ui.upload(file, (share) => (state.value = share));
remove.addEventListener("click", () => {
row.remove();
stop();
});
try {
const stored = await done;
if (row.isConnected) this.#ui.uploaded(stored, quoted);
row.remove();
} catch ({ code, passing }) {
const words = t(PROBLEMS[code] ?? (passing ? "failed" : "fileType"));
const again = () => {
row.remove();
this.#send(file, quoted);
};
const retry = passing && h("button", { type: "button", class: "retry", onclick: again }, t("retry"));
state.replaceWith(h("span", { class: "problem" }, words), retry || "");
if (row.isConnected) announce(`${file.name}: ${words}`);
}
}
}
const TYPING_EVERY_MS = 3000;
const COUNT_FROM = 0.9; // of the limit
class Composer {
#ui;
#quoting;
#limit = 4000;
#typedAt = 0;
constructor(ui) {
this.#ui = ui;
const { t } = ui;
this.input = h("textarea", {
id: "desk-input",
rows: 1,
placeholder: t("placeholder"),
enterkeyhint: "send",
autocomplete: "off",
maxlength: this.#limit,
"data-testid": "input",
oninput: () => this.#changed(),
onkeydown: (event) => this.#key(event),
onblur: () => this.#typing(false),
onpaste: (event) => this.#take(event, event.clipboardData),
});
this.#quoting = new Quoting({ ...ui, unquote: () => this.unquote() && this.input.focus() });
this.uploads = new Uploads({ ...ui, quoted: () => this.#quoting.take() });
const chosen = () => {
this.uploads.add(picker.files);
picker.value = "";
};
const picker = h("input", { type: "file", multiple: true, hidden: true, "data-testid": "file", onchange: chosen });
this.attach = h(
"button",
{ type: "button", class: "attach", "aria-label": t("attach"), onclick: () => picker.click() },
icon("clip"),
);
this.button = h(
"button",
{ type: "submit", class: "send", "aria-label": t("send"), "aria-disabled": "true", "data-testid": "send" },
icon("send"),
);
this.count = h("p", { class: "count", hidden: true });
const submit = (event) => {
event.preventDefault();
this.#send();
};
const label = h("label", { class: "unseen", for: "desk-input" }, t("label"));
this.element = h(
"form",
{ class: "composer", onsubmit: submit },
label,
this.#quoting.element,
this.uploads.element,
h("div", { class: "field" }, this.attach, picker, this.input, this.button),
this.count,
);
}
set limit(characters) {
this.#limit = characters || this.#limit;
this.input.maxLength = this.#limit;
}
set files(taken) {
this.attach.hidden = !taken;
}
quote(message, name) {
this.#quoting.show(message, name);
this.input.focus();
}
unquote(id = this.#quoting.id) {
const was = Boolean(id) && this.#quoting.id === id;
if (was) this.#quoting.clear();
return was;
}
dropOn(target) {
target.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
target.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
}
#take(event, { files }) {
if (!files.length || this.attach.hidden) return;
event.preventDefault();
this.uploads.add(files);
}
#key(event) {
if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
event.preventDefault();
this.#send();
}
#send() {
const text = this.input.value.trim();
if (text) {
this.input.value = "";
this.#changed();
this.#ui.send(text, this.#quoting.take());
}
this.input.focus();
}
#changed() {
const { input } = this;
const empty = !input.value.trim();
this.button.setAttribute("aria-disabled", String(empty));
input.dir = empty ? "" : "auto"; // the placeholder keeps the direction of the page
input.style.height = "auto";
input.style.height = `${Math.min(input.scrollHeight, 132)}px`;
this.#countDown(this.#limit - input.value.length);
this.#typing(!empty);
}
#countDown(left) {
const near = left < this.#limit * (1 - COUNT_FROM);
this.count.textContent = near ? this.#ui.t("left", { n: left }) : "";
if (near && this.count.hidden) this.#ui.announce(this.count.textContent);
this.count.hidden = !near;
}
#typing(on) {
const due = Date.now() - this.#typedAt >= TYPING_EVERY_MS;
if (on ? !due : !this.#typedAt) return;
this.#typedAt = on ? Date.now() : 0;
this.#ui.typing(on);
}
}
const GROUP_MS = 5 * 60_000; // messages of one sender within this time share a name
const NEAR_PX = 60;
const MARKS = ["sending", "failed", "sent", "delivered", "read"];
class Log {
#ui;
#entries = []; // in the order of the screen; those without seq come last
#list = h("div", { class: "list-inner" });
#typing;
#typingTimer = 0;
#part = 0; // a new conversation after an ended one counts its seq from 1 again
#stick = true;
#fresh;
constructor(ui) {
this.#ui = ui;
const { t } = ui;
this.#typing = h("div", { class: "typing", hidden: true, "data-testid": "typing" }, h("i"), h("i"), h("i"));
this.intro = h("div", { class: "intro" });
this.outro = h("div", { class: "outro" });
this.inner = h("div", { class: "inner" }, this.intro, this.#list, this.#typing, this.outro);
this.node = h(
"div",
{
class: "log",
role: "log",
"aria-live": "off",
"aria-label": t("log"),
tabindex: 0,
"data-testid": "log",
onkeydown: (event) => this.#move(event),
onscroll: () => this.#scrolled(),
},
this.inner,
);
this.#fresh = h(
"button",
{ type: "button", class: "fresh", hidden: true, onclick: () => this.toEnd() },
icon("down"),
t("fresh"),
);
this.element = h("div", { class: "log-frame" }, this.node, this.#fresh);
const keepEnd = new ResizeObserver(() => this.#stick && (this.node.scrollTop = this.node.scrollHeight));
for (const node of [this.inner, this.node]) keepEnd.observe(node);
}
get atEnd() {
return this.#stick;
}
get messages() {
return this.#entries.map((entry) => entry.message);
}
get current() {
return this.messages.filter(({ seq, part }) => seq && part === this.#part);
}
begin() {
this.#part += 1;
}
put(shown) {
if (shown.role !== "visitor") this.typing(false);
const known = this.#find(shown);
const message = { ...shown, part: shown.seq ? (known?.message.seq ? known.message.part : this.#part) : Infinity };
const mark = further(known?.mark, message.mark);
if (known) this.#take(known);
const entry = { message, mark, node: this.#draw(message) };
let at = this.#entries.length;
while (at > 0 && standsAfter(this.#entries[at - 1].message, message)) at -= 1;
this.#list.insertBefore(entry.node, this.#entries[at]?.node ?? null);
this.#entries.splice(at, 0, entry);
this.#dress(at);
this.#dress(at + 1);
this.#showMarks();
if (message.mark === "sending" && !known) this.toEnd();
else if (!this.#stick && !known && message.live) this.#fresh.hidden = false;
}
still(change) {
const below = this.node.scrollHeight - this.node.scrollTop;
change();
if (!this.#stick) this.node.scrollTop = this.node.scrollHeight - below;
}
byId(id) {
return this.#entries.find((entry) => entry.message.id === id)?.message;
}
mark(state, test) {
for (const entry of this.#entries) {
const { role, part } = entry.message;
if (role === "visitor" && part >= this.#part && test(entry.message)) entry.mark = further(entry.mark, state);
}
this.#showMarks();
}
drop(cid) {
const entry = this.#entries.find(({ message }) => message.cid === cid);
if (entry) this.#take(entry);
}
clear() {
this.#entries = [];
this.#list.replaceChildren();
this.typing(false);
}
typing(on, name = "", ttl = 5) {
clearTimeout(this.#typingTimer);
if (on && this.#typing.hidden) this.#ui.announce(this.#ui.t("typing", { name }));
this.#typing.hidden = !on;
if (on) this.#typingTimer = setTimeout(() => this.typing(false), ttl * 1000);
}
toEnd() {
this.#stick = true;
this.#fresh.hidden = true;
this.node.scrollTop = this.node.scrollHeight;
}
#find({ id, cid }) {
return this.#entries.find(({ message }) => (id && message.id === id) || (cid && message.cid === cid));
}
#take(entry) {
const at = this.#entries.indexOf(entry);
this.#entries.splice(at, 1);
entry.node.remove();
this.#dress(at);
}
#draw(message) {
const { language, t } = this.#ui;
const { role, ts, lang } = message;
const name = this.nameOf(message);
const { bubble, extra } = contentNodes(message, this.#ui);
const time = h("time", { datetime: ts.toISOString() }, language.time(ts));
const foot = h(
"div",
{ class: "foot" },
time,
message.edited && h("span", {}, t("edited")),
h("span", { class: "mark" }),
);
const body = h(
"div",
{ class: "body" },
role !== "visitor" && h("div", { class: "name" }, name),
bubble.length > 0 &&
h("div", { class: "bubble", dir: "auto", lang: lang && !language.locale.startsWith(lang) && lang }, bubble),
extra,
foot,
);
const label = `${name}, ${language.time(ts)}`;
const item = h(
"div",
{ class: `item ${role}`, role: "article", "aria-label": label, tabindex: -1, "data-testid": "message" },
role !== "visitor" && this.#face(message, name),
body,
message.id && !message.deleted && role !== "system" && this.#quoteButton(message),
);
return h("div", { class: "entry" }, item);
}
#quoteButton(message) {
const { t, quote } = this.#ui;
const attributes = { type: "button", class: "quote", tabindex: -1, "aria-label": t("quote") };
return h("button", { ...attributes, "data-testid": "quote", onclick: () => quote(message) }, icon("reply"));
}
nameOf({ role, name }) {
if (role === "visitor") return this.#ui.t("you");
if (role === "system") return this.#ui.t("log");
return name || (role === "bot" ? this.#ui.botName : this.#ui.t("agent"));
}
#face({ role, picture }, name) {
const initial = role === "bot" ? icon("bot") : [...name][0];
const src = picture && safeUrl(picture);
const onerror = ({ target }) => target.replaceWith(initial);
const shown = src ? h("img", { src, alt: "", referrerpolicy: "no-referrer", onerror }) : initial;
return h("span", { class: "face", "aria-hidden": "true" }, shown);
}
#dress(at) {
const entry = this.#entries[at];
if (!entry) return;
const before = this.#entries[at - 1]?.message;
const { message, node } = entry;
const newDay = before?.ts.toDateString() !== message.ts.toDateString();
const joined =
!newDay && before.role === message.role && before.name === message.name && message.ts - before.ts < GROUP_MS;
node.firstElementChild.classList.contains("day") && node.firstElementChild.remove();
if (newDay) node.prepend(h("div", { class: "day" }, h("span", {}, this.#ui.language.day(message.ts))));
node.classList.toggle("joined", joined);
}
#showMarks() {
const own = this.#entries.filter(({ message }) => message.role === "visitor");
own.forEach((entry, index) => {
const { mark, node, message } = entry;
const text = node.querySelector(".mark");
const shown = mark && (index === own.length - 1 || mark === "sending" || mark === "failed") ? mark : "";
if (text.dataset.state === shown) return;
text.dataset.state = shown;
const retry =
shown === "failed" &&
h(
"button",
{ type: "button", class: "retry", "data-testid": "retry", onclick: () => this.#ui.retry(message.cid) },
this.#ui.t("retry"),
);
text.replaceChildren(...[shown && this.#ui.t(shown), retry].filter(Boolean));
});
}
#scrolled() {
const { scrollTop, scrollHeight, clientHeight } = this.node;
this.#stick = scrollHeight - scrollTop - clientHeight < NEAR_PX;
if (this.#stick) {
this.#fresh.hidden = true;
this.#ui.onSeen();
}
if (scrollTop < NEAR_PX) this.#ui.onTop();
}
#move(event) {
if (event.target !== this.node && !event.target.classList.contains("item")) return;
const items = [...this.#list.querySelectorAll(".item[tabindex]")];
const at = items.indexOf(event.target);
const steps = {
ArrowUp: at < 0 ? items.length - 1 : at - 1,
ArrowDown: at < 0 ? items.length - 1 : at + 1,
Home: 0,
End: items.length - 1,
};
const item = event.key === "Enter" ? items[at] : items[Math.max(0, steps[event.key] ?? NaN)];
if (!item) return;
event.preventDefault();
const answer = item.querySelector(".quote");
if (event.key === "Enter") return answer?.click();
this.#list.querySelector('.quote[tabindex="0"]')?.setAttribute("tabindex", -1);
answer?.setAttribute("tabindex", 0);
item.focus();
}
}
function further(one, other) {
return other && !(MARKS.indexOf(one) > Math.max(1, MARKS.indexOf(other))) ? other : one;
}
function standsAfter(one, other) {
return one.part === other.part ? one.seq > other.seq : one.part > other.part;
}
const PHONE = "(max-width: 480px), (max-height: 480px)";
class Panel {
isOpen = false;
#actions;
#ui;
#phone = matchMedia(PHONE);
#preChat = null;
constructor({ host, sheets, config, ui, actions }) {
this.#actions = actions;
const quote = (message) => this.composer.quote(message, this.log.nameOf(message));
this.#ui = { ...ui, ...actions, quote, announce: (text) => this.announce(text) };
const { t } = ui;
const shadow = host.attachShadow({ mode: "open" });
shadow.adoptedStyleSheets = sheets;
this.log = new Log(this.#ui);
this.composer = new Composer(this.#ui);
this.badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true", "data-testid": "badge" });
this.words = config.launcher_text && h("span", { class: "launcher-text" }, config.launcher_text);
this.launcher = h(
"button",
{
type: "button",
class: "launcher",
"aria-expanded": "false",
"aria-controls": "desk-panel",
"data-testid": "launcher",
onclick: actions.toggle,
},
icon("chat"),
icon("down"),
this.words,
this.badge,
);
this.notice = h("div", { class: "notice", role: "alert", "data-testid": "notice" });
this.chips = h("div", { class: "chips", role: "group", "aria-label": t("choices"), hidden: true });
this.live = h("div", { class: "unseen", role: "status", "aria-live": "polite", "data-testid": "live" });
this.main = h("div", { class: "main" }, this.log.element, this.chips, this.composer.element);
this.composer.dropOn(this.main);
this.window = h(
"section",
{
id: "desk-panel",
class: "window",
role: "dialog",
"aria-labelledby": "desk-title",
hidden: true,
"data-testid": "panel",
},
this.#header(config),
this.notice,
this.main,
);
this.root = h(
"div",
{
class: "root",
dir: ui.language.direction,
lang: ui.language.locale,
"data-side": config.position === "left" ? "left" : "right",
onkeydown: (event) => this.#key(event),
},
this.window,
this.launcher,
this.live,
);
shadow.append(this.root);
this.#introduce(config);
this.unread(0);
this.#phone.addEventListener("change", () => this.#adapt());
visualViewport?.addEventListener("resize", () => this.#fit());
}
open() {
this.isOpen = true;
this.window.hidden = false;
this.launcher.setAttribute("aria-expanded", "true");
this.#adapt();
this.#name();
this.log.toEnd();
this.focus();
}
close() {
this.isOpen = false;
this.#menu(false);
this.window.hidden = true;
this.launcher.setAttribute("aria-expanded", "false");
this.#adapt();
this.#name();
this.launcher.focus();
}
focus() {
(this.#preChat?.querySelector("input, select, textarea") ?? this.composer.input).focus();
}
announce(text) {
const line = h("p", {}, text);
this.live.append(line);
setTimeout(() => line.remove(), 8000);
}
unread(count) {
this.count = count;
this.badge.hidden = count === 0;
this.badge.textContent = count > 99 ? "99+" : String(count);
this.#name();
}
status(text, state) {
this.state.textContent = text;
this.state.dataset.state = state;
}
tell(text, label, act) {
this.notice.replaceChildren(
...(text ? [h("span", {}, text)] : []),
...(label ? [h("button", { type: "button", onclick: act }, label)] : []),
);
}
offer(choices) {
const held = this.chips.contains(this.chips.getRootNode().activeElement);
const chip = ({ title, value, message }) =>
h(
"button",
{
type: "button",
class: "chip",
"data-testid": "chip",
onclick: () => this.#actions.choose(title, value, message),
},
title,
);
this.chips.replaceChildren(...choices.map(chip));
this.chips.hidden = choices.length === 0;
if (held) this.composer.input.focus();
}
ask(form) {
this.#preChat?.remove();
this.#preChat = form;
this.main.hidden = Boolean(form);
if (form) this.window.append(form);
if (this.isOpen) this.focus();
}
#header(config) {
const { t } = this.#ui;
this.state = h("p", { class: "status", "data-testid": "status" });
this.menuButton = h(
"button",
{
type: "button",
class: "tool",
"aria-label": t("menu"),
"aria-expanded": "false",
"aria-controls": "desk-menu",
"data-testid": "menu",
onclick: () => this.#menu(this.menu.hidden),
},
icon("more"),
);
const entry = (key, act) => {
const run = () => {
this.#menu(false);
act();
};
return h("li", {}, h("button", { type: "button", "data-testid": key, onclick: run }, t(key)));
};
const privacy =
config.privacy_url && h("li", {}, link(config.privacy_url, { base: this.#ui.origin }, t("privacy")));
this.menu = h(
"ul",
{ id: "desk-menu", class: "menu", hidden: true },
entry("human", this.#actions.human),
entry("download", this.#actions.download),
privacy,
);
return h(
"header",
{},
h("span", { class: "face", "aria-hidden": "true" }, icon("bot")),
h(
"div",
{ class: "titles" },
h("h2", { id: "desk-title" }, config.title || t("title")),
config.subtitle && h("p", { class: "subtitle" }, config.subtitle),
this.state,
),
this.menuButton,
h(
"button",
{
type: "button",
class: "tool",
"aria-label": t("close"),
"data-testid": "close",
onclick: this.#actions.close,
},
icon("close"),
),
this.menu,
);
}
#introduce(config) {
const { t, origin, botName } = this.#ui;
const privacy = config.privacy_url && link(config.privacy_url, { base: origin }, t("privacy"));
const greeting = h(
"div",
{ class: "item bot" },
h("span", { class: "face", "aria-hidden": "true" }, icon("bot")),
h(
"div",
{ class: "body" },
h("div", { class: "name" }, botName),
h("div", { class: "bubble", dir: "auto" }, h("p", {}, config.greeting)),
),
);
this.log.intro.append(
h("p", { class: "disclosure" }, t("disclosure"), " ", privacy || ""),
...(config.greeting ? [greeting] : []),
);
}
#name() {
const { t } = this.#ui;
const unread = this.count && !this.isOpen ? `, ${t("unread", { n: this.count })}` : "";
const visible = this.words && !this.isOpen ? `${this.words.textContent} – ` : "";
this.launcher.setAttribute("aria-label", visible + t(this.isOpen ? "close" : "open") + unread);
}
#menu(show) {
this.menu.hidden = !show;
this.menuButton.setAttribute("aria-expanded", String(show));
if (show) this.menu.querySelector("button").focus();
}
#adapt() {
const modal = this.isOpen && this.#phone.matches;
this.window.setAttribute("aria-modal", String(modal));
document.documentElement.style.overflow = modal ? "hidden" : "";
this.#fit();
}
#fit() {
const height = this.isOpen && this.#phone.matches && visualViewport ? `${visualViewport.height}px` : "";
this.window.style.height = height;
}
#key(event) {
if (event.key === "Escape" && this.isOpen && !event.isComposing) {
event.stopPropagation();
if (!this.menu.hidden) {
this.#menu(false);
this.menuButton.focus();
} else if (this.composer.unquote()) this.composer.input.focus();
else this.#actions.close();
} else if (event.key === "Tab" && this.isOpen && this.#phone.matches) this.#trap(event);
}
#trap(event) {
const stops = [
...this.window.querySelectorAll('button, a[href], input, select, textarea, [tabindex="0"], audio, video'),
].filter((node) => node.offsetParent !== null || node.getClientRects().length > 0);
const edge = event.shiftKey ? stops[0] : stops.at(-1);
if (event.target !== edge) return;
event.preventDefault();
(event.shiftKey ? stops.at(-1) : stops[0]).focus();
}
}
const BUSY_MS = 2000;
const IDLE_MS = 15_000;
class Polling {
#task;
#timer = 0;
#wait = BUSY_MS;
running = false;
constructor(task) {
this.#task = task;
}
start() {
if (this.running) return;
this.running = true;
this.soon();
}
stop() {
this.running = false;
clearTimeout(this.#timer);
}
soon() {
this.#wait = BUSY_MS;
clearTimeout(this.#timer);
if (this.running) this.#timer = setTimeout(() => this.#round(), BUSY_MS / 2);
}
async #round() {
const news = await this.#task().catch(() => false);
this.#wait = news ? BUSY_MS : Math.min(this.#wait * 1.5, IDLE_MS);
clearTimeout(this.#timer);
if (this.running) this.#timer = setTimeout(() => this.#round(), document.hidden ? IDLE_MS * 2 : this.#wait);
}
}
const TELL_AFTER_MS = 1000;
const isAnswer = ({ role }) => role === "bot" || role === "agent";
class Reading {
unread = 0;
#storage;
#peer;
#timer = 0;
constructor(storage, peer) {
this.#storage = storage;
this.#peer = peer;
storage.watch("read", () => this.count());
}
get mark() {
return this.#storage.get("read") ?? 0;
}
set mark(seq) {
this.#storage.set("read", Math.max(seq, this.mark));
this.count();
}
forget() {
clearTimeout(this.#timer); // the mark was of the conversation before
this.#storage.remove("read");
}
count() {
const { mark } = this;
this.unread = this.#peer.messages().filter((message) => isAnswer(message) && message.seq > mark).length;
this.#peer.onUnread(this.unread);
}
look() {
const last = this.#peer.messages().findLast(isAnswer);
if (!last || last.seq <= this.mark || !this.#peer.inView()) return;
this.mark = last.seq;
this.tell();
}
tell() {
clearTimeout(this.#timer);
this.#timer = setTimeout(() => this.mark && this.#peer.tell(this.mark), TELL_AFTER_MS);
}
}
class Session {
#api;
#storage;
#options;
#data = {};
#hurry = () => {};
constructor({ api, storage, options }) {
this.#api = api;
this.#storage = storage;
this.#options = options;
}
get config() {
return this.#data.config ?? {};
}
get conversation() {
return this.#data.conversation ?? null;
}
set conversation(id) {
this.#data.conversation = id;
}
get begun() {
return Boolean(this.#data.socket_url);
}
get agent() {
return this.#data.agent;
}
get lastSeq() {
return this.#data.last_seq ?? 0;
}
get token() {
return this.#api.token;
}
set token(token) {
this.#api.token = token;
this.#storage.set("token", token);
}
get socketUrl() {
const url = new URL(this.#data.socket_url, this.#options.origin);
url.protocol = url.protocol.replace("http", "ws");
return url.href;
}
async open(extra = {}, onWait = () => {}) {
for (let attempt = 0; ; attempt++) {
try {
this.#data = await this.#api.session(this.#request(extra));
this.token = this.#data.visitor_token;
return;
} catch (error) {
if (error.status === 401 && this.#storage.get("token")) this.#storage.remove("token");
else if (!error.passing || Object.keys(extra).length) throw error;
else {
onWait(error);
await this.#pause(Math.max(error.retryAfter, Math.random() * Math.min(60, 2 ** attempt)));
}
}
}
}
hurry() {
this.#hurry();
}
#pause(seconds) {
return new Promise((done) => {
this.#hurry = done;
setTimeout(done, seconds * 1000);
});
}
#request(extra) {
return { visitor_token: this.#storage.get("token"), ...extra };
}
}
class Standing {
#panel;
#t;
#language;
#isOnline;
#agent;
#offline = false;
constructor({ panel, language, agent, isOnline }) {
this.#panel = panel;
this.#agent = { ...agent };
this.#language = language;
this.#t = language.t;
this.#isOnline = isOnline;
this.show();
}
show(news = {}) {
const { mode, name, hours } = Object.assign(this.#agent, news);
const words = {
bot: () => this.#t("online"),
human: () => this.#t("person", { name: name || this.#t("agent") }),
queue: () => this.#waiting(hours ?? {}),
};
if (!navigator.onLine || !mode) this.#panel.status("", "halted");
else if (this.#isOnline()) this.#panel.status(words[mode](), "online");
else this.#panel.status(this.#t("connecting"), "connecting");
if (this.#offline === !navigator.onLine) return;
this.#offline = !navigator.onLine;
this.#panel.tell(this.#offline ? this.#t("offline") : "");
}
#waiting({ opens_at: opens, expected_reply_minutes: minutes }) {
const opening = new Date(opens ?? 0);
if (opening > Date.now()) {
return this.#t("later", { time: `${this.#language.day(opening)}, ${this.#language.time(opening)}` });
}
const unit = { style: "unit", unit: "minute", unitDisplay: "long" };
return minutes ? this.#t("soon", { time: this.#language.number(minutes, unit) }) : this.#t("queue");
}
turn(state, name, hours) {
const mode = { queued: "queue", assigned: "human", bot: "bot", closed: "bot" }[state];
this.show(mode ? { mode, name, hours } : {});
}
halt(reason, again) {
const ways = {
stopped: ["stopped", "retry", again],
forbidden: ["stopped"],
};
const [text, label, act] = ways[reason];
this.#panel.tell(this.#t(text), label && this.#t(label), act);
this.#panel.status("", "halted");
}
}
class Storage {
#prefix;
#memory = new Map();
constructor(channel) {
this.#prefix = `desk-chat:${channel}:`;
}
get(name) {
try {
return JSON.parse(localStorage.getItem(this.#prefix + name));
} catch {
return this.#memory.get(name) ?? null;
}
}
set(name, value) {
this.#memory.set(name, value);
try {
localStorage.setItem(this.#prefix + name, JSON.stringify(value));
} catch {
}
}
remove(name) {
this.#memory.delete(name);
try {
localStorage.removeItem(this.#prefix + name);
} catch {
}
}
names(start = "") {
const names = new Set(this.#memory.keys());
try {
for (const key of Object.keys(localStorage)) {
if (key.startsWith(this.#prefix)) names.add(key.slice(this.#prefix.length));
}
} catch {
}
return [...names].filter((name) => name.startsWith(start));
}
clear() {
for (const name of this.names()) this.remove(name);
}
watch(name, handler) {
addEventListener("storage", (event) => event.key === this.#prefix + name && handler(this.get(name)));
}
}
const composerCss = ".chips{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:8px;max-height:148px;padding:10px 16px 12px;overflow-y:auto}.chip{min-height:38px;padding:6px 16px;border:1.5px solid var(--accent-text);border-radius:19px;background:var(--surface);color:var(--accent-text);font-weight:600;line-height:1.35;transition:background 0.15s,color 0.15s}.chip:hover{border-color:var(--accent);background:var(--accent);color:var(--ink)}.composer{padding:10px 14px calc(12px + env(safe-area-inset-bottom,0px));border-top:1px solid var(--line)}.field{display:flex;align-items:flex-end;gap:6px;padding:4px;border:1.5px solid var(--edge);border-radius:25px;background:var(--surface)}.field:focus-within{border-color:var(--accent-text);box-shadow:0 0 0 1.5px var(--accent-text)}.field textarea{flex:1;min-width:0;height:38px;max-height:132px;padding:8px 0;border:0;outline:0;background:none;font-size:16px;line-height:22px;resize:none}textarea::placeholder{color:var(--quiet);opacity:1}.send,.attach{display:grid;flex:none;place-items:center;width:38px;height:38px;border:0;border-radius:50%}.attach{background:none;color:var(--quiet)}.attach:hover{background:var(--soft)}.upload,.quoting{display:flex;align-items:center;gap:8px;padding:0 2px 8px;font-size:13px}.quoting blockquote{flex:1;max-height:38px;overflow:hidden;overflow-wrap:anywhere}.upload > :first-child{flex:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.upload progress{width:80px;accent-color:var(--accent)}.send{background:var(--accent);color:var(--ink);transition:transform 0.15s}.send[aria-disabled=\"true\"]{background:var(--soft);color:var(--quiet);cursor:default}.send:not([aria-disabled=\"true\"]):hover{transform:scale(1.06)}.count{padding:4px 16px 0;color:var(--quiet);font-size:12px;text-align:end}.prechat,.rating{display:flex;flex-direction:column;gap:14px}.prechat{flex:1;padding:24px 22px;overflow-y:auto}.prechat h3{font-size:18px}.row{display:flex;flex-direction:column;gap:6px;font-size:14px;font-weight:600}.row.check{flex-direction:row-reverse;justify-content:flex-end;align-items:center;gap:10px}.row.check input{width:22px;height:22px;accent-color:var(--accent)}.row :is(input:not([type=\"checkbox\"]),textarea,select),.rating textarea{width:100%;min-height:44px;padding:9px 14px;border:1.5px solid var(--edge);border-radius:12px;background:var(--surface);font-size:16px;font-weight:400;resize:vertical}.problem{color:var(--danger);font-size:14px}.problem:empty{display:none}.rating{gap:10px;margin:12px 0;padding:16px;border:1px solid var(--line);border-radius:18px;background:var(--surface)}.rating legend{width:100%;font-weight:700;text-align:center}.rating .small{color:var(--quiet);font-size:13px}.stars{position:relative;display:flex;justify-content:center;gap:2px;padding-top:4px}.stars input{position:absolute;opacity:0}.stars label{width:44px;height:44px;color:var(--edge);font-size:32px;line-height:44px;text-align:center;cursor:pointer;border-radius:12px}.stars:has(:checked) label{color:#b45309}:host([data-dark]) .stars:has(:checked) label{color:#fbbf24}.stars input:checked + label ~ label{color:var(--edge) !important}.stars input:focus-visible + label{outline:3px solid var(--accent-text);outline-offset:-2px}.thanks{font-weight:600;text-align:center}.thanks:focus{outline:0}";
const contentCss = ".bubble:has(> .media:first-child),.bubble:has(> .card-row:first-child){padding:4px}.bubble:has(> .media:first-child) > p,.bubble:has(> .card-row:first-child) > p{padding:2px 10px 6px}.media{display:block;overflow:hidden;border-radius:14px}.picture{display:block;width:100%;max-height:260px;object-fit:cover}.video{width:100%;max-height:260px;background:#000}.audio{width:260px;max-width:100%}.card-row{display:flex;align-items:center;gap:12px;min-width:200px;padding:10px 14px 10px 10px;border-radius:14px;color:inherit !important;text-decoration:none}.card-row:hover .filename{text-decoration:underline}.card-row .icon{width:40px;height:40px;padding:9px;border-radius:50%;background:var(--surface);color:var(--accent-text)}.words{display:flex;flex-direction:column;min-width:0}.filename{font-weight:600;overflow-wrap:anywhere}.detail{color:var(--quiet);font-size:13px}.visitor .detail{color:inherit}.detail:empty{display:none}.go{color:var(--accent-text);font-size:13px;font-weight:600}.buttons{display:flex;flex-direction:column;gap:6px;width:100%;margin-top:6px}.button,.primary{display:block;width:100%;min-height:40px;padding:8px 14px;border:1.5px solid var(--line);border-radius:12px;background:var(--surface);color:var(--accent-text);font-weight:600;line-height:1.4;text-align:center;text-decoration:none}.button:hover{border-color:var(--accent-text);background:var(--soft)}.primary{border-color:var(--accent);background:var(--accent);color:var(--ink)}.primary:hover{background:var(--accent-deep)}.primary[aria-busy=\"true\"]{opacity:0.7}.list{width:100%;min-width:220px;margin-top:6px;overflow:hidden;border:1.5px solid var(--line);border-radius:14px}.list h3{padding:8px 14px;background:var(--soft);font-size:13px}.list li + li{border-top:1px solid var(--line)}.list button{display:flex;flex-direction:column;width:100%;min-height:44px;justify-content:center;padding:8px 14px;border:0;background:var(--surface);text-align:start}.list button:hover{background:var(--soft)}.list button:focus-visible{outline-offset:-3px}.body:has(> .carousel){width:100%;max-width:calc(100% - 40px)}.carousel{width:100%;margin-top:6px}.strip{display:flex;gap:10px;padding:3px;overflow-x:auto;scroll-behavior:smooth;scroll-snap-type:x mandatory;scrollbar-width:none}.card{display:flex;flex:0 0 min(230px,86%);flex-direction:column;overflow:hidden;border:1px solid var(--line);border-radius:16px;background:var(--surface);scroll-snap-align:start}.card img{display:block;width:100%;height:124px;background:var(--soft);object-fit:cover}.card .body{display:flex;flex:1;flex-direction:column;padding:12px}.card h3{font-size:15px;line-height:1.35}.card h3 a{color:inherit}.card p{color:var(--quiet);font-size:13.5px}.card .buttons{margin-top:auto;padding-top:10px}.steps{display:flex;justify-content:flex-end;gap:6px;padding-top:6px}.round{display:grid;place-items:center;width:36px;height:36px;border:1.5px solid var(--line);border-radius:50%;background:var(--surface);color:var(--accent-text)}.round:hover{border-color:var(--accent-text)}.round .icon{width:18px;height:18px}[dir=\"rtl\"] .round .icon{transform:scaleX(-1)}";
const headerCss = "header{position:relative;z-index:2;display:flex;align-items:center;gap:4px;padding:16px 12px 16px 18px;background:linear-gradient(135deg,var(--accent),var(--accent-deep));color:var(--ink)}[dir=\"rtl\"] header{padding:16px 18px 16px 12px}header .face{width:44px;height:44px;margin-inline-end:10px;background:var(--ink);color:var(--accent-deep)}header .face .icon{width:26px;height:26px}.titles{flex:1;min-width:0}h2{font-size:17px;font-weight:700;line-height:1.3;overflow-wrap:anywhere}.subtitle{font-size:13px;line-height:1.4;overflow-wrap:anywhere}.status{display:flex;align-items:center;gap:6px;font-size:13px;line-height:1.4}.status::before{flex:none;width:9px;height:9px;border:1.5px solid var(--ink);border-radius:50%;background:#2fbf71;content:\"\"}.status[data-state=\"connecting\"]::before{background:#f0b429;animation:pulse 1.2s infinite}.status[data-state=\"halted\"]{display:none}@keyframes pulse{50%{opacity:0.35}}.tool{display:grid;flex:none;place-items:center;width:44px;height:44px;border:0;border-radius:50%;background:none}.tool:hover,.tool[aria-expanded=\"true\"]{background:rgb(127 127 127 / 28%)}header :focus-visible{outline-color:var(--ink);outline-offset:-3px}.menu{position:absolute;inset:calc(100% - 8px) 12px auto auto;min-width:220px;max-width:calc(100% - 24px);padding:6px;border:1px solid var(--line);border-radius:14px;background:var(--surface);color:var(--text);box-shadow:var(--shadow)}[dir=\"rtl\"] .menu{inset:calc(100% - 8px) auto auto 12px}.menu button,.menu a{display:block;width:100%;min-height:44px;padding:10px 12px;border:0;border-radius:9px;background:none;color:var(--text);text-align:start;text-decoration:none}.menu button:hover,.menu a:hover{background:var(--soft)}.menu :focus-visible{outline-color:var(--accent-text)}.notice{display:flex;align-items:center;justify-content:space-between;gap:12px;background:#fff4d6;color:#4a3500;font-size:14px}.notice:not(:empty){padding:10px 18px}:host([data-dark]) .notice{background:#3d3114;color:#ffe3a3}.notice button{flex:none;min-height:32px;padding:2px 12px;border:1px solid currentcolor;border-radius:16px;background:none;font-weight:600}";
const messagesCss = ".log-frame{position:relative;flex:1;min-height:0}.log{height:100%;padding:16px 16px 8px;overflow-x:hidden;overflow-y:auto;overflow-anchor:none;overscroll-behavior:contain;scrollbar-width:thin}.log:focus-visible{outline-offset:-3px}.inner{display:flex;flex-direction:column;justify-content:flex-end;min-height:100%}.disclosure{margin:0 auto 14px;max-width:320px;color:var(--quiet);font-size:12.5px;line-height:1.45;text-align:center}.disclosure a{color:inherit}.day{display:flex;align-items:center;gap:12px;margin:18px 0 12px;color:var(--quiet);font-size:12px;font-weight:600}.day::before,.day::after{flex:1;height:1px;background:var(--line);content:\"\"}.item{display:flex;gap:8px;margin-top:14px;border-radius:12px}.joined .item{margin-top:4px}.item.visitor{justify-content:flex-end}.item.system{justify-content:center;color:var(--quiet);font-size:13px;text-align:center}.face{display:grid;flex:none;place-items:center;width:32px;height:32px;border-radius:50%;background:var(--soft);color:var(--accent-text);font-weight:700}.face img{width:100%;height:100%;border-radius:50%;object-fit:cover}.face .icon{width:20px;height:20px}.item .face{margin-top:22px}.joined .face{visibility:hidden;height:0;margin:0}.system .face,.system .name,.system .foot,.joined .name{display:none}.item > .body{display:flex;flex-direction:column;align-items:flex-start;min-width:0;max-width:calc(100% - 72px)}.visitor > .body{align-items:flex-end;max-width:84%}.name{padding-inline-start:4px;color:var(--quiet);font-size:12.5px;line-height:22px}.bubble{max-width:100%;padding:9px 14px;overflow:hidden;overflow-wrap:anywhere;border-radius:6px 18px 18px 18px;background:var(--soft)}[dir=\"rtl\"] .bubble{border-radius:18px 6px 18px 18px}.item.visitor .bubble{border-radius:18px 18px 6px 18px;background:var(--accent);color:var(--ink)}[dir=\"rtl\"] .item.visitor .bubble{border-radius:18px 18px 18px 6px}.system .bubble{background:none}.quote{display:grid;flex:none;align-self:center;place-items:center;width:32px;height:32px;margin-inline:-4px;border:0;border-radius:50%;background:none;color:var(--quiet)}.visitor .quote{order:-1}.quote:hover{background:var(--soft)}.quote .icon{width:18px;height:18px}[dir=\"rtl\"] .quote .icon{transform:scaleX(-1)}@media (hover:hover){.item:not(:hover,:focus,:focus-within) .quote{opacity:0}}.foot{display:flex;gap:8px;padding:2px 4px 0;color:var(--quiet);font-size:12px;line-height:18px}.entry:not(:last-child):has(+ .joined) .foot:not(:has([data-state=\"failed\"])){display:none}.mark:empty{display:none}.mark[data-state=\"failed\"]{color:var(--danger);font-weight:600}.retry{min-height:24px;margin-inline-start:6px;padding:0 8px;border:1px solid currentcolor;border-radius:12px;background:none;color:inherit}.bubble > * + *,.bubble li + li{margin-top:6px}.bubble a{color:var(--accent-text);text-underline-offset:2px}.visitor .bubble a{color:inherit}.bubble p{white-space:pre-wrap}.bubble ul,.bubble ol{padding-inline-start:22px}.bubble ul{list-style:disc}blockquote{margin:0;padding-inline-start:10px;border-inline-start:3px solid var(--edge)}.bubble code{padding:1px 5px;border-radius:5px;background:rgb(127 127 127 / 16%);font:0.9em ui-monospace,\"Cascadia Code\",Menlo,Consolas,monospace}.bubble pre{margin:0;overflow-x:auto}.bubble pre code{display:block;padding:8px 10px}.gone{color:var(--quiet);font-style:italic}.visitor .gone{color:inherit}.typing{display:flex;gap:5px;width:max-content;margin:10px 0 4px;margin-inline-start:40px;padding:14px 16px;border-radius:18px;border-start-start-radius:6px;background:var(--soft)}.typing i{width:7px;height:7px;border-radius:50%;background:var(--quiet);animation:hop 1.2s infinite ease-in-out}.typing i:nth-child(2){animation-delay:0.15s}.typing i:nth-child(3){animation-delay:0.3s}@keyframes hop{0%,60%,100%{opacity:0.5}30%{opacity:1;transform:translateY(-4px)}}.fresh{position:absolute;inset:auto 0 10px;display:flex;align-items:center;gap:6px;width:max-content;min-height:36px;margin:0 auto;padding:4px 16px 4px 12px;border:1px solid var(--line);border-radius:18px;background:var(--surface);color:var(--accent-text);font-size:14px;font-weight:600;box-shadow:0 4px 16px rgb(16 24 40 / 18%)}.fresh .icon{width:18px;height:18px}";
const panelCss = ":host{all:initial;--surface:#fff;--soft:#eef1f6;--line:#d9dee7;--edge:#7a8599;--text:#171b24;--quiet:#566074;--danger:#b3261e;--shadow:0 1px 2px rgb(16 24 40 / 8%),0 18px 48px rgb(16 24 40 / 22%);color-scheme:light}:host([data-dark]){--surface:#181c24;--soft:#2a303c;--line:#363d4b;--edge:#8390a6;--text:#f0f2f6;--quiet:#aab4c5;--danger:#ff9d94;--shadow:0 1px 2px rgb(0 0 0 / 40%),0 18px 48px rgb(0 0 0 / 55%);color-scheme:dark}*,::before,::after{box-sizing:border-box}[hidden]{display:none !important}.root{position:fixed;z-index:2147483000;inset-block-end:20px;right:20px;font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Noto Sans Arabic\",sans-serif;color:var(--text);text-align:start;-webkit-text-size-adjust:100%}.root[data-side=\"left\"]{right:auto;left:20px}.unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}button,input,textarea,select{font:inherit;color:inherit;letter-spacing:inherit}button{cursor:pointer}h2,h3,p,ul,ol,fieldset,legend{margin:0;padding:0;border:0}ul{list-style:none}:focus-visible{outline:3px solid var(--accent-text);outline-offset:2px}.icon{display:block;flex:none;width:22px;height:22px;fill:none;stroke:currentcolor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}.icon-more{stroke-width:3}.launcher{position:relative;display:flex;align-items:center;gap:10px;min-width:60px;height:60px;margin-inline-start:auto;padding:0 18px;border:0;border-radius:30px;background:linear-gradient(135deg,var(--accent),var(--accent-deep));color:var(--ink);box-shadow:0 2px 6px rgb(16 24 40 / 18%),0 8px 24px rgb(16 24 40 / 24%);transition:transform 0.18s ease,box-shadow 0.18s ease}.root[data-side=\"left\"] .launcher{margin-inline:0 auto}.launcher:hover{transform:translateY(-2px);box-shadow:0 4px 8px rgb(16 24 40 / 18%),0 14px 32px rgb(16 24 40 / 28%)}.launcher:active{transform:scale(0.96)}.launcher:focus-visible{outline:3px solid var(--surface);box-shadow:0 0 0 6px var(--accent-text)}.launcher .icon{width:24px;height:24px}.launcher .icon-chat{fill:currentcolor}.launcher[aria-expanded=\"true\"] .icon-chat,.launcher[aria-expanded=\"false\"] .icon-down{display:none}.launcher[aria-expanded=\"true\"] .launcher-text{display:none}.launcher-text{font-weight:600;white-space:nowrap}.badge{position:absolute;inset:-4px -4px auto auto;min-width:24px;height:24px;padding:0 6px;border:2px solid var(--surface);border-radius:12px;background:#c81e1e;color:#fff;font-size:12px;font-weight:700;line-height:20px;text-align:center}.window{position:absolute;inset:auto 0 76px auto;display:flex;flex-direction:column;width:min(400px,calc(100vw - 32px));height:min(660px,calc(100vh - 120px));overflow:clip;border:1px solid var(--line);border-radius:20px;background:var(--surface);box-shadow:var(--shadow);animation:rise 0.22s cubic-bezier(0.2,0.9,0.3,1)}.root[data-side=\"left\"] .window{inset:auto auto 76px 0}@keyframes rise{from{opacity:0;transform:translateY(14px) scale(0.985)}}.main{display:flex;flex:1;flex-direction:column;min-height:0}@media (max-width:480px),(max-height:480px){.root,.root[data-side=\"left\"]{inset-block-end:16px}.root{right:16px}.root[data-side=\"left\"]{left:16px}.root .window{position:fixed;inset:0;width:100%;height:100dvh;border:0;border-radius:0}header{padding-block-start:calc(12px + env(safe-area-inset-top,0px));padding-block-end:12px}.launcher[aria-expanded=\"true\"]{display:none}.launcher-text{display:none}}@media (prefers-reduced-motion:reduce){*,::before,::after{animation:none !important;transition:none !important;scroll-behavior:auto !important}}@media (forced-colors:active){.launcher,.window,.send,.chip,.bubble,.face,.badge{border:1px solid CanvasText}.status::before{forced-color-adjust:none}.typing i{background:CanvasText !important}}@media print{.root{display:none}}";
const DEFAULT = "#3451d1";
const READABLE = 4.5;
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
const SURFACES = { light: [238, 241, 246], dark: [42, 48, 60] }; // the bubble colours (--soft) in panel.css
function styleSheets(color) {
return [panelCss, headerCss, composerCss, messagesCss, contentCss, themeRules(color)].map((rules) => {
const sheet = new CSSStyleSheet();
sheet.replaceSync(rules);
return sheet;
});
}
function themeRules(color) {
const accent = parse(color) ?? parse(DEFAULT);
const ink = contrast(accent, WHITE) >= READABLE ? WHITE : BLACK;
const deep = mix(accent, ink === WHITE ? BLACK : WHITE, 0.18);
const text = (surface, towards) => css(readable(accent, surface, towards));
const rules = [
`:host{--accent:${css(accent)};--accent-deep:${css(deep)};--ink:${css(ink)}}`,
`:host{--accent-text:${text(SURFACES.light, BLACK)}}`,
`:host([data-dark]){--accent-text:${text(SURFACES.dark, WHITE)}}`,
];
return rules.join("");
}
function followDark(host, wish) {
const system = matchMedia("(prefers-color-scheme: dark)");
const apply = () => host.toggleAttribute("data-dark", wish === "dark" || (wish !== "light" && system.matches));
system.addEventListener("change", apply);
apply();
}
function parse(color) {
const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color ?? "")?.[1];
if (!hex) return null;
const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit) : hex.match(/../g);
return digits.map((pair) => parseInt(pair, 16));
}
function readable(color, surface, towards) {
let share = 0;
while (contrast(mix(color, towards, share), surface) < READABLE && share < 1) share += 0.05;
return mix(color, towards, Math.min(1, share));
}
const css = (color) => `rgb(${color.join(" ")})`;
const mix = (from, to, share) => from.map((value, index) => Math.round(value + (to[index] - value) * share));
function contrast(one, other) {
const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
return (light + 0.05) / (dark + 0.05);
}
function luminance(color) {
const [red, green, blue] = color.map((value) => {
const share = value / 255;
return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});
return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
async function start(options) {
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
logout() {
this.#outbox.clear();
this.#storage.clear();
return this.identify(null);
}
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
const METHODS = ["open", "close", "toggle", "send", "identify", "logout", "on"];
function embed(script, early) {
if (!script?.dataset.channel) return console.warn("DeskChat: the script tag needs data-channel");
if (early && !Array.isArray(early)) return;
const parsed = document.body || new Promise((done) => addEventListener("DOMContentLoaded", done, { once: true }));
const started = Promise.resolve(parsed).then(() => start({ ...script.dataset, origin: new URL(script.src).origin }));
started.catch((error) => console.warn(`DeskChat: ${error.message}`));
const DeskChat = {};
for (const name of METHODS) DeskChat[name] = (...args) => started.then((chat) => chat[name](...args));
DeskChat.push = ([name, ...args]) => DeskChat[name]?.(...args);
Object.defineProperty(window, "DeskChat", { value: Object.freeze(DeskChat), configurable: true });
for (const call of early ?? []) DeskChat.push(call);
}
embed(document.currentScript, window.DeskChat);
})();
