import { type ByteSource, memorySource, type ReadOptions } from "./source.ts";
import { parseUrl, shown, type UrlOptions, urlSources } from "./url.ts";

/** A place with files in it: that is all a checkpoint needs. */
export interface Folder {
  /** What error messages call it. */
  readonly name: string;
  /** The file of that name, or undefined where there is none. Names that `isFileName` refuses are never asked for. */
  open(file: string, options?: ReadOptions): Promise<ByteSource | undefined>;
  /**
   * The folder of that name inside it, whether it has files or not; absent where a place has files only. It is asked for
   * names that `isFileName` takes.
   */
  inside?(folder: string): Folder;
}

/**
 * Whether a word is the plain name of a file in a folder: no separators, no `..`, no drive, no control
 * characters, at most 255 of them. Names that come from a file are used only if they are.
 */
export function isFileName(word: string): boolean {
  return (
    word.length <= 255 &&
    word !== "." &&
    word !== ".." &&
    /^[^/\\:*?"<>|\p{Cc}\p{Surrogate}]+$/u.test(word)
  );
}

/** Files in memory, by name, `folder/file` inside folders: for tests, and for files that a user has dropped on a page. */
export function memoryFolder(
  files: ReadonlyMap<string, Uint8Array | ByteSource>,
  name = "memory",
): Folder {
  return {
    name,
    open: async (file) => {
      const found = files.get(file);
      return found instanceof Uint8Array ? memorySource(found, `${name}/${file}`) : found;
    },
    inside: (folder) => {
      const start = `${folder}/`;
      const own = [...files].filter(([file]) => file.startsWith(start));
      const short = own.map(([file, bytes]) => [file.slice(start.length), bytes] as const);
      return memoryFolder(new Map(short), `${name}/${folder}`);
    },
  };
}

/**
 * The files under an address: `https://example.org/gpt2/` and `https://example.org/gpt2` mean the same. Or files that
 * have an address each, by name, as bundlers give them: `urlFolder({ "config.json": new URL("./c.json", import.meta.url) })`.
 */
export function urlFolder(
  where: string | URL | Readonly<Record<string, string | URL>>,
  options: UrlOptions = {},
): Folder {
  const open = urlSources(options);
  if (typeof where === "string" || where instanceof URL) {
    const base = parseUrl(where);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    return {
      name: `${base.protocol}//${base.host}${base.pathname}`,
      open: async (file, readOptions) => {
        if (!isFileName(file)) return undefined;
        const address = new URL(encodeURIComponent(file), base);
        address.search = base.search;
        return await open(address, readOptions);
      },
      inside: (folder) => {
        const address = new URL(encodeURIComponent(folder), base);
        address.search = base.search;
        return urlFolder(address, options);
      },
    };
  }
  const files = new Map(Object.entries(where).map(([file, url]) => [file, parseUrl(url)]));
  return {
    name: [...files.values()].map(shown).at(0) ?? "no files",
    open: async (file, readOptions) => {
      const address = files.get(file);
      return address && (await open(address, readOptions));
    },
  };
}
