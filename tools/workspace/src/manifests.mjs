import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * What a public package's package.json lacks or has wrong, one line each: what people see on the registry, what their
 * tools read, and what its source maps point to.
 * @param {import("./members.mjs").Member} member
 * @param {string} root
 * @param {import("./members.mjs").Manifest} workspace the root's package.json
 * @returns {string[]}
 */
export function wrongManifest({ folder, manifest }, root, workspace) {
  const { exports, files = [], keywords = [] } = manifest;
  const problems = [
    !manifest.description && "has no description",
    manifest.license !== workspace.license && `has not the licence ${workspace.license}`,
    keywords.length < 3 && "has fewer than three keywords",
    manifest.engines?.node !== workspace.engines?.node &&
      `says Node ${manifest.engines?.node}, and the repository ${workspace.engines?.node}`,
    typeof exports === "object" &&
      exports["./package.json"] !== "./package.json" &&
      "does not export ./package.json",
    files.includes("dist") &&
      !files.includes("src") &&
      "ships source maps (dist) without the sources that they point to (src)",
    !existsSync(join(root, folder, "README.md")) && "has no README.md",
  ];
  return problems.flatMap((problem) => (problem ? [`${folder}/package.json ${problem}`] : []));
}
