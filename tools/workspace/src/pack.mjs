import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isPublic, membersOf, repository } from "./members.mjs";

/**
 * Packs every public package as it would be published, into a folder that is emptied first.
 * @param {string} folder
 * @returns {Map<string, string>} the archives' paths by the packages' names
 */
export function packAll(folder) {
  const members = membersOf(repository).filter(isPublic);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const filters = members.flatMap((member) => ["--filter", member.manifest.name]);
  const pnpm = join(repository, "node_modules", "pnpm", "bin", "pnpm.cjs");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [pnpm, "--recursive", ...filters, "pack", "--pack-destination", folder],
    { cwd: repository, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`pnpm pack failed:\n${stdout}${stderr}`);
  return new Map(
    members.map(({ manifest: { name, version } }) => {
      const archive = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
      return [name, join(folder, archive)];
    }),
  );
}
