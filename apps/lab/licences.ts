import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

/** The file of notices, in the folder of the built app. */
const FILE = "licences.txt";

/** Modules that bundlers add of their own, by how their names begin: whose they are. */
const HELPERS: Readonly<Record<string, string>> = { "\0vite/": "vite", "\0rolldown/": "rolldown" };

/** A package of others, of which code is in the app. */
interface Shipped {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** What has to come with it. */
  readonly text: string;
}

/**
 * Plugins that write `licences.txt`: the licence of every package of others whose code is in what is built, with its
 * text. `worker` notes what is in workers, `page` what is in the page, and writes.
 */
export function licences(): { readonly page: () => Plugin; readonly worker: () => Plugin } {
  const folders = new Set<string>();
  const note = (ids: readonly string[]): void => {
    for (const id of ids) {
      const folder = folderOf(id);
      if (folder !== undefined) folders.add(folder);
    }
  };
  const plugin = (name: string, done: (emit: (text: string) => void) => void): Plugin => ({
    name,
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === "chunk") note(file.moduleIds);
      done((source) => this.emitFile({ type: "asset", fileName: FILE, source }));
    },
  });
  return {
    worker: () => plugin("resolvent:licences-of-workers", () => {}),
    page: () =>
      plugin("resolvent:licences", (emit) => emit(noticesOf([...folders].map(shippedIn)))),
  };
}

/** The folder of the package of others that a module is of; undefined of what is our own. */
function folderOf(id: string): string | undefined {
  const helper = Object.entries(HELPERS).find(([start]) => id.startsWith(start));
  if (helper !== undefined) return bundlerFolder(helper[1]);
  const [, folder] =
    /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll("\\", "/")) ?? [];
  return folder;
}

function bundlerFolder(name: string): string {
  const vite = createRequire(import.meta.url).resolve("vite/package.json");
  return name === "vite"
    ? dirname(vite)
    : dirname(createRequire(vite).resolve(`${name}/package.json`));
}

function shippedIn(folder: string): Shipped {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e(\.(md|txt))?$/i.test(one));
  if (file === undefined || typeof license !== "string")
    throw new Error(
      `${name}@${version} is in the app, and has no file with its licence: ${folder}`,
    );
  // Of what a bundler is made of itself, nothing is in the app.
  const [own = ""] = readFileSync(join(folder, file), "utf8").split(
    /^#+ Licenses of bundled dependencies/m,
  );
  return { name, version, licence: license, text: own.trim() };
}

function noticesOf(shipped: readonly Shipped[]): string {
  const sorted = shipped.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const own = readFileSync(fileURLToPath(new URL("../../LICENSE", import.meta.url)), "utf8").trim();
  const line = "=".repeat(72);
  return [
    "The lab is part of Resolvent. Code of these packages is in it too, each under its own licence:",
    "",
    ...sorted.map(({ name, version, licence }) => `${name} ${version}: ${licence}`),
    ...["", line, "Resolvent", line, "", own, ""],
    ...sorted.flatMap(({ name, version, text }) => {
      return [line, `${name} ${version}`, line, "", text, ""];
    }),
  ].join("\n");
}
