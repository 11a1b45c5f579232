import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInputError } from "@resolvent/tensor";
import { afterAll, expect, test } from "vitest";
import { hubFile, hubPlace } from "../src/dictionary-name.ts";
import { findDictionary } from "../src/node.ts";

const folder = mkdtempSync(join(tmpdir(), "resolvent-dictionary-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a folder here is one, and keeps the name that it was given", async () => {
  writeFileSync(join(folder, "cfg.json"), "{}");
  const found = await findDictionary(folder);
  expect(found.name).toBe(folder);
  expect(await found.folder.open("cfg.json")).toBeDefined();
  expect(await found.elsewhere("/etc/passwd")).toBeUndefined();
  expect(await found.elsewhere("https://example.org/x")).toBeUndefined();
});

test("what is no folder is refused with what to name", async () => {
  for (const name of [join(folder, "cfg.json"), join(folder, "none"), "org/name"]) {
    const error = await findDictionary(name).catch((caught: unknown) => caught);
    expect(isInputError(error) && error.code).toBe("resolvent/no-dictionary");
    expect(String(error)).toContain(name);
  }
});

test("places on the Hub: a repository, a revision, a folder", () => {
  expect(hubPlace("hub:org/name/layer_12/width_16k")).toEqual({
    ...{ repo: "org/name", folder: "layer_12/width_16k" },
  });
  expect(hubPlace("hub:org/name@v1.0/a")).toEqual({
    repo: "org/name",
    revision: "v1.0",
    folder: "a",
  });
  expect(hubPlace("hub:org/name")).toEqual({ repo: "org/name", folder: "" });
  expect(hubPlace("hub:gpt2")).toEqual({ repo: "gpt2", folder: "" });
  expect(hubPlace("org/name")).toBeUndefined();
});

test("files that circuit-tracer's configs name", () => {
  expect(hubFile("hf://org/name/a/layer_0.safetensors?revision=abc")).toEqual({
    ...{ repo: "org/name", folder: "a", file: "layer_0.safetensors", revision: "abc" },
  });
  expect(hubFile("hf://org/name/layer_0.safetensors")).toEqual({
    ...{ repo: "org/name", folder: "", file: "layer_0.safetensors" },
  });
  for (const odd of ["hf://org", "hf://org/name", "hf://org/name/", "file:///etc/passwd", "x"]) {
    expect(hubFile(odd)).toBeUndefined();
  }
});
