import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { talesDictionariesRecipe } from "../src/dictionaries/recipe.ts";
import { dictionariesFolder } from "../src/dictionaries/writing.ts";
import { targetFolder } from "../src/target.ts";
import { talesVariantsRecipe } from "../src/variants/recipe.ts";
import { variantsFolder, variantsIn } from "../src/variants/writing.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resolvent-make-"));
  await mkdir(join(folder, "empty"));
  for (const [name, files] of [
    ["model", ["config.json", "model.safetensors", "README.md"]],
    ["half", ["model.safetensors"]],
    ["mine", ["config.json", "thesis.tex"]],
  ] as const) {
    await mkdir(join(folder, name));
    for (const file of files) await writeFile(join(folder, name, file), "{}");
  }
});
afterAll(() => rm(folder, { recursive: true }));

const code = (name: string) => expect.objectContaining({ code: name });

describe("the folder that a model is written to", () => {
  test("is new or empty, and its path has no slash at the end", async () => {
    for (const name of ["new", "new/", "./a/../new//"]) {
      expect(await targetFolder(`${folder}/${name}`)).toBe(join(folder, "new"));
    }
    expect(await targetFolder(join(folder, "empty"))).toBe(join(folder, "empty"));
  });

  test("may be a model's that is to be replaced", async () => {
    for (const name of ["model", "half"]) {
      const path = join(folder, name);
      await expect(targetFolder(path)).rejects.toThrow(code("train/exists"));
      expect(await targetFolder(path, { overwrite: true })).toBe(path);
    }
  });

  test("is never one with other files", async () => {
    for (const overwrite of [false, true]) {
      const other = targetFolder(join(folder, "mine"), { overwrite });
      await expect(other).rejects.toThrow(code("train/other-files"));
      const above = targetFolder(folder, { overwrite });
      await expect(above).rejects.toThrow(code("train/other-files"));
    }
  });

  test("is no file", async () => {
    await expect(targetFolder(join(folder, "model", "config.json"))).rejects.toThrow(/ENOTDIR/);
  });
});

const scripts = [
  { name: "make-tales", url: new URL("../dist/make-tales.js", import.meta.url) },
  { name: "make-attn-only", url: new URL("../dist/make-attn-only.js", import.meta.url) },
];
const built = scripts.every(({ url }) => existsSync(url));
const unbuilt = built ? "" : " (skipped: not built; npx tsc -b tools/train)";
describe.skipIf(!built).each(scripts)(`$name${unbuilt}`, ({ url }) => {
  const script = fileURLToPath(url);
  const make = (...args: string[]) =>
    spawnSync(process.execPath, [script, ...args], { encoding: "utf8", timeout: 120_000 });

  test("refuses a folder with a model before it does anything", async () => {
    const path = join(folder, "model");
    const { status, stdout, stderr } = make("--out", path);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/holds 3 files of a model already\. Give --overwrite/);
    expect((await readdir(path)).sort()).toEqual(["README.md", "config.json", "model.safetensors"]);
    expect(await readFile(join(path, "config.json"), "utf8")).toBe("{}");
    expect(existsSync(`${path}.partial`)).toBe(false);
  });

  test("refuses a folder with other files even if it may overwrite", () => {
    const { status, stderr } = make("--out", join(folder, "mine"), "--overwrite");
    expect(status).toBe(1);
    expect(stderr).toMatch(/thesis\.tex, which is no file of a model/);
    expect(existsSync(join(folder, "mine", "thesis.tex"))).toBe(true);
  });

  test("needs a folder, and knows its options", () => {
    expect(make().stderr).toContain("Give --out FOLDER.");
    expect(make("--ot", "x").stderr).toContain("--ot");
  });
});

describe("the folder that dictionaries are written to", () => {
  const own = (path: string, overwrite = false) =>
    dictionariesFolder(join(folder, path), talesDictionariesRecipe, { overwrite });

  test("is new, or theirs and nothing else", async () => {
    await mkdir(join(folder, "made", "sae-1"), { recursive: true });
    await writeFile(join(folder, "made", "sae-1", "cfg.json"), "{}");
    expect(await own("none")).toBe(join(folder, "none"));
    expect(await own("made", true)).toBe(join(folder, "made"));
    await expect(own("made")).rejects.toThrow(code("train/exists"));
    await expect(own("model", true)).rejects.toThrow(code("train/other-files"));
    await writeFile(join(folder, "made", "sae-1", "notes.txt"), "mine");
    await expect(own("made", true)).rejects.toThrow(code("train/other-files"));
  });

  const url = new URL("../dist/make-dictionaries.js", import.meta.url);
  test.skipIf(!existsSync(url))(`is looked at before anything is trained${unbuilt}`, () => {
    const args = [fileURLToPath(url), "--out", join(folder, "mine"), "--overwrite"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/which is no file of these dictionaries and would be lost/);
  });
});

describe("the folder that variants are written to", () => {
  test("is new, or theirs and nothing else", async () => {
    const own = (path: string) =>
      variantsFolder(join(folder, path), talesVariantsRecipe, { overwrite: true });
    await mkdir(join(folder, "variants", "rows"), { recursive: true });
    await writeFile(join(folder, "variants", "rows", "packed.safetensors"), "mine");
    expect(await own("variants")).toBe(join(folder, "variants"));
    const kept = await variantsIn(join(folder, "variants"), talesVariantsRecipe);
    expect([...kept]).toEqual([["rows", Buffer.from("mine")]]);
    await expect(own("model")).rejects.toThrow(code("train/other-files"));
    await writeFile(join(folder, "variants", "rows", "notes.txt"), "mine");
    await expect(own("variants")).rejects.toThrow(code("train/other-files"));
  });

  const url = new URL("../dist/make-variants.js", import.meta.url);
  test.skipIf(!existsSync(url))(`is looked at before anything is trained${unbuilt}`, () => {
    const args = [fileURLToPath(url), "--out", join(folder, "mine"), "--keep"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/which is no file of these variants and would be lost/);
  });
});
