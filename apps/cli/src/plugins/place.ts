import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "@resolvent/tensor";

/** A plug-in that was found, and not loaded. */
export interface FoundPlugin {
  /** As it is called in messages: its package's name, else its file's. */
  readonly name: string;
  /** Where it is, whatever leads there: by this it is trusted. */
  readonly place: string;
  /** The module that exports its analyses. */
  readonly entry: string;
  readonly version: string | undefined;
  readonly description: string | undefined;
  /** What it says that it uses beside the model, such as `network: labels of features`. */
  readonly asks: readonly string[];
}

/** What a plug-in may say that it asks for, in as many lines at most. */
const MAX_ASKS = 10;

/** Bytes of a package.json or a configuration at most. */
const MAX_BYTES = 2 ** 18;

/**
 * A JSON file as an object, without what could be misread as one.
 * @throws InputError `cli/bad-plugin` for one that is too long, or no object
 */
export function readObject(path: string): Readonly<Record<string, unknown>> {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new RangeError(`it has ${size} bytes, more than ${MAX_BYTES}`);
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>; // an object of JSON
    }
    throw new TypeError("it is no object");
  } catch (cause) {
    throw badPlugin(path, `cannot be read as JSON: ${messageOf(cause)}`, "Correct or remove it.");
  }
}

/**
 * Finds the plug-in that a name or a path means, seen from a folder. A path begins with `.` or `/`, or is there; a
 * name is looked for in the folders `node_modules`, upwards.
 *
 * @throws InputError `cli/no-plugin`, `cli/bad-plugin`
 */
export function findPlugin(named: string, from: string): FoundPlugin {
  const path = resolve(from, named);
  const isPath = /^(?:\.{0,2}[/\\]|[A-Za-z]:|\.{1,2}$)/.test(named);
  const found = isPath || existsSync(path) ? path : packageFolder(named, from);
  if (found === undefined || !existsSync(found)) {
    throw new InputError({
      code: "cli/no-plugin",
      message: `There is no plug-in "${named}"${isPath ? "" : ` installed in ${from} or above`}.`,
      remedy: isPath ? "Check the path." : `Install it there: npm install ${named}.`,
      details: { named, from },
    });
  }
  const place = realpathSync(found);
  if (!statSync(place).isDirectory()) {
    const nothing = { version: undefined, description: undefined, asks: [] };
    return { name: basename(place), place, entry: place, ...nothing };
  }
  const manifest = readObject(join(place, "package.json"));
  const text = (value: unknown): string | undefined =>
    typeof value === "string" ? value : undefined;
  const { asks } = Object(manifest.resolvent); // absent where the package says nothing to us
  return {
    name: text(manifest.name) ?? basename(place),
    place,
    entry: entryOf(manifest, place),
    version: text(manifest.version),
    description: text(manifest.description),
    asks: Array.isArray(asks)
      ? asks.slice(0, MAX_ASKS).map((ask) => String(ask).slice(0, 100))
      : [],
  };
}

function packageFolder(name: string, from: string): string | undefined {
  if (!/^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name)) return undefined;
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return place;
    if (dirname(folder) === folder) return undefined;
  }
}

/** What `exports["./analyses"]` leads to, else `exports["."]`, `exports` itself, `main`, or `index.js`. */
function entryOf(manifest: Readonly<Record<string, unknown>>, place: string): string {
  const { exports, main } = manifest;
  const parts: Readonly<Record<string, unknown>> = Object(exports);
  const file =
    target(parts["./analyses"]) ??
    target(parts["."]) ??
    target(exports) ??
    (typeof main === "string" ? main : "index.js");
  const entry = resolve(place, file);
  if (entry.startsWith(`${place}/`) || entry.startsWith(`${place}\\`)) return entry;
  throw badPlugin(place, `exports ${file}, which is outside of it`, "Correct its package.json.");
}

/** The file of a target of `exports`, of the conditions that hold here. */
function target(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const conditions: Readonly<Record<string, unknown>> = Object(value);
  for (const name of ["node", "import", "default"]) {
    const file = Object.hasOwn(conditions, name) ? target(conditions[name]) : undefined;
    if (file !== undefined) return file;
  }
  return undefined;
}

export function badPlugin(place: string, what: string, remedy: string): InputError {
  return new InputError({
    code: "cli/bad-plugin",
    message: `${place} ${what}.`,
    remedy,
    details: { place },
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
