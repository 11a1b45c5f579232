import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

test("a bundle for browsers holds no koffi and no wider kernels", async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: { write: false, minify: false, lib: { entry, formats: ["es"], fileName: "cpu" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
  expect(chunks.length).toBeGreaterThan(0);
  // What is needed at times only has chunks of its own; nothing is left to be found elsewhere.
  const own = new Set(chunks.map(({ fileName }) => fileName));
  for (const chunk of chunks) {
    const others = [...chunk.imports, ...chunk.dynamicImports].filter((file) => !own.has(file));
    expect(others).toEqual([]);
    expect(chunk.moduleIds.filter((id) => /koffi|koromix/.test(id))).toEqual([]);
    expect(chunk.code).not.toMatch(/koromix|\.node["'`]/);
    expect(chunk.moduleIds.filter((id) => /src\/wide\b/.test(id))).toEqual([]);
  }
}, 120_000);
