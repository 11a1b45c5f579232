// Packs each public package as it would be published, and checks the archive: publint for package.json and
// its files, attw for the types as Node's ES modules and bundlers resolve them (its profile esm-only).

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { filterProblems, problemKindInfo } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { isPublic, membersOf, repository } from "./members.mjs";

const packed = join(repository, "temp", "packed");
const members = membersOf(repository).filter(isPublic);

rmSync(packed, { recursive: true, force: true });
mkdirSync(packed, { recursive: true });
const filters = members.flatMap((member) => ["--filter", member.manifest.name]);
const pnpm = join(repository, "node_modules", "pnpm", "bin", "pnpm.cjs");
const pack = spawnSync(
  process.execPath,
  [pnpm, "--recursive", ...filters, "pack", "--pack-destination", packed],
  { cwd: repository, encoding: "utf8" },
);
if (pack.status !== 0) {
  console.error(`${pack.stdout}${pack.stderr}`);
  process.exit(1);
}

for (const { manifest } of members) {
  const archive = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
  const bytes = new Uint8Array(readFileSync(join(packed, archive)));
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
