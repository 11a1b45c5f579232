// Packs each public package as it would be published, and checks the archive: publint for package.json and
// its files, attw for the types as Node's ES modules and bundlers resolve them (its profile esm-only). And whether
// each package.json says what it should.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { filterProblems, problemKindInfo } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { wrongManifest } from "./manifests.mjs";
import { isPublic, membersOf, readManifest, repository } from "./members.mjs";
import { packAll } from "./pack.mjs";

const packed = join(repository, "temp", "packed");
const members = membersOf(repository).filter(isPublic);

for (const member of members) {
  for (const problem of wrongManifest(member, repository, readManifest(repository))) {
    console.error(problem);
    process.exitCode = 1;
  }
}

const archives = packAll(packed);

for (const { manifest } of members) {
  const bytes = new Uint8Array(readFileSync(archives.get(manifest.name) ?? ""));
  // A package without exports is a command: nobody imports it.
  const typing = manifest.exports === undefined ? [] : await types(bytes);
  for (const problem of [...(await lint(bytes)), ...typing]) {
    console.error(`${manifest.name}: ${problem}`);
    process.exitCode = 1;
  }
}

/**
 * What publint says of an archive, suggestions left out.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function lint(bytes) {
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  const serious = messages.filter((message) => message.type !== "suggestion");
  return serious.map((message) => formatMessage(message, pkg) ?? message.code);
}

/**
 * What attw says of an archive, for consumers that use ES modules.
 * @param {Uint8Array} bytes
 */
async function types(bytes) {
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  if (analysis.types === false) return []; // data has no types
  const resolutions = /** @type {const} */ (["node16-esm", "bundler"]);
  const problems = resolutions.flatMap((resolutionKind) =>
    filterProblems(analysis, { resolutionKind }),
  );
  return [...new Set(problems)].map(
    (problem) => `${problemKindInfo[problem.kind].title}: ${JSON.stringify(problem)}`,
  );
}
