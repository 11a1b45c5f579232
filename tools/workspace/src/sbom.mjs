// Writes what the published packages are made of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), from the
// lock file: `node tools/workspace/src/sbom.mjs FILE`.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { publishedDependencies } from "./dependencies.mjs";
import { isPublic, membersOf, repository } from "./members.mjs";

/**
 * The bill of materials: the published packages, everything from registries that comes with them, and who needs whom.
 * The same lock file and versions give the same text.
 * @param {string} root
 */
export function billOfMaterials(root) {
  const members = membersOf(root).filter(isPublic);
  const { dependencies, direct } = publishedDependencies(root);
  const own = members.map(({ manifest: { name, version, license = "" } }) => ({
    ...component(name, version),
    licenses: licences(license),
  }));
  const foreign = dependencies.map(({ name, version, integrity, license }) => ({
    ...component(name, version),
    hashes: [{ alg: "SHA-512", content: hex(integrity) }],
    ...(license !== undefined && { licenses: licences(license) }),
  }));
  const versions = new Map(members.map(({ manifest }) => [manifest.name, manifest.version]));
  const needs = [
    ...members.map(({ manifest: { name, version, dependencies = {}, peerDependencies = {} } }) => ({
      ref: purl(name, version),
      dependsOn: [
        ...Object.keys({ ...dependencies, ...peerDependencies }).flatMap((other) => {
          const known = versions.get(other);
          return known === undefined ? [] : [purl(other, known)];
        }),
        ...(direct.get(name) ?? []).map(purlOf),
      ].sort(),
    })),
    ...dependencies.map(({ name, version, uses }) => ({
      ref: purl(name, version),
      dependsOn: uses.map(purlOf).sort(),
    })),
  ];
  const body = { components: [...own, ...foreign], dependencies: needs };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serial(body),
    version: 1,
    ...body,
  };
}

/**
 * @param {string} full
 * @param {string} version
 */
function component(full, version) {
  const [group, name] = full.startsWith("@") ? full.split("/") : [undefined, full];
  const ref = purl(full, version);
  return { type: "library", "bom-ref": ref, ...(group && { group }), name, version, purl: ref };
}

/**
 * The package URL (https://github.com/package-url/purl-spec): an `@` of a scope is escaped.
 * @param {string} name
 * @param {string} version
 */
function purl(name, version) {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** @param {string} id `name@version` */
function purlOf(id) {
  const at = id.lastIndexOf("@");
  return purl(id.slice(0, at), id.slice(at + 1));
}

/** @param {string} license an SPDX id or expression */
function licences(license) {
  return / /.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** @param {string} integrity */
function hex(integrity) {
  const digest = /^sha512-(.+)$/.exec(integrity)?.[1];
  if (digest === undefined) throw new Error(`No SHA-512 in "${integrity}".`);
  return Buffer.from(digest, "base64").toString("hex");
}

/**
 * A UUID (version 8: of our own making) that is a digest of the content.
 * @param {unknown} body
 */
function serial(body) {
  const digits = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("Usage: sbom.mjs FILE");
  writeFileSync(file, `${JSON.stringify(billOfMaterials(repository), null, 2)}\n`);
}
