import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as expansion from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(expansion).sort()).toEqual([
    "GATES",
    "NEAR_NATS",
    "SPLITTINGS",
    "anatomyOf",
    "balanceError",
    "carried",
    "checkGates",
    "chooseEdge",
    "degreeTerms",
    "degreeWithin",
    "epsilonSeries",
    "epsilonTerms",
    "expandByDegree",
    "expandCost",
    "expandScore",
    "fitJacobianLens",
    "gateAt",
    "interactionTerms",
    "interactions",
    "interactionsCost",
    "interactionsError",
    "jacobianLensChunks",
    "jacobianLensCost",
    "jacobianTensors",
    "layerEnds",
    "logitLens",
    "logitShares",
    "measureSeries",
    "measureTerms",
    "playersOf",
    "promptJacobians",
    "qkDegrees",
    "radiusEstimates",
    "readJacobianLens",
    "referenceWrites",
    "scoreBalance",
    "scoreCost",
    "scoreTerms",
    "seriesCost",
    "sweep",
    "truncatedTree",
    "vectorEpsilon",
  ]);
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
