import type { ByteSource, Folder } from "@resolvent/weights";

/** A dictionary that was found: its files. */
export interface FoundDictionary {
  readonly name: string;
  readonly folder: Folder;
  /** Opens what its config names in other places: files on the Hub. */
  readonly elsewhere: (address: string) => Promise<ByteSource | undefined>;
}

/** A place on the Hub: a repository, and where in it. */
export interface HubPlace {
  readonly repo: string;
  readonly revision?: string;
  readonly folder: string;
}

/** What the name of a place on the Hub begins with. */
const HUB = "hub:";

/**
 * The place that a name says, where it says that it is on the Hub: `hub:org/name/folder/of/it`,
 * `hub:org/name@revision/folder`. Names are checked where they are used.
 */
export function hubPlace(name: string): HubPlace | undefined {
  return name.startsWith(HUB) ? placeOf(name.slice(HUB.length)) : undefined;
}

/** The same without `hub:` before it. */
function placeOf(words: string): HubPlace {
  const [org = "", repo = "", ...folders] = words.split("/");
  const [name = "", revision] = repo.split(/@(.*)/s);
  const folder = folders.join("/");
  return {
    repo: repo === "" ? org : `${org}/${name}`,
    ...(revision !== undefined && { revision }),
    folder,
  };
}

/** The file that an address of circuit-tracer's configs names: `hf://org/name/path/to/file?revision=…`. */
export function hubFile(address: string): (HubPlace & { readonly file: string }) | undefined {
  const [, words, revision] = /^hf:\/\/([^?#]+)(?:\?revision=([^&#]+))?$/.exec(address) ?? [];
  if (words === undefined) return undefined;
  const { repo, folder } = placeOf(words);
  const parts = folder.split("/");
  const file = parts.pop() ?? "";
  if (file === "") return undefined;
  return { repo, folder: parts.join("/"), file, ...(revision !== undefined && { revision }) };
}
