/** A message as the widget holds it, made from the protocol's `msg` and `send` frames. */

import { contentText } from "./content.js";

/** What a `state` frame says, in the visitor's language rather than the server's. */
const STATES = { queued: "queued", assigned: "person", bot: "disclosure", closed: "closed" };

/** Any transcript frame as a message; null for one that shows nothing. */
export function entryOf(frame, t) {
  if ((frame.t ?? "msg") === "msg") return toMessage(frame);
  const words = STATES[frame.state];
  if (frame.t !== "state" || !words) return null;
  const content = { type: "text", text: t(words, { name: frame.agent?.name ?? t("agent") }) };
  return { ...toMessage({ ...frame, content }), role: "system" };
}

export function toMessage(frame) {
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

/** The canonical content of a `msg`, `edit` or `send` frame; what the visitor writes has none yet. */
export function contentOf({ content, text, quoted: quote }) {
  return { quote, ...(content ?? { type: "text", text, format: "plain" }) };
}

/** Hands the visitor the conversation as a text file. */
export function saveTranscript(messages, { nameOf, language }) {
  const line = (message) =>
    `[${message.ts.toLocaleString(language.locale)}] ${nameOf(message)}: ${contentText(message, language.t, true)}`;
  const href = URL.createObjectURL(new Blob([messages.map(line).join("\n")], { type: "text/plain;charset=utf-8" }));
  const anchor = document.createElement("a");
  Object.assign(anchor, { href, download: `chat-${new Date().toISOString().slice(0, 10)}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
