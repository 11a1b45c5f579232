import { readFileSync } from "node:fs";
import { FIGURE, THEME } from "@resolvent/figures";
import type { Plugin } from "vite";
import { catalogue } from "./src/worker/catalogue.ts";

const CATALOGUE = "virtual:catalogue";
const FIRST = new URL("./src/first/first.json", import.meta.url);
const FIGURES = "virtual:figures.css";

/** Modules that the build makes from the packages: what analyses say about themselves, and how figures look. */
export function virtualModules(): Plugin {
  return {
    name: "resolvent:virtual-modules",
    resolveId: (id) => (id === CATALOGUE || id === FIGURES ? `\0${id}` : undefined),
    // What the first screen shows is in the page itself: as data, in which nothing ends the element.
    transformIndexHtml: (html) => {
      const text = JSON.stringify(JSON.parse(readFileSync(FIRST, "utf8")));
      return html.replace('id="first">{}', () => `id="first">${text.replaceAll("<", "\\u003c")}`);
    },
    load: async (id) => {
      if (id === `\0${CATALOGUE}`) return `export default ${JSON.stringify(await catalogue())};`;
      return id === `\0${FIGURES}` ? `${THEME}\n${FIGURE}` : undefined;
    },
  };
}
