// A registry on this machine, of the public packages as they would be published and of what they need, from what is
// installed here: consumers are tried as they install, without a network.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { parse } from "yaml";
import { publishedDependencies } from "./dependencies.mjs";
import { readManifest, repository } from "./members.mjs";
import { packAll } from "./pack.mjs";

/**
 * @typedef {object} Registry
 * @property {string} address
 * @property {() => Promise<void>} close
 */

/**
 * Packs everything below `folder` and serves it.
 * @param {string} folder
 * @returns {Promise<Registry>}
 */
export async function startRegistry(folder) {
  /** @type {Map<string, {manifest: Record<string, unknown> & {name: string, version: string}, archive: string | undefined}[]>} */
  const served = new Map();
  const serve = (/** @type {any} */ manifest, /** @type {string | undefined} */ archive) => {
    served.set(manifest.name, [...(served.get(manifest.name) ?? []), { manifest, archive }]);
  };
  for (const archive of packAll(join(folder, "packed")).values())
    serve(manifestIn(archive), archive);
  const { packages } = parse(readFileSync(join(repository, "pnpm-lock.yaml"), "utf8"));
  for (const { name, version, path } of publishedDependencies(repository).dependencies) {
    // What is for other machines is not installed here: that it is for them is all that is told.
    const { os, cpu } = packages[`${name}@${version}`];
    if (path === undefined) serve({ name, version, os, cpu }, undefined);
    else serve(readManifest(path), archiveOf(path, join(folder, "foreign"), `${name}-${version}`));
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    const [file] = path.startsWith("-/") ? [path.slice(2)] : [];
    const versions = served.get(path);
    if (file !== undefined) response.end(readFileSync(join(folder, file)));
    else if (versions === undefined) response.writeHead(404).end("{}");
    else response.end(JSON.stringify(document(versions, `http://${request.headers.host}`, folder)));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const at = server.address();
  if (at === null || typeof at === "string") throw new Error("The registry did not start.");
  return {
    address: `http://127.0.0.1:${at.port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/**
 * What a registry says of a package.
 * @param {{manifest: Record<string, unknown> & {name: string, version: string}, archive: string | undefined}[]} versions
 * @param {string} host
 * @param {string} folder
 */
function document(versions, host, folder) {
  const made = versions.map(({ manifest, archive }) => {
    const tarball = `${host}/-/${archive?.slice(folder.length + 1) ?? "none"}`;
    const bytes = archive === undefined ? "" : readFileSync(archive);
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    return /** @type {const} */ ([manifest.version, { ...manifest, dist: { tarball, integrity } }]);
  });
  return {
    name: versions[0]?.manifest.name,
    "dist-tags": { latest: made.at(-1)?.[0] },
    versions: Object.fromEntries(made),
  };
}

/**
 * The package.json in an archive.
 * @param {string} archive
 */
function manifestIn(archive) {
  const { stdout } = tar("-xzOf", archive, "package/package.json");
  return JSON.parse(stdout);
}

/**
 * An archive of an installed package.
 * @param {string} path
 * @param {string} folder
 * @param {string} name
 */
function archiveOf(path, folder, name) {
  const parent = join(folder, name.replace("/", "+"));
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  // A copy: of files that share their place on disk, as pnpm keeps them, an archive would hold all but one as links.
  cpSync(path, join(parent, "package"), { recursive: true });
  const archive = `${parent}.tgz`;
  tar("-czf", archive, "-C", parent, "package");
  return archive;
}

/** @param {string[]} args */
function tar(...args) {
  const result = spawnSync("tar", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (result.status !== 0) throw new Error(`tar ${args.join(" ")}: ${result.stderr}`);
  return result;
}
