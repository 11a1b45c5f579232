import { fileURLToPath } from "node:url";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

test("a bundle of the main entry holds nothing of hubs, hashes and Node", async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: { write: false, lib: { entry, formats: ["es"], fileName: "weights" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds);
  expect(modules.some((id) => id.endsWith("/checkpoint.ts"))).toBe(true);
  expect(modules.filter((id) => /src\/(hub|node|sha256)|noble|undici/.test(id))).toEqual([]);
  for (const { imports, dynamicImports } of chunks) {
    expect([...imports, ...dynamicImports]).toEqual([]);
  }
}, 120_000);
