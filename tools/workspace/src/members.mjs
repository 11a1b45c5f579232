import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Manifest the parts of a package.json that the checks read
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {string} [description]
 * @property {string[]} [keywords]
 * @property {string} [license]
 * @property {{node?: string}} [engines]
 * @property {string[]} [files]
 * @property {string | Record<string, unknown>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [devDependencies]
 */

/**
 * @typedef {object} Member one package of the workspace
 * @property {"packages" | "apps" | "tools"} group
 * @property {string} id its folder's name: `tensor`
 * @property {string} folder its folder, from the root: `packages/tensor`
 * @property {Manifest} manifest
 */

/** The repository's root folder. */
export const repository = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * All packages below a root folder, in a fixed order.
 * @param {string} root
 * @returns {Member[]}
 */
export function membersOf(root) {
  const groups = /** @type {const} */ (["packages", "apps", "tools"]);
  return groups.flatMap((group) => {
    if (!existsSync(join(root, group))) return [];
    return readdirSync(join(root, group))
      .sort()
      .filter((id) => existsSync(join(root, group, id, "package.json")))
      .map((id) => ({
        group,
        id,
        folder: `${group}/${id}`,
        manifest: readManifest(join(root, group, id)),
      }));
  });
}

/**
 * The package.json of a folder.
 * @param {string} folder
 * @returns {Manifest}
 */
export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/**
 * Whether a package is published.
 * @param {Member} member
 */
export function isPublic(member) {
  return member.manifest.private !== true;
}
