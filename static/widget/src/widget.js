/**
 * The loader of desk chat, for any page by one script tag, in whatever way the page loads it (async, deferred, late, as
 * a module):
 *
 *   <script async src="https://chat.example.com/static/widget/widget.js" data-channel="web_…"></script>
 *
 * Optional attributes: data-locale="de", data-theme="light|dark|auto", data-position="left|right", data-color="#3451d1",
 * data-launcher="Help" (words beside the icon) or data-launcher="none" (the page opens the chat itself).
 * It makes one global, `DeskChat`, whose methods may be called at any time and return promises:
 * open(), close(), toggle(), send(text), identify({user_id, ts, sig, name} or {jwt}), logout(), destroy() and
 * on(event, handler) with the events open, close, message, unread and identity.
 * Before the script has loaded a page may write: (window.DeskChat ||= []).push(["open"]).
 */

const METHODS = ["open", "close", "toggle", "send", "identify", "logout", "on"];
const TRIES = 5;

/** The tag that loaded us; a module has to look for its own. */
const ownTag = () => document.currentScript ?? document.querySelector('script[data-channel][src*="/widget/widget.js"]');

/** Makes `DeskChat` for the script tag; a second tag on the same page changes nothing. */
function embed(script, early) {
  if (!script?.dataset.channel) return console.warn("DeskChat: the script tag needs data-channel");
  if (early && !Array.isArray(early)) return;
  const ended = early?.findLastIndex(([name]) => name === "destroy") ?? -1;
  if (ended >= 0) return void (window.DeskChat = early.slice(ended + 1)); // what follows is for the next tag
  const { origin } = new URL(script.src);
  const life = new AbortController();
  const parsed = document.body || new Promise((done) => addEventListener("DOMContentLoaded", done, { once: true }));
  const started = Promise.all([load(new URL(`dist/${BUNDLE}`, script.src).href, life.signal), parsed]).then(([bundle]) =>
    bundle.start({ ...script.dataset, origin }, life.signal),
  );
  started.catch((error) => life.signal.aborted || console.warn(`DeskChat: ${error.message}`));

  const DeskChat = {};
  for (const name of METHODS) {
    DeskChat[name] = async (...args) => {
      const chat = await started;
      return life.signal.aborted ? undefined : chat[name](...args);
    };
  }
  /** Takes everything away: element, connection, listeners and the global. What the browser keeps stays. */
  DeskChat.destroy = async () => {
    life.abort();
    if (window.DeskChat === DeskChat) delete window.DeskChat;
  };
  DeskChat.push = ([name, ...args]) => DeskChat[name]?.(...args);
  Object.defineProperty(window, "DeskChat", { value: Object.freeze(DeskChat), configurable: true });
  for (const call of early ?? []) DeskChat.push(call);
}

/** The widget itself; a line that breaks is tried again, under an address that no cache remembers as broken. */
async function load(address, signal) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await import(attempt ? `${address}?${attempt}` : address);
    } catch (error) {
      if (attempt === TRIES || signal.aborted) throw error;
      await new Promise((done) => setTimeout(done, (1 + Math.random()) * 500 * 2 ** attempt));
    }
  }
}

embed(ownTag(), window.DeskChat);
