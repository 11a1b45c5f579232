// Bundles gpu.js into vendor/gpu.js, so that whoever installs this package gets neither its native parts (gl, webgpu),
// which do not install everywhere, nor the names that its own build for browsers puts into the page.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));

/** What gpu.js can do without: it asks for each and goes on where there is none. */
const left = ["gl", "os", "worker_threads"];
const ABSENT = "\0absent";
const ENTRY = "\0entry";

const require = createRequire(import.meta.url);
const gpujs = dirname(require.resolve("gpu.js/package.json"));

await build({
  configFile: false,
  root: here,
  logLevel: "error",
  plugins: [
    {
      name: "resolvent:gpu.js",
      enforce: "pre",
      resolveId: (id) => (id === ENTRY ? ENTRY : left.includes(id) ? ABSENT : undefined),
      load: (id) => {
        if (id === ABSENT) return 'throw new Error("It is left out of this bundle.");';
        const index = JSON.stringify(join(gpujs, "src", "index.js"));
        return id === ENTRY
          ? `import gpujs from ${index}; export const { GPU } = gpujs;`
          : undefined;
      },
    },
  ],
  build: {
    outDir: "vendor",
    emptyOutDir: false,
    copyPublicDir: false,
    minify: true,
    target: "es2023",
    modulePreload: false,
    rolldownOptions: {
      input: ENTRY,
      preserveEntrySignatures: "strict",
      output: { format: "es", entryFileNames: "gpu.js" },
    },
  },
});

const inside = createRequire(join(gpujs, "package.json"));
const packages = [gpujs, ...["gpu-mock.js", "acorn"].map((name) => rootOf(inside.resolve(name)))];
const notices = await Promise.all(packages.map(noticeOf));
await writeFile(join(here, "vendor", "licences.txt"), notices.join("\n\n"));

/** The folder of the package that a file belongs to. */
function rootOf(file) {
  const folder = dirname(file);
  const { name } = readManifest(folder) ?? {};
  return name === undefined ? rootOf(folder) : folder;
}

function readManifest(folder) {
  try {
    return require(join(folder, "package.json"));
  } catch {
    return undefined;
  }
}

async function noticeOf(folder) {
  const { name, version, license } = readManifest(folder);
  const text = await readFile(join(folder, "LICENSE"), "utf8").catch(() => undefined);
  return `${name} ${version}: ${license}\n\n${text ?? ""}`.trim();
}
