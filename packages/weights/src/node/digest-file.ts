import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { DigestStore } from "../sha256.ts";
import { type Environment, expanded } from "./hub-settings.ts";
import { makeFolder } from "./make-folder.ts";

/** Digests that are kept at most, the latest: a few hundred bytes each. */
const KEPT = 1000;
/** Bytes of the file at most: a longer one is not ours. */
const MAX_BYTES = 2 ** 20;

/** Where digests of files are kept by default: `resolvent/digests.json` in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function digestFilePath(environment: Environment): string {
  const caches = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(expanded(caches, environment), "resolvent", "digests.json");
}

/**
 * Digests in a file, so that weights are hashed once and not by every command. What cannot be read counts as empty,
 * what cannot be written is not kept: the file saves time and nothing else. Two processes that write at once lose
 * what one of them has added, never the file.
 */
export function digestFile(path: string): DigestStore {
  return {
    get: async (identity) => (await entriesOf(path)).get(identity),
    set: async (identity, digest) => {
      const entries = await entriesOf(path);
      entries.delete(identity); // to be the latest
      entries.set(identity, digest);
      const text = JSON.stringify(Object.fromEntries([...entries].slice(-KEPT)), undefined, 1);
      const beside = `${path}.${randomUUID()}`;
      try {
        await makeFolder(dirname(path));
        await writeFile(beside, text, { flag: "wx" });
        await rename(beside, path);
      } catch {
        await rm(beside, { force: true }).catch(() => {});
      }
    },
  };
}

async function entriesOf(path: string): Promise<Map<string, string>> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_BYTES) return new Map();
    const entries = Object.entries(Object(JSON.parse(text)));
    return new Map(
      entries.filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === "string" && /^[0-9a-f]{64}$/.test(entry[1]),
      ),
    );
  } catch {
    return new Map();
  }
}
