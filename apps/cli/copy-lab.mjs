// Puts the lab, as it was built, beside the command that serves it: dist/app. Of bundled models, which are installed with
// the command, it takes no second copy: dist/app-models.json says which files of theirs the app's are.
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** Bytes of a file that is worth a line: smaller ones are copied. */
const WORTH = 2 ** 14;

/**
 * The files below a folder, by their names from there, that are worth a line.
 * @param {string} folder
 */
const largeFiles = (folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => !/(^|\/)(node_modules|dist|src|test)\//.test(name))
    .filter((name) => {
      const stats = statSync(join(folder, name));
      return stats.isFile() && stats.size >= WORTH;
    });

/** @param {string} file */
const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

const [lab, models] = [at("../lab/dist"), at("../../packages/models")];
const known = new Map(largeFiles(models).map((name) => [digest(join(models, name)), name]));
const same = largeFiles(lab).flatMap((name) => {
  const model = known.get(digest(join(lab, name)));
  return model === undefined ? [] : [/** @type {const} */ ([name, model])];
});
const left = new Set(same.map(([name]) => join(lab, name)));

rmSync(at("dist/app"), { recursive: true, force: true });
cpSync(lab, at("dist/app"), { recursive: true, filter: (file) => !left.has(file) });
writeFileSync(at("dist/app-models.json"), `${JSON.stringify(Object.fromEntries(same), null, 1)}\n`);
