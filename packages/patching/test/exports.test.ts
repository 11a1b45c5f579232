import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as analyses from "../src/analyses.ts";
import * as api from "../src/index.ts";

test("the package exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "CIRCUIT_SIZES",
    "MEASURES",
    "PAIRS_LIMIT",
    "PATCH_METHODS",
    "agreement",
    "areaUnder",
    "askedOf",
    "branchTargets",
    "circuitTargets",
    "edgesOf",
    "effectOf",
    "findCircuit",
    "mibGraph",
    "mibScores",
    "parsePairs",
    "patchCost",
    "patchEffects",
    "patchGraph",
    "patchSetting",
    "readMibGraph",
  ]);
  expect(Object.keys(analyses)).toEqual(["patchingAnalyses"]);
});

test("what is needed at run time: no engine, no library of schemas", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toEqual({
    "@resolvent/analysis": "workspace:^",
    "@resolvent/transformer": "workspace:^",
    "@resolvent/weights": "workspace:^",
  });
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.optionalDependencies).toBeUndefined();
  expect(manifest.sideEffects).toBe(false);
});
