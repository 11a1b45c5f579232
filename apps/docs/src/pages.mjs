import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * A page of the site.
 * @typedef {{ file: string, place: string, title: string, section: string, text: string }} Page
 * `file` is its markdown, from the repository; `place` its HTML, from the site.
 */

/** The pages of `docs` in the order in which they are read. */
const GUIDE = [
  "idea",
  "start",
  "which-command",
  "walk-through",
  "features",
  "almost-linear",
  "cards/README",
  "along-training",
  "merging",
  "mathematics",
  "gallery",
  "coming-from",
  "serve",
  "contribute",
  "glossary",
];

/** @type {(folder: string, end: string) => string[]} */
const filesOf = (folder, end) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => `${folder}/${name}`);

/** @type {(folder: string) => string[]} */
const foldersOf = (folder) => readdirSync(`${root}${folder}`).map((name) => `${folder}/${name}`);

/**
 * All pages, by section: the guide, what each package says of itself, its API report, decisions.
 * @returns {Page[]}
 */
export function pagesOf() {
  const packages = [...foldersOf("packages"), ...foldersOf("apps"), ...foldersOf("tools")];
  const about = ["packages", ...packages, ...foldersOf("packages/models"), "clients/python"]
    .map((folder) => `${folder}/README.md`)
    .filter((file) => existsSync(`${root}${file}`));
  const reports = ["packages", "apps"].flatMap((parent) =>
    foldersOf(parent).flatMap((folder) =>
      /\.\w+$/.test(folder) ? [] : filesOf(folder, ".api.md"),
    ),
  );
  return [
    page("README.md", "Guide", { place: "index.html", title: "Resolvent" }),
    ...GUIDE.map((name) => page(`docs/${name}.md`, "Guide")),
    ...about.map((file) => page(file, "Packages")),
    ...[
      "CONTRIBUTING.md",
      "SECURITY.md",
      "CODE_OF_CONDUCT.md",
      "deploy/README.md",
      "tools/bench/RESULTS.md",
    ].map((file) => page(file, "Project")),
    ...filesOf("docs/decisions", ".md").map((file) => page(file, "Decisions")),
    ...reports.map((file) => apiPage(file)),
  ];
}

/**
 * An API report as a page: what an entry exports, each under a heading of its own, so that links and the search find it.
 *
 * @param {string} file
 * @returns {Page}
 */
function apiPage(file) {
  const own = page(file, "API", { title: entryOf(file) });
  const [, code = ""] = /^```ts\n(.*?)^```$/ms.exec(own.text) ?? [];
  const [before = "", ...declared] = code
    .replace(/^ *\/\/ \((?:undocumented|No @packageDocumentation.*)\)\n/gm, "")
    .split(/^\/\/ @public.*\n/m);
  const exported = /** @type {Map<string, string[]>} */ (new Map());
  for (const declaration of declared) {
    // Of overloads, each is one.
    const name = /^export (?:abstract )?\w+ (\w+)/m.exec(declaration)?.[1] ?? "others";
    exported.set(name, [...(exported.get(name) ?? []), declaration.trim()]);
  }
  const others = before.replace(/^import .*\n/gm, "").trim();
  if (others !== "") exported.set("others", [others, ...(exported.get("others") ?? [])]);
  const parts = [...exported].map(
    ([name, all]) => `### \`${name}\`\n\n\`\`\`ts\n${all.join("\n\n")}\n\`\`\`\n`,
  );
  const text = [
    `# ${own.title}`,
    `${exported.size === 0 ? "It exports nothing: whoever imports it has what it does" : "What it exports, by its types"}; [what it is for](README.md).`,
    ...parts,
  ].join("\n\n");
  return { ...own, text };
}

/**
 * @param {string} file
 * @param {string} section
 * @param {{ place?: string, title?: string }} [own]
 * @returns {Page}
 */
function page(file, section, { place, title } = {}) {
  const text = readFileSync(`${root}${file}`, "utf8");
  const html = file
    .replace(/^docs\//, "")
    .replace(/README\.md$/, "index.html")
    .replace(/\.md$/, ".html");
  return {
    ...{ file, section, text, place: place ?? html },
    title: title ?? (/^# (.+)$/m.exec(text)?.[1] ?? file).replaceAll("`", ""),
  };
}

/** `packages/expansion/expansion.analyses.api.md` as the entry that it is of, `@resolvent/expansion/analyses`. */
function entryOf(/** @type {string} */ file) {
  const [, folder, name = ""] = file.split("/");
  const { name: own } = JSON.parse(
    readFileSync(`${root}${file.slice(0, file.lastIndexOf("/"))}/package.json`, "utf8"),
  );
  const entry = name.replace(/\.api\.md$/, "").slice(folder?.length ?? 0);
  return `${own}${entry.replaceAll(".", "/")}`;
}
