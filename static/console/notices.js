/** What is told to the member of staff: a line above the page, and questions before what cannot be undone. */
const SHOWN_MS = 6000;
const MOST_KEPT = 4; // lines that stay; the oldest goes

/** `kind`: success, warning or error. `action`: `{label, run}`, a button beside the words. `stays`: until it is closed, for
 * what comes while nobody looks. `about`: `{kind, id}`, the conversation that it is of. */
export function tell(text, kind = "success", { action = null, stays = false, about = {} } = {}) {
  const line = document.createElement("p");
  line.className = `inbox-toast ${kind}`;
  line.append(text);
  const button = (label, run) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.addEventListener("click", () => (line.remove(), run()));
    line.append(made);
    return made;
  };
  if (action) button(action.label, action.run);
  const place = document.querySelector(stays ? "#inbox-alerts" : "#inbox-toasts");
  if (stays) {
    button("×", () => {}).setAttribute("aria-label", "Close");
    line.dataset.stays = text;
    Object.assign(line.dataset, about);
    for (const one of [...place.children]) if (one.dataset.stays === text) one.remove(); // told again
    if (place.children.length >= MOST_KEPT) place.firstElementChild.remove();
  } else setTimeout(() => line.remove(), SHOWN_MS);
  place.append(line);
  return line;
}

/** What called to a conversation, as `kind` if one is named, has been followed or has no reason any more. */
export function settled(id, kind = null) {
  for (const line of document.querySelectorAll(`#inbox-alerts > [data-id="${id}"]`))
    if (!kind || line.dataset.kind === kind) line.remove();
}

/** Whether the member of staff says yes. */
export function sure(question) {
  const dialog = document.querySelector("#inbox-sure");
  dialog.querySelector("h2").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}
