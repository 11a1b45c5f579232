import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, createServer, preview } from "vite";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint, urlFolder, type WholeFile } from "../src/index.ts";
import { writeSafetensors } from "../src/write.ts";

const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i / 7);
const root = mkdtempSync(join(tmpdir(), "resolvent-vite-"));
mkdirSync(join(root, "public", "model"), { recursive: true });
writeFileSync(join(root, "index.html"), "<!doctype html><title>an app</title>");
writeFileSync(join(root, "public", "model", "config.json"), "{}");
const tensor = { name: "a", dtype: "F32", shape: [50_000] } as const;
writeFileSync(
  join(root, "public", "model", "model.safetensors"),
  await writeSafetensors([{ ...tensor, bytes: new Uint8Array(numbers.buffer) }]),
);
afterAll(() => rmSync(root, { recursive: true }));

const settings = { configFile: false, root, logLevel: "silent" } as const;

/** Vite's servers: of development, and of what has been built. */
const starts = {
  dev: async () => {
    const server = await createServer({ ...settings, server: { port: 0, host: "127.0.0.1" } });
    return await server.listen();
  },
  preview: async () => {
    await build(settings);
    return await preview({ ...settings, preview: { port: 0, host: "127.0.0.1" } });
  },
};

test.each(["dev", "preview"] as const)("a folder on Vite's server: %s", async (which) => {
  const server = await starts[which]();
  try {
    const whole: WholeFile[] = [];
    const folder = urlFolder(`${server.resolvedUrls?.local[0]}model`, {
      onWhole: (file) => whole.push(file),
    });
    const checkpoint = await openCheckpoint(folder);
    expect(await checkpoint.numbers("a", "f32")).toEqual(numbers);
    expect(await (await folder.open("config.json"))?.size()).toBe(2);
    expect(await folder.open("tokenizer.json")).toBeUndefined(); // the server sends the app's page
    expect(whole).toEqual([]);
  } finally {
    await server.close();
  }
});
