import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bundledDictionaries } from "../src/dictionaries.ts";
import { bundledModels } from "../src/index.ts";

/** What all of them may weigh together. */
const MOST_BYTES = 6_000_000;

const folders = Object.values(bundledDictionaries).flatMap((one) => one.folders);
const home = new URL("../tales-dictionaries/", import.meta.url);

interface Card {
  readonly measured: {
    readonly model: string;
    readonly dictionaries: readonly {
      readonly name: string;
      readonly site: string;
      readonly l0: number;
      readonly recovered: number;
      readonly sha256: string;
    }[];
  };
}
const card = async (): Promise<Card> =>
  JSON.parse(await readFile(new URL("card.json", home), "utf8"));

test("every folder that is there is bundled, and every file has its address", async () => {
  const there = (await readdir(home, { withFileTypes: true })).filter((one) => one.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(there.map(({ name }) => name).sort());
  for (const { name, url, files } of folders) {
    expect(url.href).toBe(new URL(`${name}/`, home).href);
    expect(Object.keys(files).sort()).toEqual((await readdir(url)).sort());
    for (const [file, address] of Object.entries(files))
      expect(address.href).toBe(new URL(file, url).href);
  }
  for (const [name, one] of Object.entries(bundledDictionaries)) {
    expect(one.name).toBe(name);
    expect(Object.keys(bundledModels)).toContain(one.model);
  }
});

test("they are small", async () => {
  const files = folders.flatMap((folder) => Object.values(folder.files));
  const sizes = await Promise.all(files.map(async (url) => (await stat(url)).size));
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(MOST_BYTES);
});

test("they are those of their card, which is about the bundled model", async () => {
  const { measured } = await card();
  const words = await readFile(new URL("README.md", home), "utf8");
  const tales = JSON.parse(await readFile(new URL("card.json", bundledModels.tales.url), "utf8"));
  expect(measured.model).toBe(tales.measured.sha256);
  expect(words).toContain(measured.model);
  expect(measured.dictionaries.map(({ name }) => name)).toEqual(folders.map(({ name }) => name));
  for (const [i, { name, sha256, recovered, l0 }] of measured.dictionaries.entries()) {
    const path = fileURLToPath(folders[i]?.files["sae_weights.safetensors"] ?? "");
    expect(
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    ).toBe(sha256);
    expect(words).toContain(`\`${name}\`: \`${sha256}\``);
    expect(recovered).toBeGreaterThanOrEqual(0.95);
    expect(l0).toBeGreaterThan(5);
    expect(l0).toBeLessThan(15);
  }
});
