import { readFileSync } from "node:fs";
import { COLOURS, FIGURE, THEME } from "@resolvent/figures";
import type { Plugin } from "vite";
import { catalogue } from "./src/worker/catalogue.ts";

const CATALOGUE = "virtual:catalogue";
/** The same without what only forms need, which is most of it. */
const LIST = "virtual:analyses";
const FIRST = new URL("./src/first/first.json", import.meta.url);
const FIGURES = "virtual:figures.css";

/** Modules that the build makes from the packages: what analyses say about themselves, and how figures look. */
export function virtualModules(): Plugin {
  return {
    name: "resolvent:virtual-modules",
    resolveId: (id) => ([CATALOGUE, LIST, FIGURES].includes(id) ? `\0${id}` : undefined),
    // What the first screen shows is in the page itself: as data, in which nothing ends the element.
    transformIndexHtml: (html) => {
      const text = JSON.stringify(JSON.parse(readFileSync(FIRST, "utf8")));
      return html.replace('id="first">{}', () => `id="first">${text.replaceAll("<", "\\u003c")}`);
    },
    load: async (id) => {
      if (id === `\0${LIST}`) {
        const list = (await catalogue()).map(({ name, summary, home }) => ({
          name,
          summary,
          home,
        }));
        return `export default ${JSON.stringify(list)};`;
      }
      if (id === `\0${CATALOGUE}`) return `export default ${JSON.stringify(await catalogue())};`;
      return id === `\0${FIGURES}` ? `${THEME}\n${FIGURE}\n${chosenTheme()}` : undefined;
    },
  };
}

/** The colours of figures where a link chooses light or dark, and not the reader's system. */
function chosenTheme(): string {
  const variables = Object.entries(COLOURS.light).map(
    ([name, light]) =>
      `--rs-${name}:light-dark(${light},${COLOURS.dark[name as keyof typeof COLOURS.dark]})`, // both have the same
  );
  const schemes = ["light", "dark"].map(
    (theme) => `:root[data-theme=${theme}]{color-scheme:${theme}}`,
  );
  return `@media not (forced-colors:active){:root[data-theme]{${variables.join(";")}}${schemes.join("")}}`;
}
