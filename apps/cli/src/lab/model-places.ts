import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { ModelSummary } from "@resolvent/analysis/remote";
import { bundledModels } from "@resolvent/models";
import { InputError } from "@resolvent/tensor";
import { usageError } from "../failure.ts";

/** Folders that are looked through for models at most: whoever names a whole disk waits no longer than for its top. */
const MOST_FOLDERS = 2000;

/** How deep below a named folder models are looked for. */
const DEPTH = 3;

/** Files of a model's folder whose place is looked at, at most: a model in parts has a few hundred. */
const MOST_FILES = 10_000;

/** The models that a server may open, by name. */
export interface ModelPlaces {
  /** Those that there are, as a list for people. */
  list(): readonly ModelSummary[];
  /**
   * What the model of that name is to be opened by.
   * @throws InputError `cli/not-served`
   */
  resolve(name: string): string;
}

/**
 * What may be opened: bundled models, the model that the command was given, and folders below those that it was given.
 * Nothing else is, whatever a request names: no other place of the disk, also through links, and no address.
 *
 * @param model as the command was given it: a name, a path, an address
 * @param folders that hold models, or are one
 * @throws InputError `cli/usage` where a folder is none
 */
export function modelPlaces(model: string | undefined, folders: readonly string[]): ModelPlaces {
  const roots = folders.map((folder) => {
    try {
      if (statSync(folder).isDirectory()) return { folder, real: realpathSync(folder) };
    } catch {}
    throw usageError(`--folder ${folder}: there is no such folder.`, "Name a folder with models.");
  });
  const below = (name: string): { readonly folder: string; readonly real: string } | undefined =>
    roots.find(({ folder }) => isInside(resolve(name), resolve(folder)));
  return {
    list: () => {
      const named = model === undefined || isBundled(model) ? [] : [model];
      const found = roots.flatMap(({ folder, real }) => modelsBelow(folder, real));
      return [
        ...[...new Set([...named, ...found])].map((name) => ({ name, summary: basename(name) })),
        ...Object.values(bundledModels).map(({ name, summary }) => ({ name, summary })),
      ];
    },
    resolve: (name) => {
      if (isBundled(name) || name === model) return name;
      // First by the name alone: whether there is something elsewhere is not told.
      const root = below(name);
      if (root === undefined) throw notServed(name, "is not below a folder that was named");
      const real = realOf(name);
      if (real === undefined) throw notServed(name, "is not there");
      if (!isInside(real, root.real))
        throw notServed(name, "is a link that leads out of its folder");
      const out = linkOut(real, root.real);
      if (out !== undefined) throw notServed(name, `has a link that leads out of it, ${out}`);
      return real;
    },
  };
}

function isBundled(name: string): boolean {
  return Object.hasOwn(bundledModels, name);
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** The first file of a folder that is elsewhere: opening a model opens its files. */
function linkOut(folder: string, root: string): string | undefined {
  const entries = entriesOf(folder).slice(0, MOST_FILES);
  return entries.find((entry) => {
    if (!entry.isSymbolicLink()) return false;
    const real = realOf(join(folder, entry.name));
    return real !== undefined && !isInside(real, root);
  })?.name;
}

/** Names of the folders with a config.json at a folder and below it, links to folders left out. */
function modelsBelow(folder: string, real: string): readonly string[] {
  const found: string[] = [];
  let at: readonly (readonly [name: string, place: string])[] = [[folder, real]];
  let seen = 0;
  for (let depth = 0; depth <= DEPTH; depth++) {
    const next: (readonly [string, string])[] = [];
    for (const [name, place] of at) {
      if (++seen > MOST_FOLDERS) return found.sort();
      const entries = entriesOf(place);
      if (entries.some((entry) => entry.name === "config.json")) found.push(name);
      for (const entry of entries) {
        if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
        next.push([join(name, entry.name), join(place, entry.name)]);
      }
    }
    at = next;
  }
  return found.sort();
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // one that may not be read has nothing
  }
}

function notServed(name: string, why: string): InputError {
  return new InputError({
    code: "cli/not-served",
    message: `The model "${name}" ${why}.`,
    remedy: "Start `resolvent lab` with it, or with --folder and the folder that it is in.",
    details: { name },
  });
}
