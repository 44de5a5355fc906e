/** The reply form of a conversation's page tells the visitor that an agent is writing, while that is so. */
const EVERY_MS = 3000;

for (const form of document.querySelectorAll("form[data-typing]")) {
  let told = 0;
  const tell = (on) => {
    told = on ? Date.now() : 0;
    const body = new FormData(form);
    body.set("on", on ? "1" : "");
    body.delete("text");
    fetch(form.dataset.typing, { method: "POST", body, redirect: "manual" }).catch(() => {});
  };
  form.addEventListener("input", ({ target }) => {
    const on = target.value.trim() !== "";
    if (on ? Date.now() - told >= EVERY_MS : told) tell(on);
  });
  form.addEventListener("focusout", () => told && tell(false));
}
