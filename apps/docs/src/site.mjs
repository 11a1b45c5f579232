import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { htmlOf } from "./markdown.mjs";
import { pagesOf, root } from "./pages.mjs";
import { template } from "./template.mjs";

const packageOf = createRequire(import.meta.url).resolve;

/** Characters of a part of a page that the search looks through, at most; of an export, its beginning. */
const MOST_CHARS = 4000;
const MOST_OF_EXPORT = 400;

/**
 * Writes the site into a folder: pages that need no server and no network.
 *
 * @param {string} folder
 * @returns {{ pages: number, files: number }}
 */
export function writeSite(folder) {
  const list = pagesOf();
  const pages = new Map(list.map((page) => [page.file, page]));
  const copied = new Set();
  const copy = (/** @type {string} */ file) => {
    copied.add(file);
    // As a text, where a browser would offer to save it.
    return `files/${file}${/\.(?:svg|png|html|json|txt)$/.test(file) ? "" : ".txt"}`;
  };
  const index = [];
  for (const page of list) {
    const made = htmlOf(page, { pages, copy });
    write(join(folder, page.place), template(page, { ...made, pages: list }));
    index.push(...entriesOf(page, made.html));
  }
  for (const file of copied) {
    const to = join(folder, copy(file));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(`${root}${file}`, to);
  }
  write(join(folder, "assets/search-index.js"), `var resolventSearch=${JSON.stringify(index)};\n`);
  for (const name of ["search.js", "site.css"]) {
    const own = fileURLToPath(new URL(name, import.meta.url));
    write(join(folder, "assets", name), readFileSync(own, "utf8"));
  }
  // As it was built, whatever conditions whoever runs this resolves by.
  const elements = join(dirname(packageOf("@resolvent/elements/package.json")), "dist/all.js");
  write(join(folder, "assets/elements.js"), readFileSync(elements, "utf8"));
  return { pages: list.length, files: copied.size };
}

/** What the search finds: each part of a page, from one heading to the next. */
function entriesOf(
  /** @type {import("./pages.mjs").Page} */ { place, title, section },
  /** @type {string} */ html,
) {
  const most = section === "API" ? MOST_OF_EXPORT : MOST_CHARS;
  return html.split(/(?=<h[1-3] id=)/).flatMap((part) => {
    const [, level, anchor = "", heading = ""] =
      /^<h([1-3]) id="([^"]*)">(.*?)<\/h/s.exec(part) ?? [];
    const text = plain(part.replace(/<script.*?<\/script>/gs, "")).slice(0, most);
    if (text.trim() === "") return [];
    return [
      { place, section, title, text, anchor, heading: level === "1" ? "" : plain(heading).trim() },
    ];
  });
}

/** @type {ReadonlyMap<string, string>} */
const NAMED = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
]);

/** @type {(html: string) => string} */
const plain = (html) =>
  html
    .replace(/<[^>]+>/g, " ")
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
    .replace(/&(lt|gt|amp|quot);/g, (_, name) => NAMED.get(name) ?? "")
    .replace(/\s+/g, " ");

function write(/** @type {string} */ path, /** @type {string} */ text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
