/** The inbox by keyboard. A key presses what carries it in `data-key`; where there is no such thing, it does nothing. */
const writes = (element) => element?.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

export function keys({ list, pane, go, home }) {
  const help = document.querySelector("#inbox-help");
  const search = document.querySelector("#inbox-search input[type=search]");
  document.querySelector("[data-help]").hidden = false;
  document.querySelector("[data-help]").addEventListener("click", () => help.showModal());

  const leave = () => {
    const sheet = document.querySelector("details[open]:is(.inbox-menu, .inbox-filter, .inbox-pick)");
    const about = pane.querySelector(".inbox-right.shown");
    if (sheet) {
      sheet.open = false;
      sheet.querySelector("summary").focus();
    } else if (about) about.classList.remove("shown");
    else if (writes(document.activeElement)) document.activeElement.blur();
    else if (pane.querySelector("[data-conversation]")) go(`${home}${location.search}`);
  };

  const press = (key) => {
    const target = [...pane.querySelectorAll(`[data-key="${key}"]`)].find((one) => one.checkVisibility());
    if (!target) return false;
    if (writes(target)) target.focus();
    else target.click();
    if (target.matches("summary")) target.parentNode.querySelector("button, input:not([type=hidden])")?.focus();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return leave();
    if (writes(event.target)) return;
    const known = { j: () => list.step(1), k: () => list.step(-1), "/": () => search.select(), "?": () => help.showModal() };
    const done = known[event.key] ? (known[event.key](), true) : /^[a-z]$/.test(event.key) && press(event.key);
    if (done) event.preventDefault();
  });
}
