/** What is told to the member of staff: a line at the bottom of the page, and questions before what cannot be undone. */
const SHOWN_MS = 6000;

/** `kind`: success, warning or error. `action`: `{label, run}`, a button beside the words. */
export function tell(text, kind = "success", action = null) {
  const line = document.createElement("p");
  line.className = `inbox-toast ${kind}`;
  line.append(text);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", () => (line.remove(), action.run()));
    line.append(button);
  }
  document.querySelector("#inbox-toasts").append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
  return line;
}

/** Whether the member of staff says yes. */
export function sure(question) {
  const dialog = document.querySelector("#inbox-sure");
  dialog.querySelector("h2").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}
