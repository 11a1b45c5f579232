import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("the package exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "FORMULAS",
    "activations",
    "decode",
    "decodeCrossLayer",
    "encode",
    "evaluateDictionary",
    "evaluateTogether",
    "featureReadout",
    "loadDictionaries",
    "loadDictionary",
    "normalise",
    "outlineDictionaries",
    "parseSite",
    "positionsFor",
    "preActivations",
    "reconstruct",
    "saveDictionary",
    "scoreParts",
    "siteOfHook",
    "siteText",
    "sourceStreams",
    "verifyFeature",
    "virtualLogits",
    "virtualWeights",
    "withCrossLayer",
    "withDictionaries",
    "withPromptModels",
  ]);
});

test("what is needed at run time: models, weights and paths, no engine", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual([
    "@resolvent/analysis",
    "@resolvent/paths",
    "@resolvent/transformer",
    "@resolvent/weights",
  ]);
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.optionalDependencies).toBeUndefined();
  expect(manifest.sideEffects).toBe(false);
});
