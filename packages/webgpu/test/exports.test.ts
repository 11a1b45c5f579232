import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as webgpu from "@resolvent/webgpu";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

test("the exported names", () => {
  expect(Object.keys(webgpu).sort()).toEqual(["createWebgpu", "workOf"]);
});

test("what is needed at run time: webgpu in Node only, where it is wanted", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor", "webgpu"]);
  expect(manifest.peerDependenciesMeta).toEqual({ webgpu: { optional: true } });
  expect(manifest.sideEffects).toBe(false);
});

test("a bundle for browsers holds nothing of Node's WebGPU", async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@resolvent/source"] },
    build: { write: false, minify: false, lib: { entry, formats: ["es"], fileName: "webgpu" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[]; // not watching
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === "chunk"));
  expect(chunks).toHaveLength(1);
  for (const chunk of chunks) {
    expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([]);
    expect(chunk.moduleIds.filter((id) => /node_modules\/webgpu|\.node\b/.test(id))).toEqual([]);
  }
}, 120_000);
