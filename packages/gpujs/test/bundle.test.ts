import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

test("a bundle for browsers holds gpu.js in a part of its own, and nothing native", async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: { write: false, lib: { entry, formats: ["es"], fileName: "gpujs" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
  const [main] = chunks.filter((chunk) => chunk.isEntry);
  expect(main?.imports).toEqual([]);
  expect(main?.dynamicImports).toHaveLength(1);
  expect(main?.code.length).toBeLessThan(40_000);
  const others = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  const own = new Set(chunks.map(({ fileName }) => fileName));
  expect(others.filter((name) => !own.has(name))).toEqual([]);
}, 120_000);
