import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/**
 * @typedef {object} SourceFile
 * @property {string} path from the root, with forward slashes
 * @property {boolean} isTest whether it lies in the folder `test` or beside all folders: it is not published
 * @property {string[]} imports the specifiers of all imports and re-exports, types included
 * @property {string | undefined} error why it could not be read
 */

/** What is made, and AssemblyScript, whose compiler resolves imports in its own way. */
const otherFolders = ["node_modules", "dist", "wasm", "temp", "coverage", ".turbo", "assembly"];
const sourceName = /\.(ts|mts|tsx|js|mjs)$/;

/**
 * The source files of a member and what they import. oxc-parser reads them: unlike a regular expression
 * it is not fooled by comments and strings, and unlike TypeScript 7 it has an interface for programs.
 * @param {string} root
 * @param {string} folder the member's folder, from the root
 * @returns {SourceFile[]}
 */
export function sourcesOf(root, folder) {
  const base = join(root, folder);
  return readdirSync(base, { withFileTypes: true }).flatMap((entry) => {
    if (otherFolders.includes(entry.name)) return [];
    const paths = entry.isDirectory()
      ? readdirSync(join(base, entry.name), { recursive: true, encoding: "utf8" }).map(
          (path) => `${entry.name}/${path.replaceAll("\\", "/")}`,
        )
      : [entry.name];
    return paths
      .filter((path) => sourceName.test(path))
      .sort()
      .map((path) => ({
        path: `${folder}/${path}`,
        // Scripts beside the folders, such as a build script, are not published either.
        isTest: entry.name === "test" || !entry.isDirectory(),
        ...importsOf(path, readFileSync(join(base, path), "utf8")),
      }));
  });
}

/**
 * What a source text imports: static imports, re-exports, and dynamic imports of a plain string.
 * @param {string} path decides the language
 * @param {string} text
 * @returns {{imports: string[], error: string | undefined}}
 */
function importsOf(path, text) {
  const { module, errors } = parseSync(path, text);
  const error = errors[0]?.message;
  const named = [
    ...module.staticImports.map((item) => item.moduleRequest.value),
    ...module.staticExports.flatMap((item) =>
      item.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: at }) => {
      const quoted = /^(["'`])([^"'`$]+)\1$/.exec(text.slice(at.start, at.end));
      return quoted?.[2] ?? [];
    }),
  ];
  return { imports: [...new Set(named)], error };
}
