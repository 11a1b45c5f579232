import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as linearity from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(linearity).sort()).toEqual([
    "Regression",
    "STEPS",
    "applied",
    "curvature",
    "degreeSquares",
    "effectiveRank",
    "linearityCost",
    "linearityScore",
    "mapTensors",
    "measureLinearity",
    "replacedRuns",
    "sampleSequences",
    "scoreJacobianLens",
    "startLens",
    "superposition",
    "textPieces",
    "tokenLines",
    "trainLens",
  ]);
});

test("what is needed at run time: no engine, no library of schemas", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toEqual({
    "@resolvent/analysis": "workspace:^",
    "@resolvent/expansion": "workspace:^",
    "@resolvent/transformer": "workspace:^",
  });
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.optionalDependencies).toBeUndefined();
  expect(manifest.sideEffects).toBe(false);
});
