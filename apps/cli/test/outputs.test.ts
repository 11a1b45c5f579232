import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const ids = Array.from({ length: 12 }, (_, i) =>
  Array.from({ length: 16 }, (_, k) => (i * k + k) % 29).join(","),
).join("\n");

let model: string;
beforeAll(async () => {
  model = await writeModel(at("small"), "gpt2");
  mkdirSync(at("folder"));
  symlinkSync(at("folder"), at("link"));
  writeFileSync(at("there.txt"), "mine");
  writeFileSync(at("ids.txt"), ids);
});

const linearity = ["linearity", "M", "--tokens-file", at("ids.txt"), "--draws", "2"];
const trace = ["run", "M", "--tokens", "1,2,3", "--sites", "*.pattern"];
const call = (args: readonly string[], input = ""): Promise<Ran> =>
  run(
    [...analyses],
    args.map((word) => (word === "M" ? model : word)),
    { input },
  );

describe("places are looked at before any work is done, and before the model is looked for", () => {
  test.each<[string[], string]>([
    [[...trace, "--output", at("nowhere", "a.csv")], "cannot be written (ENOENT)"],
    [[...trace, "--output", at("there.txt", "a.csv")], "cannot be written (ENOTDIR)"],
    [[...trace, "--output", at("folder")], "names a folder"],
    [[...trace, "--output", at("link"), "--overwrite"], "names a folder"],
    [[...trace, "--output", at("new.csv/")], "names a folder"],
    [[...trace, "--output", ""], "names a folder"],
    [[...trace, "--output", at("there.txt")], "is there already"],
    [[...trace, "--save", at("nowhere", "a")], "cannot be written (ENOENT)"],
    [[...trace, "--save", at("folder"), "--overwrite"], "--save: "],
    [[...trace, "--save", at("there.txt")], "is there already"],
    [[...trace, "--save", "-"], "--save writes no text"],
    [[...trace, "--save", at("a"), "--output", at("folder", "..", "a")], "--output and --save are"],
    [[...linearity, "--html", at("nowhere", "a")], "cannot be written (ENOENT)"],
    [[...linearity, "--html", at("folder")], "--html: "],
    [[...linearity, "--html", at("there.txt")], "is there already"],
    [[...linearity, "--html", "-"], "--output and --html are one place: standard output"],
    [[...linearity, "--output", at("a"), "--html", at("a")], "--output and --html are one place"],
    [[...linearity, "--html", at("folder", "a"), "--resume", at("link", "a")], "one place"],
    [[...linearity, "--resume", at("nowhere", "a")], "cannot be written (ENOENT)"],
    [[...linearity, "--resume", at("folder")], "--resume: "],
    [[...linearity, "--resume", "-"], "--resume keeps its work in a file"],
    [
      [...linearity, "--output", at("ids.txt"), "--overwrite"],
      "--output and --tokens-file are one place",
    ],
  ])("%j", async (args, said) => {
    const { code, stdout, stderr } = await call(args.map((word) => (word === "M" ? "none" : word)));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain("none");
    expect(await readFile(at("ids.txt"), "utf8")).toBe(ids);
    expect(existsSync(at("a"))).toBe(false);
  });
});

describe("- is standard output, and standard input", () => {
  test("of a result: as without it, in the format that is asked for", async () => {
    for (const format of ["table", "json", "ndjson", "csv"]) {
      const args = ["inspect", "M", "--format", format];
      expect(await call([...args, "--output", "-"])).toEqual(await call(args));
    }
  });

  test("of a page, where the result goes to a file", async () => {
    const { code, stdout } = await call([
      ...linearity,
      ...["--lens-passes", "0", "--html", "-", "--output", at("page.json")],
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(JSON.parse(await readFile(at("page.json"), "utf8")).kind).toBe("linearity");
  });

  test("of a file that is read", async () => {
    const args = ["--draws", "2", "--lens-passes", "0", "--json"];
    const piped = await call(["linearity", "M", "--tokens-file", "-", ...args], ids);
    expect(piped.code).toBe(0);
    const named = await call(["linearity", "M", "--tokens-file", at("ids.txt"), ...args]);
    expect(JSON.parse(piped.stdout)).toEqual({
      ...JSON.parse(named.stdout),
      input: { ...JSON.parse(named.stdout).input, corpus: "standard input" },
    });
    const both = await call(["linearity", "M", "--tokens-file", "-", "--corpus", "-"], ids);
    expect([both.code, both.stdout]).toEqual([2, ""]);
    expect(both.stderr).toContain("--corpus and --tokens-file both read standard input");
  });
});

describe("the name of a file says the format", () => {
  test.each([
    ["a.csv", [], /^id,text,logit,probability\n/, "has the result."],
    ["a.CSV", [], /^id,text,logit,probability\n/, "has the result."],
    ["a.json", [], /^\{\n {2}"schemaVersion": 1/, "has the result."],
    ["a.ndjson", [], /^\{"schemaVersion":1.*\n\{"kind":"next-token"/, "has the result."],
    ["a.txt", [], /^ *id {2}next token/m, "has the result."],
    ["a", [], /^ *id {2}next token/m, "has the result."],
    ["b.json", ["--format", "csv"], /^id,text/, "has the result, in the format csv."],
    ["b.csv", ["--format", "table"], /^ *id {2}next token/m, "has the result, as text."],
  ])("%s %j", async (name, more, content, said) => {
    const path = at("folder", name);
    const ran = await call(["run", "M", "--tokens", "1,2", "--output", path, ...more]);
    expect(ran).toEqual({ code: 0, stdout: "", stderr: `${path} ${said}\n` });
    expect(await readFile(path, "utf8")).toMatch(content);
  });
});

describe("one table of a result", () => {
  test("is chosen by its kind; a wrong one is refused at once", async () => {
    const ran = await call([
      ...trace,
      "--only",
      "site",
      "--format",
      "csv",
      "--filter",
      "norm:gt:0",
    ]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout.split("\n")).toHaveLength(1 + 2 + 1);
    const wrong = await call(["run", "nowhere", "--tokens", "1", "--only", "sites"]);
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("Allowed choices are next-token, site, generated-token");
    const none = await call(["run", "M", "--tokens", "1", "--only", "site"]);
    expect([none.code, none.stderr]).toEqual([
      2,
      'resolvent: This result has no table "site". Its tables: next-token. [cli/usage]\n',
    ]);
  });

  test.each([
    ["--only", "site"],
    ["--sort", "norm"],
    ["--filter", "norm>1"],
  ])("%s is not for JSON", async (flag, value) => {
    const ran = await call([...trace, flag, value, "--json"]);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain(`${flag} chooses from tables, and JSON is the whole result`);
  });
});
