/**
 * Shows the canonical content types (channels_app/content/types.py) as DOM.
 *
 * `ui` is { t, origin, choose(title, value, message) }; whatever a message holds, only text nodes and
 * allow-listed links and media come out.
 */

import { button, h, icon, link, safeUrl } from "./dom.js";
import { formatted, plain } from "./markdown.js";

const MEDIA = { image, audio, video, file };

/** { bubble, extra }: the nodes inside the bubble and those below it. */
export function contentNodes(message, ui) {
  if (message.deleted) return { bubble: [h("p", { class: "gone" }, ui.t("deleted"))], extra: [] };
  const content = message.content;
  const text = content.text ? formatted(content.text, content.format) : [];
  const shown = MEDIA[content.type] && content.media ? MEDIA[content.type](content.media, ui) : [];
  const place = content.location ? location(content.location, ui) : [];
  return {
    bubble: [...quoted(content, ui), ...shown, ...place, ...text],
    extra: [
      ...buttons(content.buttons, message, ui),
      ...(content.cards ? [carousel(content.cards, message, ui)] : []),
      ...(content.sections ? content.sections.map((section) => list(section, message, ui)) : []),
    ],
  };
}

/** In words: for screen readers' announcements, quotes and, with `links`, the transcript. */
export function contentText(message, t, links = false) {
  if (message.deleted) return t("deleted");
  const { type, text, format, media, location: place, cards, sections } = message.content;
  const parts = [text && plain(text, format, links), place && [place.name, place.address].filter(Boolean).join(", ")];
  if (media) parts.unshift(`[${t(MEDIA[type] ? type : "file")}] ${media.alt_text ?? media.name ?? ""}`.trim());
  for (const card of cards ?? []) parts.push([card.title, card.subtitle].filter(Boolean).join(" – "));
  for (const section of sections ?? []) parts.push(...section.rows.map((row) => row.title));
  return parts.filter(Boolean).join("\n") || `[${t(place ? "location" : "file")}]`;
}

/** What the message answers; a pick says so itself. */
function quoted({ quote, choice }, ui) {
  if (!quote?.text || choice) return [];
  const names = { visitor: ui.t("you"), bot: ui.botName, agent: ui.t("agent") };
  const text = quote.author === "visitor" ? quote.text : plain(quote.text); // the service keeps no format of it
  return [h("blockquote", { class: "quoted" }, h("b", {}, names[quote.author] ?? quote.author), " ", text)];
}

function image(media, ui) {
  const src = safeUrl(media.url, ui.origin);
  if (!src?.startsWith("http")) return file(media, ui);
  const alt = media.alt_text ?? media.name ?? ui.t("image");
  const picture = h("img", {
    src: safeUrl(media.thumbnail_url ?? src, ui.origin) ?? src,
    alt,
    class: "picture",
    loading: "lazy",
  });
  return [link(src, { class: "media" }, picture)];
}

function audio(media, ui) {
  return player("audio", media, ui);
}

function video(media, ui) {
  return player("video", media, ui);
}

function player(tag, media, ui) {
  const src = safeUrl(media.url, ui.origin);
  if (!src?.startsWith("http")) return file(media, ui);
  const label = media.alt_text ?? media.name ?? ui.t(tag);
  const poster = media.thumbnail_url && safeUrl(media.thumbnail_url);
  return [
    h(tag, {
      src,
      poster,
      controls: true,
      preload: "metadata",
      playsinline: true,
      class: `media ${tag}`,
      "aria-label": label,
    }),
  ];
}

function file(media, ui) {
  const details = h(
    "span",
    { class: "detail" },
    [ending(media), size(media.size_bytes ?? media.size)].filter(Boolean).join(" · "),
  );
  const words = h(
    "span",
    { class: "words" },
    h("span", { class: "filename" }, media.name ?? media.alt_text ?? ui.t("file")),
    details,
  );
  return [link(media.url, { class: "card-row", base: ui.origin }, icon("file"), words)];
}

const ending = (media) => /\.(\w{1,5})$/.exec(media.name ?? "")?.[1].toUpperCase();

function size(bytes) {
  if (!bytes) return "";
  const unit = bytes < 1e6 ? "kilobyte" : "megabyte";
  const value = Math.max(bytes / (bytes < 1e6 ? 1e3 : 1e6), 0.1);
  return new Intl.NumberFormat(undefined, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(
    value,
  );
}

function location(place, ui) {
  const { latitude, longitude } = place;
  const address = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  const words = h(
    "span",
    { class: "words" },
    h("span", { class: "filename" }, place.name ?? ui.t("location")),
    h("span", { class: "detail" }, place.address ?? `${latitude}, ${longitude}`),
    h("span", { class: "go" }, ui.t("map")),
  );
  return [link(address, { class: "card-row" }, icon("pin"), words)];
}

function buttons(items, message, ui) {
  if (!items?.length) return [];
  return [
    h(
      "div",
      { class: "buttons" },
      items.map((item) => pick(item, message, ui)),
    ),
  ];
}

function pick({ type, title, payload, url }, message, ui) {
  if (type === "url") return link(url, { class: "button" }, title);
  if (type === "phone") return link(`tel:${payload}`, { class: "button" }, title);
  const act = type === "share" ? (event) => share(event.currentTarget, ui) : () => ui.choose(title, payload, message);
  return button({ class: "button", onclick: act }, title);
}

async function share(control, ui) {
  const url = window.location.origin + window.location.pathname;
  try {
    if (navigator.share) return await navigator.share({ title: document.title, url });
    await navigator.clipboard.writeText(url);
    control.textContent = ui.t("share");
  } catch {
    // The visitor changed their mind, or the browser forbids it: nothing to tell.
  }
}

function carousel(cards, message, ui) {
  const strip = h(
    "ul",
    { class: "strip", tabindex: 0, "aria-label": ui.t("cards") },
    cards.map((item) => card(item, message, ui)),
  );
  const move = (step) => () => {
    const sign = getComputedStyle(strip).direction === "rtl" ? -1 : 1;
    strip.scrollBy({ left: step * sign * (strip.firstElementChild.offsetWidth + 10) });
  };
  const back = button({ class: "round", "aria-label": ui.t("previous"), onclick: move(-1) }, icon("back"));
  const next = button({ class: "round", "aria-label": ui.t("next"), onclick: move(1) }, icon("next"));
  const steps = cards.length > 1 && h("div", { class: "steps" }, back, next);
  return h("div", { class: "carousel", role: "group", "aria-label": ui.t("cards") }, strip, steps);
}

function card({ title, subtitle, image_url, url, buttons: items }, message, ui) {
  const picture = image_url && safeUrl(image_url) && h("img", { src: safeUrl(image_url), alt: "", loading: "lazy" });
  const heading = h("h3", {}, url ? link(url, {}, title) : title);
  const body = h("div", { class: "body" }, heading, subtitle && h("p", {}, subtitle), buttons(items, message, ui));
  return h("li", { class: "card" }, picture, body);
}

function list({ title, rows }, message, ui) {
  const row = ({ title: name, description, payload }) =>
    h(
      "li",
      {},
      button(
        { onclick: () => ui.choose(name, payload, message) },
        h("span", { class: "filename" }, name),
        description && h("span", { class: "detail" }, description),
      ),
    );
  return h("div", { class: "list" }, title && h("h3", {}, title), h("ul", {}, rows.map(row)));
}
