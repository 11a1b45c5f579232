import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The files of the built app that are those of bundled models, and are taken from the package of these: where each is, by
 * its name in the app.
 *
 * @param list what `copy-lab.mjs` has written: names in the app, and in the package
 */
export function appModels(list: string): ReadonlyMap<string, string> {
  const models = createRequire(import.meta.url).resolve("@resolvent/models/package.json");
  const names: Readonly<Record<string, string>> = JSON.parse(readFileSync(list, "utf8"));
  return new Map(
    Object.entries(names).map(([name, model]) => [name, join(dirname(models), model)]),
  );
}
