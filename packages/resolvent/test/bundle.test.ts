import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

/** Where the code of each engine is. */
const engines = {
  cpu: /packages\/cpu\//,
  webgpu: /packages\/webgpu\//,
  gpujs: /packages\/gpujs\//,
};

/** Most bytes of the scripts of a bundle of each engine alone, min + gzip; gpu.js itself comes as a part of its own. */
const ceilings = { cpu: 32_000, webgpu: 31_000, gpujs: 12_000 } as const;

/** Kernels and workers, which a bundle for pages has as files of their own. */
const KERNELS = /data:[\w/+-]+;base64,[\w+/=]*/g;

/** The scripts that a page which asks for `entry` may load. */
async function bundled(entry: string, minify: boolean): Promise<Rolldown.OutputChunk[]> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: {
      write: false,
      minify,
      lib: {
        entry: fileURLToPath(new URL(entry, import.meta.url)),
        formats: ["es"],
        fileName: "bundle",
      },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  return outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
}

test.each(Object.entries(ceilings))(
  "a bundle with %s alone holds none of the other engines, and at most %d bytes",
  async (name, ceiling) => {
    const chunks = await bundled(`../../${name}/src/index.ts`, true);
    const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
    for (const [engine, place] of Object.entries(engines))
      expect([engine, modules.some((id) => place.test(id))]).toEqual([engine, engine === name]);
    const own = chunks.filter(
      ({ moduleIds }) => !moduleIds.some((id) => /vendor\/gpu\.js/.test(id)),
    );
    const bytes = own.reduce(
      (sum, { code }) => sum + gzipSync(code.replaceAll(KERNELS, "")).length,
      0,
    );
    expect(bytes).toBeLessThan(ceiling);
    expect(bytes).toBeGreaterThan(ceiling / 2); // a ceiling far above would see nothing grow
  },
  120_000,
);

test("a bundle for browsers holds no schemas and nothing of Node", async () => {
  const chunks = await bundled("../src/index.ts", false);
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  expect(modules.some((id) => id.endsWith("/language-model.ts"))).toBe(true);
  expect(modules.filter((id) => /zod|undici|koffi|src\/node\/|folder-node/.test(id))).toEqual([]);
  // Each engine comes by itself, when it is chosen.
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const withImports = (chunk: Rolldown.OutputChunk, seen: Set<string> = new Set()): string[] => {
    if (seen.has(chunk.fileName)) return [];
    seen.add(chunk.fileName);
    const more = chunk.imports.flatMap((name) => byName.get(name) ?? []);
    return [...chunk.moduleIds, ...more.flatMap((one) => withImports(one, seen))];
  };
  const held = (chunk: Rolldown.OutputChunk): string[] =>
    Object.entries(engines).flatMap(([name, place]) =>
      withImports(chunk).some((id) => place.test(id)) ? [name] : [],
    );
  for (const name of Object.keys(engines))
    expect(chunks.map(held).some((list) => list.includes(name))).toBe(true);
  expect(chunks.filter((chunk) => held(chunk).length > 1).map(held)).toEqual([]);
  expect(chunks.filter(({ isEntry }) => isEntry).map(held)).toEqual([[]]);
  const others = new Set(chunks.flatMap(({ imports }) => imports));
  const own = new Set(chunks.map(({ fileName }) => fileName));
  expect([...others].filter((name) => !own.has(name))).toEqual([]);
}, 120_000);
