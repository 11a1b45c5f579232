import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder } from "@resolvent/weights/node";

/** Where it is kept which places of plug-ins somebody trusts: `resolvent/trusted.json` in `XDG_DATA_HOME`, else in `~/.local/share`. */
export function trustFile(env: Readonly<Record<string, string | undefined>>): string {
  const data = env.XDG_DATA_HOME || join(homedir(), ".local", "share");
  return join(data, "resolvent", "trusted.json");
}

/** Bytes of the file at most: a longer one is not ours. */
const MAX_BYTES = 2 ** 20;

/** The places that are trusted; what cannot be read trusts nothing. */
export async function trustedPlaces(file: string): Promise<ReadonlySet<string>> {
  try {
    const text = await readFile(file, "utf8");
    if (text.length > MAX_BYTES) return new Set();
    const { places } = Object(JSON.parse(text));
    const isPath = (place: unknown): place is string => typeof place === "string";
    return new Set(Array.isArray(places) ? places.filter(isPath) : []);
  } catch {
    return new Set();
  }
}

/** Remembers a place; where that cannot be written, it is asked again. */
export async function trust(file: string, place: string): Promise<void> {
  const places = [...new Set([...(await trustedPlaces(file)), place])];
  const beside = `${file}.${randomUUID()}`;
  try {
    await makeFolder(dirname(file));
    await writeFile(beside, `${JSON.stringify({ places }, undefined, 2)}\n`, {
      flag: "wx",
      mode: 0o600,
    });
    await rename(beside, file);
  } catch {
    await rm(beside, { force: true }).catch(() => {});
  }
}
