import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isPublic, membersOf, readManifest } from "./members.mjs";

/**
 * @typedef {object} Dependency a package from a registry that comes with a published one
 * @property {string} name
 * @property {string} version
 * @property {string} integrity `sha512-` and the digest in base64, from the lock file
 * @property {string | undefined} license what its package.json says; undefined where it is not installed here
 * @property {string | undefined} path where it is installed, if it is
 * @property {boolean} anywhere whether it is for every platform: it must be installed here
 * @property {string[]} uses the dependencies of its own, as `name@version`
 */

/**
 * @typedef {object} Locked the parts of pnpm-lock.yaml that are read
 * @property {Record<string, Record<"dependencies" | "optionalDependencies", Record<string, {version: string}>>>} importers
 * @property {Record<string, {resolution: {integrity?: string}, os?: string[], cpu?: string[]}>} packages
 * @property {Record<string, Record<"dependencies" | "optionalDependencies", Record<string, string>>>} snapshots
 */

/**
 * Everything from registries that is installed with the published packages, sorted; and what each of these needs.
 * @param {string} root
 * @returns {{dependencies: Dependency[], direct: Map<string, string[]>}} direct: `name@version` by published package
 */
export function publishedDependencies(root) {
  /** @type {Locked} */
  const { importers, packages, snapshots } = parse(
    readFileSync(join(root, "pnpm-lock.yaml"), "utf8"),
  );
  /** @type {Map<string, Dependency>} */
  const found = new Map();
  /** @param {string} key of a snapshot, with the peers it has in parentheses */
  const visit = (key) => {
    const id = plain(key);
    if (found.has(id)) return id;
    const { resolution, os, cpu } = packages[id] ?? { resolution: {} };
    const at = id.lastIndexOf("@");
    const path = installedAt(root, id);
    const dependency = {
      name: id.slice(0, at),
      version: id.slice(at + 1),
      integrity: resolution.integrity ?? "",
      license: path && (readManifest(path).license ?? "none"),
      path,
      anywhere: os === undefined && cpu === undefined,
      /** @type {string[]} */
      uses: [],
    };
    found.set(id, dependency);
    const { dependencies, optionalDependencies } = snapshots[key] ?? {};
    for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies })) {
      dependency.uses.push(visit(`${name}@${version}`));
    }
    return id;
  };
  const direct = new Map();
  for (const { folder, manifest } of membersOf(root).filter(isPublic)) {
    const { dependencies, optionalDependencies } = importers[folder] ?? {};
    const ids = Object.entries({ ...dependencies, ...optionalDependencies })
      .filter(([, { version }]) => !version.startsWith("link:"))
      .map(([name, { version }]) => visit(`${name}@${version}`));
    direct.set(manifest.name, ids);
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return { dependencies: sorted.map(([, dependency]) => dependency), direct };
}

/**
 * `name@version` of a snapshot's key.
 * @param {string} key
 */
function plain(key) {
  return key.replace(/\(.*$/, "");
}

/**
 * Where a package is installed, if it is.
 * @param {string} root
 * @param {string} id `name@version`
 * @returns {string | undefined}
 */
function installedAt(root, id) {
  const store = join(root, "node_modules", ".pnpm");
  const stem = id.replaceAll("/", "+");
  const folder = readdirSync(store).find((one) => one === stem || one.startsWith(`${stem}_`));
  if (folder === undefined) return undefined;
  const path = join(store, folder, "node_modules", id.slice(0, id.lastIndexOf("@")));
  return existsSync(path) ? path : undefined;
}
