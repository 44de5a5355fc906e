/**
 * Desk chat, for any page by one script tag:
 *
 *   <script async src="https://chat.example.com/static/widget/widget.js" data-channel="web_…"></script>
 *
 * Optional attributes: data-locale="de", data-theme="light|dark|auto", data-position="left|right".
 * It makes one global, `DeskChat`, whose methods may be called at any time and return promises:
 * open(), close(), toggle(), send(text), identify({user_id, ts, sig, name} or {jwt}), logout(), on(event, handler)
 * with the events open, close, message and unread.
 * Before the script has loaded a page may write: (window.DeskChat ||= []).push(["open"]).
 */

import { start } from "./chat.js";

const METHODS = ["open", "close", "toggle", "send", "identify", "logout", "on"];

/** Makes `DeskChat` for the script tag; a second tag on the same page changes nothing. */
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
