import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as analyses from "../src/analyses.ts";
import * as report from "../src/index.ts";

test("the package exports what its API says", () => {
  expect(Object.keys(report)).toEqual(["reportAnalysis"]);
  expect(Object.keys(analyses)).toEqual(["reportAnalyses"]);
});

test("what is needed at run time: no engine, no library of schemas", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual(
    ["analysis", "attention", "dictionary", "expansion", "linearity", "paths", "transformer"].map(
      (name) => `@resolvent/${name}`,
    ),
  );
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.sideEffects).toBe(false);
});
