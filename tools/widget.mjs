/**
 * Builds what pages embed from static/widget/src and static/widget/strings:
 *
 *   static/widget/widget.js             the loader: a stable address, cached for a minute
 *   static/widget/dist/chat-<hash>.js   the widget, cached for ever; and the same for Brotli, .js.br
 *   static/widget/dist/<language>-<hash>.json   the hash is of all languages: the bundle names one instead of twelve;
 *                                       the words alone, in the order of the names that the bundle has
 *
 *   npm ci --prefix tools && node tools/widget.mjs            write them
 *   node tools/widget.mjs --check                             exit with 1 if they are not what the sources say
 *   node tools/widget.mjs --bundle <in> <out>                 an example page's script, for the tests
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { build, transform } from "esbuild";

const WIDGET = fileURLToPath(new URL("../static/widget", import.meta.url));
const DIST = join(WIDGET, "dist");
const COMMON = { bundle: true, minify: true, write: false, charset: "utf8", legalComments: "none", target: "es2022" };

/** The style sheets as texts, minified like the code. */
const styles = {
  name: "styles",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, charset: "utf8" });
      return { contents: code.trim(), loader: "text" };
    }),
};

const hash = (data, length = 10) => createHash("sha256").update(data).digest("hex").slice(0, length);
const read = (path) => readFileSync(path, "utf8");

/** Everything the sources say: name below static/widget → text. */
async function made() {
  const files = {};
  const languages = readdirSync(join(WIDGET, "strings")).sort().map((file) => basename(file, ".json"));
  const spoken = languages.map((name) => JSON.parse(read(join(WIDGET, "strings", `${name}.json`))));
  const names = Object.keys(spoken[languages.indexOf("en")]);
  const words = spoken.map((said) => JSON.stringify(names.map((name) => said[name])));
  const stamp = hash([names, ...words].join("\n"));
  languages.forEach((name, at) => (files[`dist/${name}-${stamp}.json`] = words[at]));
  const known = { LANGUAGES: JSON.stringify(languages), NAMES: JSON.stringify(names.join()), STAMP: JSON.stringify(stamp) };
  const chat = await script("chat.js", { format: "esm", define: known });
  const bundle = `chat-${hash(chat)}.js`;
  files[`dist/${bundle}`] = chat;
  const loader = await script("widget.js", { format: "iife", define: { BUNDLE: JSON.stringify(bundle) } });
  files["widget.js"] = `/* Desk chat widget. Made by tools/widget.mjs of sources ${sources()} */\n${loader}`;
  return files;
}

/** What a test without Node compares. */
function sources() {
  const below = (folder) => readdirSync(join(WIDGET, folder)).map((name) => `${folder}/${name}`);
  const all = [...below("src"), ...below("strings")].sort();
  return hash(Buffer.concat(all.map((name) => readFileSync(join(WIDGET, name)))), 16);
}

async function script(name, options) {
  const { outputFiles } = await build({ ...COMMON, entryPoints: [join(WIDGET, "src", name)], plugins: [styles], ...options });
  return outputFiles[0].text;
}

function write(files) {
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(WIDGET, name), text);
    if (name.startsWith("dist/chat-")) writeFileSync(join(WIDGET, `${name}.br`), brotliCompressSync(text));
  }
}

function differences(files) {
  const there = ["widget.js", ...readdirSync(DIST).map((name) => `dist/${name}`)];
  const text = (name) =>
    name.endsWith(".br") ? brotliDecompressSync(readFileSync(join(WIDGET, name))).toString() : read(join(WIDGET, name));
  const stale = there.filter((name) => files[name.replace(/\.br$/, "")] !== text(name));
  return [...stale, ...Object.keys(files).filter((name) => !there.includes(name))];
}

const [mode, from, to] = process.argv.slice(2);
if (mode === "--bundle") {
  const define = { "process.env.NODE_ENV": JSON.stringify(process.env.NODE_ENV ?? "production") };
  const nodePaths = [fileURLToPath(new URL("node_modules", import.meta.url))];
  await build({ ...COMMON, write: true, entryPoints: [from], outfile: to, format: "esm", jsx: "automatic", define, nodePaths });
} else if (mode === "--check") {
  const stale = differences(await made());
  if (stale.length) {
    console.error(`not what the sources say: ${stale.join(", ")}; run node tools/widget.mjs`);
    process.exit(1);
  }
} else write(await made());
