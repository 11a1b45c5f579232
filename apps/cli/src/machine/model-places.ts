import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { DictionarySummary, ModelSummary } from "@resolvent/analysis/remote";
import { bundledModels } from "@resolvent/models";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { bundledVariants } from "@resolvent/models/variants";
import { InputError } from "@resolvent/tensor";
import { usageError } from "../failure.ts";

/** Folders that are looked through for models at most: whoever names a whole disk waits no longer than for its top. */
const MOST_FOLDERS = 2000;

/** How deep below a named folder models are looked for, and below a dictionary's for those of its set. */
const DEPTH = 3;

/** Files of a folder, and below it, whose place is looked at, at most: a model in parts has a few hundred. */
const MOST_FILES = 10_000;

/** Files of which every folder of a dictionary has one, and no folder of a model. */
const DICTIONARY_FILES: readonly string[] = [
  ...["cfg.json", "params.npz", "hyperparams.json", "config.yaml"],
];

/** The models and dictionaries that a server may open, by name. */
export interface ModelPlaces {
  /** Whether a request may name whatever this machine can open. */
  readonly anywhere: boolean;
  /** Those that there are, as a list for people. */
  list(): readonly ModelSummary[];
  /**
   * What the model of that name is to be opened by.
   * @throws InputError `cli/not-served`
   */
  resolve(name: string): string;
  /** The dictionaries that there are: bundled ones, and folders below those that were named. */
  dictionaries(): readonly DictionarySummary[];
  /**
   * What the dictionary of that name is to be opened by.
   * @throws InputError `cli/not-served`
   */
  dictionary(name: string): string;
}

/**
 * What may be opened: bundled models, the model that the command was given, and folders below those that it was given.
 * Nothing else is, whatever a request names: no other place of the disk, also through links, and no address.
 *
 * @param model as the command was given it: a name, a path, an address
 * @param folders that hold models, or are one
 * @param command that is started, for what is said of a refusal
 * @throws InputError `cli/usage` where a folder is none
 */
export function modelPlaces(
  model: string | undefined,
  folders: readonly string[],
  command = "lab",
): ModelPlaces {
  const roots = folders.map((folder) => {
    try {
      if (statSync(folder).isDirectory()) return { folder, real: realpathSync(folder) };
    } catch {}
    throw usageError(`--folder ${folder}: there is no such folder.`, "Name a folder with models.");
  });
  const below = (name: string): { readonly folder: string; readonly real: string } | undefined =>
    roots.find(({ folder }) => isInside(resolve(name), resolve(folder)));
  const refused = (what: string, name: string, why: string): InputError =>
    notServed(what, name, why, command);
  const inside = (what: string, name: string): string => {
    // First by the name alone: whether there is something elsewhere is not told.
    const root = below(name);
    if (root === undefined) throw refused(what, name, "is not below a folder that was named");
    const real = realOf(name);
    if (real === undefined) throw refused(what, name, "is not there");
    if (!isInside(real, root.real))
      throw refused(what, name, "is a link that leads out of its folder");
    const out = linkOut(real, root.real);
    if (out !== undefined) throw refused(what, name, `has a link that leads out of it, ${out}`);
    return real;
  };
  return {
    anywhere: false,
    list: () => {
      const named = model === undefined || isBundled(model) ? [] : [model];
      const found = roots.flatMap(({ folder, real }) => foldersWith(["config.json"], folder, real));
      const bundled = [...Object.values(bundledModels), ...Object.values(bundledVariants)];
      return [
        ...[...new Set([...named, ...found])].map((name) => ({ name, summary: basename(name) })),
        ...bundled.map(({ name, summary }) => ({ name, summary })),
      ];
    },
    resolve: (name) => (isBundled(name) || name === model ? name : inside("model", name)),
    dictionaries: () => {
      const found = roots.flatMap(({ folder, real }) =>
        foldersWith(DICTIONARY_FILES, folder, real),
      );
      return [
        ...Object.values(bundledDictionaries).map(({ name, summary, model }) => ({
          ...{ name, summary, model },
        })),
        ...[...new Set(found)].map((name) => ({ name, summary: basename(name), model: null })),
      ];
    },
    dictionary: (name) =>
      Object.hasOwn(bundledDictionaries, name) ? name : inside("dictionary", name),
  };
}

/** The same list, for whoever may open whatever this machine can: other folders, addresses, names on the Hub. */
export function anyPlaces(model: string | undefined, folders: readonly string[]): ModelPlaces {
  const same = (name: string): string => name;
  return { ...modelPlaces(model, folders), anywhere: true, resolve: same, dictionary: same };
}

function isBundled(name: string): boolean {
  return Object.hasOwn(bundledModels, name) || Object.hasOwn(bundledVariants, name);
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

/** The first file of a folder, or below it, that is elsewhere: opening a model, or a set of dictionaries, opens its files. */
function linkOut(folder: string, root: string): string | undefined {
  let at: readonly string[] = [""];
  let seen = 0;
  for (let depth = 0; depth <= DEPTH; depth++) {
    const next: string[] = [];
    for (const inside of at) {
      for (const entry of entriesOf(join(folder, inside))) {
        const name = join(inside, entry.name);
        if (++seen > MOST_FILES) return name; // what was not looked at is not opened
        if (entry.isDirectory()) next.push(name);
        if (!entry.isSymbolicLink()) continue;
        const real = realOf(join(folder, name));
        if (real !== undefined && !isInside(real, root)) return name;
      }
    }
    at = next;
  }
  return undefined;
}

/** Names of the folders with one of these files at a folder and below it, links to folders left out. */
function foldersWith(files: readonly string[], folder: string, real: string): readonly string[] {
  const found: string[] = [];
  let at: readonly (readonly [name: string, place: string])[] = [[folder, real]];
  let seen = 0;
  for (let depth = 0; depth <= DEPTH; depth++) {
    const next: (readonly [string, string])[] = [];
    for (const [name, place] of at) {
      if (++seen > MOST_FOLDERS) return found.sort();
      const entries = entriesOf(place);
      if (entries.some((entry) => files.includes(entry.name))) found.push(name);
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

function notServed(what: string, name: string, why: string, command: string): InputError {
  return new InputError({
    code: "cli/not-served",
    message: `The ${what} "${name}" ${why}.`,
    remedy: `Start \`resolvent ${command}\` with it, or with --folder and the folder that it is in.`,
    details: { name },
  });
}
