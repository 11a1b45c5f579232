// Writes into each published package.json where its source is, before a release: npm's provenance holds the package
// against it. The repository itself does not say where it lives; who releases does, and the workflow knows it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isPublic, membersOf, readManifest, repository } from "./members.mjs";

/**
 * The address of the repository, from RESOLVENT_REPOSITORY or from what GitHub's workflows are told.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {string} without a slash at the end
 */
export function originOf(env) {
  const { RESOLVENT_REPOSITORY, GITHUB_SERVER_URL, GITHUB_REPOSITORY } = env;
  const url =
    RESOLVENT_REPOSITORY ??
    (GITHUB_SERVER_URL && GITHUB_REPOSITORY && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`);
  if (url && /^https:\/\/[^/\s]+(\/[^/\s]+)+$/.test(url)) return url;
  throw new Error(
    `A release must say where its source is, and this is ${url ? `"${url}"` : "not known"}: ` +
      "set RESOLVENT_REPOSITORY=https://HOST/OWNER/NAME.",
  );
}

/**
 * A package.json with the fields that say where its source, page and issues are.
 * @template {{name: string, version: string}} M
 * @param {M} manifest
 * @param {string} folder the package's, from the root
 * @param {string} origin
 */
export function withOrigin(manifest, folder, origin) {
  if (manifest.version === "0.0.0") {
    throw new Error(`${manifest.name} has version 0.0.0: run "npx changeset version" first.`);
  }
  return {
    ...manifest,
    repository: { type: "git", url: `git+${origin}.git`, directory: folder },
    homepage: `${origin}/tree/main/${folder}#readme`,
    bugs: `${origin}/issues`,
  };
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const origin = originOf(process.env);
  for (const { folder } of membersOf(repository).filter(isPublic)) {
    const path = join(repository, folder);
    const manifest = withOrigin(readManifest(path), folder, origin);
    writeFileSync(join(path, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  }
}
