import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../src/graph/index.ts";

test("the entry exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "cantorPair",
    "cantorUnpair",
    "countPaths",
    "cumulativeInfluence",
    "errorFields",
    "featureFields",
    "graphFile",
    "graphLayout",
    "graphScores",
    "groupGraph",
    "influence",
    "keptGraph",
    "logitFields",
    "logitWeights",
    "nodeName",
    "nodesOfKind",
    "pinnedIds",
    "promptTokens",
    "pruneGraph",
    "prunedBefore",
    "readGraph",
    "readTorchGraph",
    "signedTotals",
    "strongestPaths",
    "subgraph",
    "supernodes",
    "tokenFields",
    "unpinnedAsErrors",
    "wholeGraph",
    "withLabels",
    "withPins",
  ]);
});

test("what is needed at run time: no engine and no schemas", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual([
    "@resolvent/analysis",
    "@resolvent/paths",
    "@resolvent/transformer",
    "@resolvent/weights",
  ]);
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.sideEffects).toBe(false);
});
