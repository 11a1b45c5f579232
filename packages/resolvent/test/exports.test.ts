import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as browser from "../src/index.ts";
import * as node from "../src/node.ts";

test("the package exports the same names in Node and in browsers", () => {
  const names = [
    "ENGINES",
    "LanguageModel",
    "chooseEngine",
    "findDictionaries",
    "findDictionary",
    "findFolder",
    "openModel",
    "selectEngine",
  ];
  expect(Object.keys(node).sort()).toEqual(names);
  expect(Object.keys(browser).sort()).toEqual(names);
});

test("what is needed at run time: schemas and degrees for the analyses alone, orders for permuted copies", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual([
    "@resolvent/analysis",
    "@resolvent/cpu",
    "@resolvent/expansion",
    "@resolvent/gpujs",
    "@resolvent/merge",
    "@resolvent/models",
    "@resolvent/tensor",
    "@resolvent/transformer",
    "@resolvent/webgpu",
    "@resolvent/weights",
  ]);
  expect(manifest.sideEffects).toBe(false);
});
