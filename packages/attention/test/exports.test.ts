import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as attention from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(attention).sort()).toEqual([
    "COMPOSITION_KINDS",
    "RAW",
    "attentionFactors",
    "circuitSvd",
    "composition",
    "compositionScore",
    "copying",
    "copyingScore",
    "cyclicFormsOf",
    "eigenvaluesOf",
    "headScores",
    "ovCircuit",
    "ovTable",
    "processWeights",
    "processingFor",
    "processingRecord",
    "qkCircuit",
    "qkTable",
    "repeatedSequences",
    "textScores",
    "tokensRead",
    "tokensWritten",
  ]);
});

test("what is needed at run time: no engine", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual([
    "@resolvent/analysis",
    "@resolvent/transformer",
  ]);
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(manifest.optionalDependencies).toBeUndefined();
  expect(manifest.sideEffects).toBe(false);
});
