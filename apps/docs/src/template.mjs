import { posix } from "node:path";
import { escaped } from "./markdown.mjs";

/**
 * A whole page: its text, what stands beside it, and the search.
 *
 * @param {import("./pages.mjs").Page} page
 * @param {{ html: string, headings: { level: number, text: string, anchor: string }[], live: boolean, pages: readonly import("./pages.mjs").Page[] }} parts
 */
export function template(page, { html, headings, live, pages }) {
  const to = posix.dirname(page.place);
  const at = (/** @type {string} */ place) => posix.relative(to, place) || posix.basename(place);
  const sections = [...new Set(pages.map(({ section }) => section))].map((section) => {
    const items = pages
      .filter((one) => one.section === section)
      .map((one) => {
        const current = one === page ? ` aria-current="page"` : "";
        return `<li><a href="${escaped(at(one.place))}"${current}>${escaped(one.title).replaceAll("/", "/<wbr>")}</a></li>`;
      });
    const open = section === page.section || section === "Guide" ? " open" : "";
    return `<details${open}><summary>${section}</summary><ul>${items.join("")}</ul></details>`;
  });
  const parts = headings.filter(({ level }) => level === 2);
  const inside =
    parts.length < 3
      ? ""
      : `<nav class="inside" aria-label="On this page"><ul>${parts.map(({ text, anchor }) => `<li><a href="#${escaped(anchor)}">${text}</a></li>`).join("")}</ul></nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title === "Resolvent" ? page.title : `${page.title} · Resolvent`)}</title>
<link rel="stylesheet" href="${at("assets/site.css")}">
${live ? `<script src="${at("assets/elements.js")}" defer></script>\n` : ""}<script src="${at("assets/search-index.js")}" defer></script>
<script src="${at("assets/search.js")}" defer></script>
</head>
<body data-top="${at(".") || "."}">
<a class="skip" href="#text">To the text</a>
<header><a href="${at("index.html")}"><strong>Resolvent</strong></a>
<search><label>Search <input type="search" id="query" autocomplete="off"></label><ol id="found" hidden aria-live="polite"></ol></search></header>
<div class="columns">
<nav class="pages" aria-label="Pages">${sections.join("\n")}</nav>
<main id="text">
${inside}
${html}
</main>
</div>
</body>
</html>
`;
}
