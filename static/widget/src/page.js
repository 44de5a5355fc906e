/** The widget's element on pages that change beneath it. */

/**
 * Keeps `host()` in the page, also when the page lays its body anew, as single-page apps do. Returns a function that
 * puts a new host there at once.
 */
export function stay(host, signal) {
  const watcher = new MutationObserver(put);
  let body;
  function put() {
    if (!document.body || signal.aborted) return;
    if (host() && !host().isConnected) document.body.append(host());
    if (body === document.body) return;
    body = document.body;
    watcher.observe(body, { childList: true });
  }
  watcher.observe(document.documentElement, { childList: true });
  signal.addEventListener("abort", () => watcher.disconnect());
  return put;
}

/** How the channel says that the chat looks, but for what the page's tag wants: colour, side and the launcher's words;
 * null: no launcher. */
export function dressed(config, options) {
  return {
    ...config,
    color: options.color ?? config.color,
    position: options.position ?? config.position,
    launcher_text: options.launcher === "none" ? null : (options.launcher ?? config.launcher_text),
  };
}

/** Calls `act` now and every second from then on. */
export function everySecond(signal, act) {
  act();
  const timer = setInterval(act, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
