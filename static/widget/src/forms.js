/** The two questions the widget itself asks: who are you (before the chat), and how was it (after). */

import { button, h } from "./dom.js";

const AUTOCOMPLETE = { name: "name", email: "email", phone: "tel", company: "organization" };

/** Resolves when the conversation may begin: at once, or after the channel's pre-chat form was sent. */
export function askFirst({ panel, session, storage, t }) {
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

/** `submit(values)` returns a promise; a rejected one shows the error and keeps the entries. */
function preChatForm(fields, { t, submit }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const start = h("button", { type: "submit", class: "primary" }, t("start"));
  const form = h(
    "form",
    { class: "prechat", "aria-labelledby": "desk-prechat" },
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

function field({ name, label, type, required, options: choices }) {
  const id = `desk-field-${name}`;
  const shared = { id, name, required, autocomplete: AUTOCOMPLETE[name] };
  const controls = {
    textarea: () => h("textarea", { ...shared, rows: 3 }),
    select: () =>
      h(
        "select",
        shared,
        h("option", { value: "" }),
        choices.map((choice) => h("option", {}, choice)),
      ),
  };
  const control = controls[type]?.() ?? h("input", { ...shared, type });
  const words = h("label", { for: id }, label, required && h("span", { "aria-hidden": "true" }, " *"));
  return h("div", { class: type === "checkbox" ? "row check" : "row" }, words, control);
}

function values(form) {
  const pairs = [...form.elements].filter(({ name }) => name);
  return Object.fromEntries(
    pairs.map((control) => [control.name, control.type === "checkbox" ? control.checked : control.value.trim()]),
  );
}

/** The rating after a closed conversation. `submit(score, comment)`; score 1 to 5. `done()`: it is not wanted. */
export function ratingForm({ t, submit, done }) {
  const star = (score) => [
    h("input", {
      type: "radio",
      class: "unseen",
      name: "score",
      id: `desk-star-${score}`,
      value: score,
      required: true,
    }),
    h(
      "label",
      { for: `desk-star-${score}` },
      h("span", { class: "unseen" }, t("stars", { n: score })),
      h("span", { "aria-hidden": "true" }, "★"),
    ),
  ];
  const comment = h("textarea", { id: "desk-comment", rows: 2, maxlength: 1000 });
  const form = h(
    "form",
    { class: "rating" },
    h("fieldset", {}, h("legend", {}, t("rate")), h("div", { class: "stars" }, [1, 2, 3, 4, 5].flatMap(star))),
    h("label", { for: "desk-comment", class: "small" }, t("comment")),
    comment,
    h("button", { type: "submit", class: "primary" }, t("rateSend")),
    button({ class: "button", onclick: () => (done(), form.remove()) }, t("dismiss")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(Number(new FormData(form).get("score")), comment.value.trim());
    form.replaceChildren(h("p", { tabindex: -1, class: "thanks" }, t("thanks")));
    form.firstElementChild.focus();
  });
  return form;
}
