/** Markdown to DOM by an allow-list: bold, italic, code, links, lists, quotes. Anything else stays text. */

import { h, link } from "./dom.js";

const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "\\*\\*(?<bold>[^*\\n]+(?:\\*[^*\\n]+)*)\\*\\*",
    "\\*(?<italic>[^*\\s][^*\\n]*)\\*",
    "_(?<under>[^_\\s][^_\\n]*)_",
    "\\[(?<label>[^\\]\\n]+)\\]\\((?<target>[^()\\s]+(?:\\([^()\\s]*\\)[^()\\s]*)*)\\)",
    '(?<url>https?://[^\\s<>"]*[^\\s<>".,;:!?)\\]}\'])',
  ].join("|"),
  "g",
);
const BARE = /(?<url>https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'])/g;
const BLOCK = {
  ul: /^\s*[-*•]\s+(.*)$/,
  ol: /^\s*\d{1,3}[.)]\s+(.*)$/,
  blockquote: /^>\s?(.*)$/,
};

/** Nodes for a text; `format` "plain" only turns addresses into links. */
export function formatted(text, format) {
  if (format === "plain") return [h("p", {}, spans(text, BARE))];
  return blocks(text.split(/\r?\n/));
}

/** The same in words alone, without stars and brackets; with `links` their addresses are told, too. */
export function plain(text, format, links = false) {
  const words = (node) => {
    if (node.nodeName === "BR") return "\n";
    const inner = node.childNodes.length ? [...node.childNodes].map(words).join("") : node.textContent;
    if (links && node.href && node.href !== inner) return `${inner} (${node.href})`;
    return node.nodeName === "LI" ? `${inner}\n` : inner;
  };
  return formatted(text, format)
    .map((node) => words(node).trim())
    .join("\n");
}

function blocks(lines) {
  const nodes = [];
  let open = null; // the block that the next line may continue
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    if (line.startsWith("```")) {
      const end = lines.findIndex((other, index) => index > at && other.startsWith("```"));
      const last = end < 0 ? lines.length : end;
      nodes.push(h("pre", { tabindex: 0 }, h("code", {}, lines.slice(at + 1, last).join("\n"))));
      at = last;
      open = null;
      continue;
    }
    const [kind, body] = classify(line);
    if (!line.trim()) open = null;
    else if (open?.kind === kind) extend(open, body);
    else nodes.push((open = begin(kind, line, body)).node);
  }
  return nodes;
}

function classify(line) {
  for (const [kind, pattern] of Object.entries(BLOCK)) {
    const match = pattern.exec(line);
    if (match) return [kind, match[1]];
  }
  const heading = /^#{1,6}\s+(.*)$/.exec(line);
  return heading ? ["heading", heading[1]] : ["p", line];
}

function begin(kind, line, body) {
  if (kind === "heading") return { kind: null, node: h("p", {}, h("strong", {}, inline(body))) };
  if (kind === "ul" || kind === "ol") {
    const start = kind === "ol" ? parseInt(line, 10) : 1;
    return { kind, node: h(kind, { start: start > 1 && start }, h("li", {}, inline(body))) };
  }
  return { kind, node: h(kind, {}, inline(body)) };
}

function extend({ kind, node }, body) {
  if (kind === "ul" || kind === "ol") node.append(h("li", {}, inline(body)));
  else node.append(h("br"), ...inline(body));
}

function inline(text) {
  return spans(text, INLINE);
}

function spans(text, pattern) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const inWord = match.groups.under && /\w/.test(text[match.index - 1] ?? ""); // snake_case_names
    if (match.index < from || inWord) continue;
    nodes.push(text.slice(from, match.index), span(match.groups));
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

function span({ code, bold, italic, under, label, target, url }) {
  if (code) return h("code", {}, code);
  if (bold) return h("strong", {}, inline(bold));
  if (italic ?? under) return h("em", {}, inline(italic ?? under));
  if (label) return link(target, {}, label);
  return link(url, {}, url);
}
