import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository, where this file is part of a checkout of it. */
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Where our packages are in it. */
const GROUPS = ["packages", "apps"];

/**
 * Links what a package needs of ours from this checkout, so that it runs against what is here, with nothing from npm.
 *
 * @param {string} place of the package
 * @throws Error where this is no checkout
 */
export function linkCheckout(place) {
  if (!existsSync(join(root, "pnpm-workspace.yaml"))) {
    throw new Error(
      "--link is for a checkout of Resolvent, which this is not: npm install instead.",
    );
  }
  const modules = join(place, "node_modules");
  const own = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  for (const name of Object.keys({ ...own.dependencies, ...own.devDependencies })) {
    const id = name.slice("@resolvent/".length);
    const group = GROUPS.find((one) => existsSync(join(root, one, id)));
    if (group === undefined) throw new Error(`There is no ${name} in ${root}.`);
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, group, id), link, "junction"); // which on Windows needs no rights
  }
  const bin = join(modules, ".bin");
  const command = join("..", "@resolvent", "cli", "bin", "resolvent.js");
  mkdirSync(bin);
  if (process.platform === "win32") {
    writeFileSync(join(bin, "resolvent.cmd"), `@node "%~dp0${command}" %*\r\n`);
  } else symlinkSync(command, join(bin, "resolvent"));
}
