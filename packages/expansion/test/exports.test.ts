import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as expansion from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(expansion).sort()).toEqual([
    "CIRCUIT_SIZES",
    "GATES",
    "PAIRS_LIMIT",
    "PATCH_METHODS",
    "SPLITTINGS",
    "agreement",
    "allSources",
    "anatomyOf",
    "areaUnder",
    "balanceError",
    "branchTargets",
    "checkGates",
    "chooseEdge",
    "circuitTargets",
    "degreeTerms",
    "directAttribution",
    "directionReadout",
    "edgesOf",
    "effects",
    "epsilonSeries",
    "epsilonSeriesCost",
    "epsilonTerms",
    "expandByDegree",
    "expandPaths",
    "expandScore",
    "expansionAnalyses",
    "expansionCost",
    "findCircuit",
    "frozenAt",
    "frozenRun",
    "gateAt",
    "headReadout",
    "interactionTerms",
    "interactions",
    "interactionsCost",
    "interactionsError",
    "likeliestTarget",
    "liveSources",
    "logitReadout",
    "measureSeries",
    "measureTerms",
    "namedTarget",
    "parsePairs",
    "patchCost",
    "patchEffects",
    "patchGraph",
    "patchSetting",
    "pathNodes",
    "pathText",
    "pathsCost",
    "pathsError",
    "playersOf",
    "pullBack",
    "qkDegrees",
    "radiusEstimates",
    "referenceWrites",
    "scoreBalance",
    "scoreCost",
    "scoreTerms",
    "sourceText",
    "spread",
    "sweep",
    "targetParameter",
    "targetReadout",
    "targetText",
    "targetValue",
    "topPaths",
    "truncatedTree",
    "vectorEpsilon",
    "verify",
  ]);
});

test("what is needed at run time: no engine, the schemas of parameters", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toEqual({
    "@resolvent/analysis": "workspace:^",
    "@resolvent/tensor": "workspace:^",
    "@resolvent/transformer": "workspace:^",
    zod: "^4.6.7",
  });
  for (const field of ["peerDependencies", "optionalDependencies"]) {
    expect(manifest[field], field).toBeUndefined();
  }
  expect(manifest.sideEffects).toBe(false);
});
