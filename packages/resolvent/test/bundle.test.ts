import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

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
  const others = new Set(chunks.flatMap(({ imports }) => imports));
  const own = new Set(chunks.map(({ fileName }) => fileName));
  expect([...others].filter((name) => !own.has(name))).toEqual([]);
}, 120_000);
