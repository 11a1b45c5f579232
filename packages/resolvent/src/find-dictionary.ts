import { type Folder, urlFolder } from "@resolvent/weights";
import { type FoundDictionary, type HubPlace, hubFile, hubPlace } from "./dictionary-name.ts";
import { type FindOptions, hubOptions, urlOptions } from "./find-options.ts";

/**
 * The files of a dictionary, or of a set of them, by its name: a place on the Hub,
 * `hub:google/gemma-scope-2b-pt-res/layer_12/width_16k/average_l0_82` (`hub:org/name@revision/folder`), whose files are
 * fetched when they are opened and kept in the browser's private storage, or an address, from that of the page.
 * `revision` of the options is a model's, and not used here.
 *
 * @throws InputError `weights/bad-url`; what `hubFolder` of `@resolvent/weights/hub` throws
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
  const base = globalThis.location?.href;
  const where = URL.canParse(name, base) ? new URL(name, base) : name;
  return found(urlFolder(where, urlOptions(options)));
}

/**
 * The same by a name that may stand for several: a bundled one (`tales-transcoders`), whose dictionaries come in the
 * order of their layers, or what `findDictionary` finds.
 *
 * @throws InputError what `findDictionary` throws
 */
export async function findDictionaries(
  name: string,
  options: Omit<FindOptions, "revision"> = {},
): Promise<readonly FoundDictionary[]> {
  const { bundledDictionaries } = await import("@resolvent/models/dictionaries"); // for those only who use it
  const bundled = Object.hasOwn(bundledDictionaries, name) ? bundledDictionaries[name] : undefined;
  if (bundled === undefined) return [await findDictionary(name, options)];
  const { folders } = bundled;
  return folders.map((folder) => {
    const own = folders.length === 1 ? name : `${name}/${folder.name}`;
    return {
      name: own,
      folder: { ...urlFolder(folder.files, urlOptions(options)), name: own }, // what messages call it
      elsewhere: async () => undefined,
    };
  });
}

async function onHub(
  { repo, folder, revision }: HubPlace,
  options: Omit<FindOptions, "revision">,
): Promise<Folder> {
  const { hubFolder } = await import("@resolvent/weights/hub"); // for those only who use it
  return await hubFolder(repo, { ...hubOptions({ ...options, revision }), folder });
}
