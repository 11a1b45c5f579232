import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

/** Where the code of each engine is. */
const engines = {
  cpu: /packages\/cpu\//,
  webgpu: /packages\/webgpu\//,
  gpujs: /packages\/gpujs\//,
};

test("a bundle for browsers holds no schemas and nothing of Node", async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: { write: false, lib: { entry, formats: ["es"], fileName: "resolvent" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
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
