import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { badPlugin, readObject } from "./place.ts";

/** The name of the file that lists plug-ins: `{ "plugins": ["resolvent-norms", "./my-analysis"] }`. */
const CONFIG = "resolvent.config.json";

export interface Config {
  readonly path: string;
  /** Names and paths, seen from the folder of the file. */
  readonly plugins: readonly string[];
}

/**
 * The next configuration upwards from a folder; undefined where there is none.
 * @throws InputError `cli/bad-plugin`
 */
export function configAbove(from: string): Config | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, CONFIG);
    if (existsSync(path)) return { path, plugins: pluginsOf(path) };
    if (dirname(folder) === folder) return undefined;
  }
}

function pluginsOf(path: string): readonly string[] {
  const { plugins, ...others } = readObject(path);
  const [odd] = Object.keys(others).filter((name) => name !== "$schema");
  const remedy = 'Write { "plugins": ["a-package", "./a-folder"] }.';
  if (odd !== undefined) throw badPlugin(path, `has "${odd}", which says nothing here`, remedy);
  if (Array.isArray(plugins) && plugins.every((name) => typeof name === "string" && name !== "")) {
    return plugins;
  }
  throw badPlugin(path, "has no list of plug-ins", remedy);
}
