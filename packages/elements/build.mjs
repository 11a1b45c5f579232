// Bundles each element with all that it needs into one file, which a page includes as it is.
import { fileURLToPath } from "node:url";
import { build, defaultClientConditions } from "vite";

/** The files: each of one element, and one of all. */
export const bundles = ["degrees", "paths", "pattern", "graph", "figure", "all"];

/**
 * The text of a bundle: a script that any page may have, as a module or not, and that leaves no names behind.
 * @param {string} name
 * @param {{ readonly write?: boolean }} [options] whether it is written to dist as well; default no
 * @returns {Promise<string>}
 */
export async function bundleOf(name, { write = false } = {}) {
  const root = fileURLToPath(new URL(".", import.meta.url));
  const built = await build({
    configFile: false,
    root,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source", ...defaultClientConditions] },
    build: {
      write,
      outDir: "dist",
      emptyOutDir: false,
      copyPublicDir: false,
      minify: true,
      target: "es2023",
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL(`src/${name}.ts`, import.meta.url)),
        output: { format: "iife", entryFileNames: `${name}.js` },
      },
    },
  });
  const [output] = [built].flat();
  const [chunk] = output !== undefined && "output" in output ? output.output : [];
  if (chunk?.type !== "chunk") throw new Error(`${name} was not bundled`);
  return chunk.code;
}

if (process.argv[1] === import.meta.filename) {
  for (const name of bundles) await bundleOf(name, { write: true });
}
