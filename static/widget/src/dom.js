/** Builds elements without innerHTML or style attributes, so that strict CSP and Trusted Types hold. */

/** An element. `on…` attributes are listeners; null, undefined and false attributes and children are left out. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (!given(value)) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter(given));
  return node;
}

/** A button that sends no form. */
export const button = (attributes, ...children) => h("button", { type: "button", ...attributes }, ...children);

const given = (value) => (value ?? false) !== false;

const ICONS = {
  chat: "M12 3c5 0 9 3.3 9 7.7s-4 7.8-9 7.8c-1 0-2-.1-2.9-.4L4.6 20.8 5.5 16.3C4 15 3 13 3 10.7 3 6.3 7 3 12 3Z",
  close: "M6 6l12 12M18 6 6 18",
  down: "m6 9 6 6 6-6",
  send: "M12 19V5m-6.5 6.5L12 5l6.5 6.5",
  clip: "m20 11.5-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  back: "m14.5 5-7 7 7 7",
  next: "m9.5 5 7 7-7 7",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5",
  pin: "M12 21s7-5.7 7-11a7 7 0 1 0-14 0c0 5.3 7 11 7 11Zm0-8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  reply: "M9 6 4 11l5 5m-5-5h9a7 7 0 0 1 7 7",
  bot: "M12 4v3M7 7h10l3 3v5l-3 3H7l-3-3v-5Zm2.5 5v1m5-1v1M9.5 21h5",
};

/** A decorative line icon; the control around it carries the name. */
export function icon(name) {
  const path = drawn("path", { d: ICONS[name] });
  return drawn("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: `icon icon-${name}` }, path);
}

function drawn(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The absolute address if its scheme is harmless, else null. `base` resolves relative addresses. */
export function safeUrl(address, base) {
  try {
    const url = new URL(address, base);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that tells the target nothing about the page; an unsafe address leaves only its children. */
export function link(address, attributes, ...children) {
  const href = safeUrl(address, attributes.base);
  if (!href) return h("span", { class: attributes.class }, ...children);
  const outside = href.startsWith("http");
  return h(
    "a",
    { ...attributes, base: null, href, target: outside && "_blank", rel: "noopener noreferrer nofollow" },
    ...children,
  );
}
