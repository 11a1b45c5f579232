import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as align from "../src/align/index.ts";
import * as merge from "../src/index.ts";
import * as measure from "../src/measure/index.ts";
import * as merging from "../src/merging.ts";
import * as methods from "../src/methods/index.ts";
import * as node from "../src/node/index.ts";

test("the exported names", () => {
  expect(Object.keys(merge).sort()).toEqual([
    "METHODS",
    "mergeBytes",
    "mergeInto",
    "mergePlanned",
    "mergeTensor",
    "mergedBytes",
    "modelsOf",
    "openMergeModel",
    "planMerge",
    "readMergeConfig",
  ]);
  expect(Object.keys(measure).sort()).toEqual([
    "checkSameShape",
    "combineModels",
    "compareHeads",
    "comparePaths",
    "compareTensor",
    "compareTensors",
    "crossTaskLinearity",
    "degreeLinearity",
    "linearPath",
    "lossBarrier",
    "lossGrid",
    "meanLoss",
    "readWeights",
    "storedPath",
  ]);
  expect(Object.keys(merging).sort()).toEqual(["mergeAnalysis"]);
  expect(Object.keys(node).sort()).toEqual(["forwardCheck", "writeMerge"]);
  expect(Object.keys(align).sort()).toEqual([
    "alignModels",
    "bestAssignment",
    "changeBasis",
    "inverse",
    "logitDifference",
    "matchActivations",
    "matchRotations",
    "matchWeights",
    "matchingCost",
    "memoryModel",
    "permutedFolder",
    "permutedTensors",
    "rotationCost",
  ]);
  expect(Object.keys(methods).sort()).toEqual([
    "SPARSIFIERS",
    "arceeFusion",
    "karcher",
    "linear",
    "modelStock",
    "multislerp",
    "nearswap",
    "nuslerp",
    "passthrough",
    "sce",
    "slerp",
    "sparsify",
    "taskVectors",
    "uniform",
  ]);
});

test("what is needed at run time: files, layouts of models, a reader of YAML, expansions for the measures, samples of a corpus", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual([
    "@resolvent/analysis",
    "@resolvent/expansion",
    "@resolvent/linearity",
    "@resolvent/paths",
    "@resolvent/transformer",
    "@resolvent/weights",
    "yaml",
  ]);
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.optionalDependencies).toBeUndefined();
  expect(manifest.sideEffects).toBe(false);
});
