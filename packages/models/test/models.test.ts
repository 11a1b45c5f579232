import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { loadModel, loadTokenizer, run } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { describe, expect, test } from "vitest";
import { bundledModels } from "../src/index.ts";

/** What a package of models may weigh, so that installing it is nothing to think about. */
const MOST_BYTES = 5_000_000;

describe.each(Object.values(bundledModels))("$name", ({ name, url, files: addresses }) => {
  const path = fileURLToPath(url);

  test("each file that a program reads has its address", async () => {
    const read = (await readdir(path)).filter((file) => !/^(README\.md|card\.json)$/.test(file));
    expect(Object.keys(addresses).sort()).toEqual(read.sort());
    for (const [file, address] of Object.entries(addresses)) {
      expect(address.href).toBe(new URL(file, url).href);
    }
  });

  test("is small, and has its files", async () => {
    const files = await readdir(path);
    for (const file of ["README.md", "config.json", "model.safetensors", "tokenizer.json"]) {
      expect(files).toContain(file);
    }
    const sizes = await Promise.all(
      files.map(async (file) => (await stat(`${path}/${file}`)).size),
    );
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(MOST_BYTES);
  });

  test("is the model of its card, and runs", async () => {
    const cpu = await createCpu({ precision: "f32", threads: 1 });
    const model = await loadModel(cpu, folderOf(path));
    const card = await readFile(`${path}/README.md`, "utf8");
    expect(model.name).toBe(name);
    expect(card).toContain(model.sha256);
    const tokenizer = await loadTokenizer(folderOf(path));
    const ids = tokenizer?.encode("Once upon a time there was a little") ?? [];
    expect(tokenizer?.decode(ids)).toBe("Once upon a time there was a little");
    expect(ids.length).toBe(8);
    const { data } = cpu.read(run(cpu, model, ids).logits);
    expect(data.length).toBe(8 * model.architecture.vocab);
    expect(data.every(Number.isFinite)).toBe(true);
    await cpu.close();
  });
});

test("tales has at most 1024 tokens", async () => {
  const url = bundledModels.tales?.url;
  const config = JSON.parse(await readFile(new URL("config.json", url), "utf8"));
  expect(config.vocab_size).toBeLessThanOrEqual(1024);
});
