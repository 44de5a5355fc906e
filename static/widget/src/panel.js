/**
 * The frame of the chat: launcher, window, header, notices, quick replies and focus.
 *
 * On a phone the window fills the screen and is modal (focus stays inside); on a desktop it is not.
 */

import { Composer } from "./composer.js";
import { button, h, icon, link } from "./dom.js";
import { Log } from "./log.js";
import { Nudge } from "./nudge.js";

const PHONE = "(max-width: 480px), (max-height: 480px)";

export class Panel {
  isOpen = false;
  #actions;
  #ui;
  #phone = matchMedia(PHONE);
  #preChat = null;

  /** `actions`: what the chat does; `ui`: language, t, origin, botName; `config`: of the channel; `signal`: ends it. */
  constructor({ host, sheets, config, ui, actions, signal }) {
    this.#actions = actions;
    const quote = (message) => this.composer.quote(message, this.log.nameOf(message));
    this.#ui = { ...ui, ...actions, quote, announce: (text) => this.announce(text) };
    const { t } = ui;
    const shadow = host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = sheets;
    this.log = new Log(this.#ui);
    this.composer = new Composer(this.#ui);
    this.badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });
    this.words = config.launcher_text && h("span", { class: "launcher-text" }, config.launcher_text);
    this.nudge = new Nudge({
      t,
      open: actions.toggle,
      unwanted: actions.unwanted,
      announce: (text) => this.announce(text),
    });
    this.launcher = button(
      {
        class: "launcher",
        hidden: config.launcher_text === null,
        "aria-expanded": "false",
        "aria-controls": "desk-panel",
        onclick: actions.toggle,
      },
      icon("chat"),
      icon("down"),
      this.words,
      this.badge,
    );
    this.notice = h("div", { class: "notice", role: "alert" });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": t("choices"), hidden: true });
    this.live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
    this.main = h("div", { class: "main" }, this.log.element, this.chips, this.composer.element);
    this.composer.dropOn(this.main);
    this.window = h(
      "section",
      {
        id: "desk-panel",
        class: "window",
        role: "dialog",
        "aria-labelledby": "desk-title",
        hidden: true,
      },
      this.#header(config),
      this.notice,
      this.main,
    );
    this.root = h(
      "div",
      {
        class: "root",
        dir: ui.language.direction,
        lang: ui.language.locale,
        "data-side": config.position === "left" ? "left" : "right",
        onkeydown: (event) => this.#key(event),
      },
      this.window,
      this.nudge.element,
      this.launcher,
      this.live,
    );
    shadow.append(this.root);
    this.#introduce(config);
    this.unread(0);
    this.#phone.addEventListener("change", () => this.#adapt(), { signal });
    visualViewport?.addEventListener("resize", () => this.#fit(), { signal });
  }

  /** Whether the window fills the screen. */
  get isPhone() {
    return this.#phone.matches;
  }

  open({ focus = true } = {}) {
    this.isOpen = true;
    this.#greet(this.nudge.take());
    this.window.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    this.#adapt();
    this.#name();
    this.log.toEnd();
    this.composer.fit();
    if (focus) this.focus();
  }

  close({ focus = true } = {}) {
    this.isOpen = false;
    this.#menu(false);
    this.window.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    this.#adapt();
    this.#name();
    if (focus) this.launcher.focus();
  }

  /** Another person begins: no form, choice, notice or upload of the one before is left. */
  begin() {
    this.ask(null);
    this.offer([]);
    this.tell("");
    this.log.outro.replaceChildren();
    this.composer.uploads.clear();
    this.nudge.take();
  }

  focus() {
    (this.#preChat?.querySelector("input, select, textarea") ?? this.composer.input).focus();
  }

  /** Says a text once to screen readers. */
  announce(text) {
    const line = h("p", {}, text);
    this.live.append(line);
    setTimeout(() => line.remove(), 8000);
  }

  unread(count) {
    this.count = count;
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.#name();
  }

  status(text, state) {
    this.state.textContent = text;
    this.state.dataset.state = state;
  }

  /** A line above the transcript with an optional button; "" takes it away. */
  tell(text, label, act) {
    this.notice.replaceChildren(
      ...(text ? [h("span", {}, text)] : []),
      ...(label ? [button({ onclick: act }, label)] : []),
    );
  }

  /** Quick replies above the composer: [{title, value, message}]. Focus moves on when they go. */
  offer(choices) {
    const held = this.chips.contains(this.chips.getRootNode().activeElement);
    const chip = ({ title, value, message }) =>
      button(
        {
          class: "chip",
          dir: "auto",
          onclick: () => this.#actions.choose(title, value, message),
        },
        title,
      );
    this.chips.replaceChildren(...choices.map(chip));
    this.chips.hidden = choices.length === 0;
    if (held) this.composer.input.focus();
  }

  /** Puts the pre-chat form in place of the conversation, or takes it away again. */
  ask(form) {
    this.#preChat?.remove();
    this.#preChat = form;
    this.main.hidden = Boolean(form);
    if (form) this.window.append(form);
    if (this.isOpen) this.focus();
  }

  #header(config) {
    const { t } = this.#ui;
    this.state = h("p", { class: "status" });
    this.menuButton = button(
      {
        class: "tool",
        "aria-label": t("menu"),
        "aria-expanded": "false",
        "aria-controls": "desk-menu",
        onclick: () => this.#menu(this.menu.hidden),
      },
      icon("more"),
    );
    const entry = (key, act) => {
      const run = () => {
        this.#menu(false);
        act();
      };
      return h("li", {}, button({ onclick: run }, t(key)));
    };
    const privacy =
      config.privacy_url && h("li", {}, link(config.privacy_url, { base: this.#ui.origin }, t("privacy")));
    this.menu = h(
      "ul",
      { id: "desk-menu", class: "menu", hidden: true },
      entry("human", this.#actions.human),
      entry("download", this.#actions.download),
      privacy,
    );
    return h(
      "div",
      { class: "header" },
      h("span", { class: "face", "aria-hidden": "true" }, icon("bot")),
      h(
        "div",
        { class: "titles" },
        h("h2", { id: "desk-title" }, config.title || t("title")),
        config.subtitle && h("p", { class: "subtitle" }, config.subtitle),
        this.state,
      ),
      this.menuButton,
      button(
        { class: "tool", "aria-label": t("close"), onclick: this.#actions.close },
        icon("close"),
      ),
      this.menu,
    );
  }

  #introduce(config) {
    const { t, origin } = this.#ui;
    const privacy = config.privacy_url && link(config.privacy_url, { base: origin }, t("privacy"));
    this.log.intro.append(h("p", { class: "disclosure" }, t("disclosure"), " ", privacy || ""));
    this.#greet(config.greeting);
  }

  /** The first words of the conversation that are no message; "" leaves those that are there. */
  #greet(words) {
    if (!words) return;
    const greeting = h(
      "div",
      { class: "item bot greeting" },
      h("span", { class: "face", "aria-hidden": "true" }, icon("bot")),
      h(
        "div",
        { class: "body" },
        h("div", { class: "name" }, this.#ui.botName),
        h("div", { class: "bubble", dir: "auto" }, h("p", {}, words)),
      ),
    );
    this.log.intro.querySelector(".greeting")?.remove();
    this.log.intro.append(greeting);
  }

  #name() {
    const { t } = this.#ui;
    const unread = this.count && !this.isOpen ? `, ${t("unread", { n: this.count })}` : "";
    // The accessible name holds the visible label.
    const visible = this.words && !this.isOpen ? `${this.words.textContent} – ` : "";
    this.launcher.setAttribute("aria-label", visible + t(this.isOpen ? "close" : "open") + unread);
  }

  #menu(show) {
    this.menu.hidden = !show;
    this.menuButton.setAttribute("aria-expanded", String(show));
    if (show) this.menu.querySelector("button").focus();
  }

  #adapt() {
    const modal = this.isOpen && this.#phone.matches;
    this.window.setAttribute("aria-modal", String(modal));
    document.documentElement.style.overflow = modal ? "hidden" : "";
    this.#fit();
  }

  /** The keyboard of a phone covers part of the page; the window keeps to what is left. */
  #fit() {
    const height = this.isOpen && this.#phone.matches && visualViewport ? `${visualViewport.height}px` : "";
    this.window.style.height = height;
  }

  #key(event) {
    if (event.key === "Escape" && this.isOpen && !event.isComposing) {
      event.stopPropagation();
      if (!this.menu.hidden) {
        this.#menu(false);
        this.menuButton.focus();
      } else if (this.composer.unquote()) this.composer.input.focus();
      else this.#actions.close();
    } else if (event.key === "Tab" && this.isOpen && this.#phone.matches) this.#trap(event);
  }

  #trap(event) {
    const stops = [
      ...this.window.querySelectorAll('button, a[href], input, select, textarea, [tabindex="0"], audio, video'),
    ].filter((node) => node.offsetParent !== null || node.getClientRects().length > 0);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (event.target !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }
}
