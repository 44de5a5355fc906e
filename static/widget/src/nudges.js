/**
 * Words that invite a visitor to talk, beside the launcher: after a time on the page, on certain addresses, or when the
 * visitor is about to leave. Each is shown once a day, all together as often as the channel allows, and none to a visitor
 * who talks already or has closed one.
 */

const DAY_MS = 86_400_000;

export class Nudges {
  #triggers;
  #most;
  #storage;
  #isFree;
  #show;
  #address = "";
  #since = 0;

  /** `config`: the channel's `triggers` and how many a day; `isFree()`: the visitor may be addressed; `show(text)`. */
  constructor({ config, storage, signal, isFree, show }) {
    this.#triggers = config.triggers;
    this.#most = config.triggers_a_day;
    this.#storage = storage;
    this.#isFree = isFree;
    this.#show = show;
    const leaves = ({ clientY }) => clientY <= 0 && this.#offer(true);
    document.documentElement.addEventListener("mouseleave", leaves, { signal });
  }

  /** The visitor wants none: not today. */
  rest() {
    this.#storage.set("nudged", [...this.#shown, ...Array(this.#most).fill({ at: Date.now() })]);
  }

  get #shown() {
    return (this.#storage.get("nudged") ?? []).filter(({ at }) => Date.now() - at < DAY_MS);
  }

  /** To be called every second: pages that never load anew change their address only. */
  tick() {
    if (this.#address !== location.href) {
      this.#address = location.href;
      this.#since = Date.now();
    }
    if (!document.hidden) this.#offer(false);
  }

  #offer(exit) {
    const shown = this.#shown;
    if (shown.length >= this.#most || !this.#isFree()) return;
    const stayed = Date.now() - this.#since;
    const found = this.#triggers.find(
      ({ text, after_s: after, path, on_exit: onExit }) =>
        onExit === exit && stayed >= after * 1000 && covers(path) && !shown.some((past) => past.text === text),
    );
    if (!found) return;
    this.#storage.set("nudged", [...shown, { at: Date.now(), text: found.text }]);
    this.#show(found.text);
  }
}

/** `path` as the channel says it: "" is every page, "*" any number of characters. */
function covers(path) {
  const escaped = path.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return !path || new RegExp(`^${escaped.join(".*")}$`).test(location.pathname);
}
