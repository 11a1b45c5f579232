import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf } from "@resolvent/weights/node";
import { unpackedFolder } from "@resolvent/weights/packed";
import { expect, test } from "vitest";
import { bundledModels } from "../src/index.ts";
import { bundledVariants } from "../src/variants.ts";

/** What all of them may weigh, so that installing the package is nothing to think about. */
const MOST_BYTES = 4_000_000;

const home = fileURLToPath(new URL("../tales-variants/", import.meta.url));
const packed = Object.values(bundledVariants).filter((variant) => variant.kind === "packed");

test("each file that a program reads has its address, and all are small", async () => {
  let bytes = 0;
  for (const file of await readdir(home, { recursive: true })) {
    const { size } = await stat(`${home}/${file}`);
    bytes += size;
  }
  expect(bytes).toBeLessThan(MOST_BYTES);
  const folders = (await readdir(home)).filter((file) => !/^(README\.md|card\.json)$/.test(file));
  expect(packed.map(({ name }) => name.replace("tales-", "")).sort()).toEqual(folders.sort());
  for (const { url, files } of packed) {
    expect(await readdir(fileURLToPath(url))).toEqual(Object.keys(files));
    expect(files["packed.safetensors"].href).toBe(new URL("packed.safetensors", url).href);
  }
});

test("each is the model of its card, of the shape of tales", async () => {
  const card = await readFile(`${home}/README.md`, "utf8");
  const base = folderOf(fileURLToPath(bundledModels.tales.url));
  const { names, info } = await openCheckpoint(base);
  for (const { name, url } of packed) {
    const folder = unpackedFolder(folderOf(fileURLToPath(url)), { base, name });
    const checkpoint = await openCheckpoint(folder);
    expect(card).toContain(`\`${name}\`: \`${await checkpointSha256(checkpoint)}\``);
    expect(checkpoint.names).toEqual(names);
    for (const tensor of names) expect(checkpoint.info(tensor).shape).toEqual(info(tensor).shape);
  }
});
