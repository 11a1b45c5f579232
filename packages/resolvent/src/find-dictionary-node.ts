import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { InputError } from "@resolvent/tensor";
import { didYouMean, type Folder, nearestNames, urlFolder } from "@resolvent/weights";
import { folderOf, hubFolder } from "@resolvent/weights/node";
import { type FoundDictionary, type HubPlace, hubFile, hubPlace } from "./dictionary-name.ts";
import { type FindOptions, hubOptions, urlOptions } from "./find-options.ts";

/**
 * The files of a dictionary, or of a set of them, by its name: a path, an address, or a place on the Hub,
 * `hub:google/gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82` (`hub:org/name@revision/folder`), whose files are
 * fetched when they are opened. `revision` of the options is a model's, and not used here.
 *
 * @throws InputError `resolvent/no-dictionary`, `resolvent/unreadable`; what `hubFolder` of `@resolvent/weights/node`
 * throws
 */
export async function findDictionary(
  name: string,
  options: Omit<FindOptions, "revision"> = {},
): Promise<FoundDictionary> {
  const found = (folder: Folder): FoundDictionary => ({
    name,
    folder,
    elsewhere: async (address) => {
      const file = hubFile(address);
      if (file === undefined) return undefined;
      return await (await onHub(file, options)).open(file.file);
    },
  });
  const place = hubPlace(name);
  if (place !== undefined) return found(await onHub(place, options));
  if (/^https?:\/\//i.test(name)) return found(urlFolder(name, urlOptions(options)));
  const there = await stat(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ENAMETOOLONG") {
      return undefined;
    }
    throw new InputError({
      code: "resolvent/unreadable",
      message: `"${name}" cannot be read (${error.code}).`,
      remedy: "Check the permissions of the folders on the way.",
      details: { path: name, system: error.code },
      cause: error,
    });
  });
  if (there?.isDirectory()) return found(folderOf(name));
  const names = Object.keys(bundledDictionaries);
  throw new InputError({
    code: "resolvent/no-dictionary",
    message:
      there === undefined
        ? `There is no folder "${name}".`
        : `"${name}" is a file; a dictionary is a folder with its config and its weights.`,
    remedy: `${didYouMean(nearestNames(name, names))}Name a folder, its address, or a place on the Hub: hub:org/name/folder. Bundled: ${names.join(", ")}.`,
    details: { name, bundled: names },
  });
}

/**
 * The same by a name that may stand for several: a bundled one (`tales-transcoders`), whose dictionaries come in the
 * order of their layers, or what `findDictionary` finds. A folder here that is called like a bundled one: `./tales-sae`.
 *
 * @throws InputError what `findDictionary` throws
 */
export async function findDictionaries(
  name: string,
  options: Omit<FindOptions, "revision"> = {},
): Promise<readonly FoundDictionary[]> {
  const bundled = Object.hasOwn(bundledDictionaries, name) ? bundledDictionaries[name] : undefined;
  if (bundled === undefined) return [await findDictionary(name, options)];
  const { folders } = bundled;
  return folders.map((folder) => {
    const own = folders.length === 1 ? name : `${name}/${folder.name}`;
    return {
      name: own,
      folder: { ...folderOf(fileURLToPath(folder.url)), name: own }, // what messages call it
      elsewhere: async () => undefined,
    };
  });
}

async function onHub(
  { repo, folder, revision }: HubPlace,
  options: Omit<FindOptions, "revision">,
): Promise<Folder> {
  return await hubFolder(repo, { ...hubOptions({ ...options, revision }), folder });
}
