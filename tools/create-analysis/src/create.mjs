import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const template = fileURLToPath(new URL("../template", import.meta.url));
const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Commands that there are already would win over a plug-in's. */
const TAKEN =
  /^(?:expand|paths|qk|patch|circuit|series|interactions|lens|jacobian-lens|linearity|heads|ov|dictionary|features|graph|train-dictionary|merge|barrier|compare|align|profile|run|inspect|report|sweep|serve|doctor|demo|lab|help|schema)$/;

/**
 * Makes a package with an analysis and gives its folder.
 *
 * @param {string} name the command's: `residual-norms`
 * @param {string} [folder] default `resolvent-` and the name, here
 * @returns {string}
 * @throws Error for a name that is none or taken, and for a folder that has something in it
 */
export function createAnalysis(name, folder = `resolvent-${name}`) {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    throw new Error(
      `An analysis is called by words of lower case, joined by hyphens; got "${name}".`,
    );
  }
  if (TAKEN.test(name)) {
    throw new Error(`There is a command ${name} already. Choose another name.`);
  }
  const place = resolve(folder);
  if (existsSync(place) && (!statSync(place).isDirectory() || readdirSync(place).length > 0)) {
    throw new Error(`${place} is there already, and not an empty folder. Name another one.`);
  }
  /** @type {Readonly<Record<string, string>>} */
  const words = {
    name,
    identifier: name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()),
    version: own.version,
  };
  for (const path of filesBelow(template)) {
    const text = readFileSync(path, "utf8");
    // A package's own package.json and .changeset would be taken for ours.
    const to = join(place, relative(template, path).replace(/\.template$/, ""));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(
      to,
      text.replace(/\{\{(name|identifier|version)\}\}/g, (_, word) => words[word] ?? ""),
      { flag: "wx" },
    );
  }
  return place;
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
