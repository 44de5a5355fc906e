/** The tenant's colour made readable: whatever colour is set, text on it and in it keeps 4.5:1. */

import composerCss from "./composer.css";
import contentCss from "./content.css";
import headerCss from "./header.css";
import messagesCss from "./messages.css";
import panelCss from "./panel.css";

const DEFAULT = "#3451d1";
const READABLE = 4.5;
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
const SURFACES = { light: [238, 241, 246], dark: [42, 48, 60] }; // the bubble colours (--soft) in panel.css

/** The style sheets for the tenant's colour. A page's style policy does not reach constructed sheets. */
export function styleSheets(color) {
  // The panel's has the rules of small screens, fingers and forced colours, which stand above those of each part.
  return [headerCss, composerCss, messagesCss, contentCss, panelCss, themeRules(color)].map((rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    return sheet;
  });
}

function themeRules(color) {
  const accent = parse(color) ?? parse(DEFAULT);
  const ink = contrast(accent, WHITE) >= READABLE ? WHITE : BLACK;
  const deep = mix(accent, ink === WHITE ? BLACK : WHITE, 0.18);
  const text = (surface, towards) => css(readable(accent, surface, towards));
  const rules = [
    `:host{--accent:${css(accent)};--accent-deep:${css(deep)};--ink:${css(ink)}}`,
    `:host{--accent-text:${text(SURFACES.light, BLACK)}}`,
    `:host([data-dark]){--accent-text:${text(SURFACES.dark, WHITE)}}`,
  ];
  return rules.join("");
}

/** Marks the host as dark when the visitor's system is, or as the page says ("light", "dark"). */
export function followDark(host, wish, signal) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => host.toggleAttribute("data-dark", wish === "dark" || (wish !== "light" && system.matches));
  system.addEventListener("change", apply, { signal });
  apply();
}

function parse(color) {
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color ?? "")?.[1];
  if (!hex) return null;
  const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit) : hex.match(/../g);
  return digits.map((pair) => parseInt(pair, 16));
}

function readable(color, surface, towards) {
  let share = 0;
  while (contrast(mix(color, towards, share), surface) < READABLE && share < 1) share += 0.05;
  return mix(color, towards, Math.min(1, share));
}

const css = (color) => `rgb(${color.join(" ")})`;
const mix = (from, to, share) => from.map((value, index) => Math.round(value + (to[index] - value) * share));

/** WCAG 2.2 contrast ratio of two sRGB colours. */
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color) {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
