import { existsSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { Marked } from "marked";
import { root } from "./pages.mjs";

/** Which element shows which kind of result. */
const ELEMENTS = new Map([
  ["degree-expansion", "resolvent-degrees"],
  ["paths", "resolvent-paths"],
  ["qk", "resolvent-pattern"],
  ["attribution-graph", "resolvent-graph"],
]);

/** Which of its figures a picture is, where it is not the first. */
const VIEWS = new Map([
  ["routes", "routes"],
  ["score", "3"],
  ["graph", "graph"],
]);

/** A heading as the anchor that GitHub makes of it. */
const anchorOf = (/** @type {string} */ heading) =>
  heading
    .replace(/<[^>]+>/g, "")
    .replace(/&(?:#\d+|\w+);/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

/** @type {(text: string) => string} */
export const escaped = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

/**
 * A page's markdown as HTML, its links to files of the repository as links of the site, and its pictures alive where they
 * are of a result.
 *
 * @param {import("./pages.mjs").Page} page
 * @param {{ pages: ReadonlyMap<string, import("./pages.mjs").Page>, copy: (file: string) => string }} site
 *   `copy` takes a file of the repository into the site, and gives its place
 * @returns {{ html: string, headings: { level: number, text: string, anchor: string }[], live: boolean }}
 */
export function htmlOf(page, { pages, copy }) {
  const headings = /** @type {{ level: number, text: string, anchor: string }[]} */ ([]);
  const seen = new Map();
  let live = false;
  const from = posix.dirname(page.file);
  const to = posix.dirname(page.place);

  /** @type {(href: string) => string} */
  const linked = (href) => {
    if (/^[a-z]+:/.test(href) || href.startsWith("#")) return href;
    const [path = "", anchor] = href.split("#");
    const file = posix.normalize(posix.join(from, decodeURI(path))).replace(/\/$/, "");
    const end = anchor === undefined ? "" : `#${anchor}`;
    const place = placeOf(file);
    return `${posix.relative(to, place) || posix.basename(place)}${end}`;
  };
  /** @type {(file: string) => string} */
  const placeOf = (file) => {
    const own = pages.get(file) ?? pages.get(`${file}/README.md`);
    if (own !== undefined) return own.place;
    if (file === "docs/decisions")
      return pages.get("docs/decisions/001-named-axes.md")?.place ?? "";
    if (!existsSync(`${root}${file}`)) throw new Error(`${page.file}: there is no ${file}`);
    // A folder is shown by what is in it; the site has its list.
    return copy(statSync(`${root}${file}`).isDirectory() ? `${file}/package.json` : file);
  };

  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        const name = anchorOf(html);
        const before = seen.get(name) ?? 0;
        seen.set(name, before + 1);
        const anchor = before === 0 ? name : `${name}-${before}`;
        headings.push({ level: depth, text: html.replace(/<[^>]+>/g, ""), anchor });
        return `<h${depth} id="${escaped(anchor)}">${html}</h${depth}>\n`;
      },
      link({ href, title, tokens }) {
        const said = title ? ` title="${escaped(title)}"` : "";
        return `<a href="${escaped(linked(href))}"${said}>${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text }) {
        const image = `<img src="${escaped(linked(href))}" alt="${escaped(text)}">`;
        const name = posix.basename(href, ".svg");
        const result = `${root}docs/figures/${name}.json`;
        if (!existsSync(result)) return image;
        const json = readFileSync(result, "utf8").trim();
        const element = ELEMENTS.get(JSON.parse(json).kind);
        if (element === undefined) return image;
        live = true;
        const view = VIEWS.has(name) ? ` view="${VIEWS.get(name)}"` : "";
        const inside = json.replaceAll("<", "\\u003c");
        return `<${element}${view}><script type="application/json">${inside}</script><noscript>${image}</noscript></${element}>`;
      },
      table({ header, rows }) {
        /** @type {(cells: import("marked").Tokens.TableCell[], tag: string) => string} */
        const row = (cells, tag) =>
          `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join("")}</tr>`;
        const body = rows.map((cells) => row(cells, "td")).join("\n");
        return `<div class="scroll" tabindex="0"><table><thead>${row(header, "th")}</thead><tbody>${body}</tbody></table></div>\n`;
      },
      code({ text, lang = "" }) {
        return `<pre tabindex="0"><code data-language="${escaped(lang)}">${escaped(text)}</code></pre>\n`;
      },
      // Pages of ours have anchors and nothing else; a text in angle brackets is a text.
      html: ({ text }) =>
        /^<a id="[\w-]+">(?:<\/a>\s*)?$|^<\/a>$/.test(text) ? text : escaped(text),
    },
  });
  const html = /** @type {string} */ (marked.parse(page.text));
  return { html, headings, live };
}
