import { readFileSync } from "node:fs";
import * as tensor from "@resolvent/tensor";
import * as rules from "@resolvent/tensor/rules";
import { expect, test } from "vitest";

test("the exported names", () => {
  expect(Object.keys(tensor).sort()).toEqual([
    "InputError",
    "InternalError",
    "STACK_MEMORY",
    "adjoint",
    "affineReadout",
    "axesOf",
    "cost",
    "drawing",
    "engineAccuracy",
    "finishedProduct",
    "foldOver",
    "hostValue",
    "inChunks",
    "inOrder",
    "isInputError",
    "isInternalError",
    "onceMade",
    "pairDots",
    "pairSums",
    "placesIn",
    "priced",
    "profile",
    "reachable",
    "readNumber",
    "readNumbers",
    "readTogether",
    "reference",
    "sameShape",
    "series",
    "showShape",
    "sizeAlong",
    "sizeOf",
    "stridesOf",
    "sumOf",
    "takeEntries",
    "tangent",
    "tensor",
    "transposed",
    "using",
    "widenHalf",
    "withoutAxes",
  ]);
  expect(Object.keys(rules).sort()).toEqual([
    "Scopes",
    "adjacentRun",
    "alongShape",
    "around",
    "arrangeShape",
    "binaryShape",
    "broadcastShape",
    "checkShape",
    "concatShape",
    "constantShape",
    "countOf",
    "eigenShape",
    "handlesIn",
    "isBetterTurned",
    "joinShape",
    "loopsOver",
    "maskNumbers",
    "matmulRoles",
    "matmulShape",
    "merged",
    "neighbours",
    "productLoops",
    "putShape",
    "renameShape",
    "rotaryShape",
    "rowsOrder",
    "scopeResult",
    "sliceShape",
    "softmaxShape",
    "splitShape",
    "sumRuns",
    "sumShape",
    "svdShape",
    "swapped",
    "takeShape",
    "topShape",
    "triangleShape",
    "turnedOver",
    "walkOf",
  ]);
});

test("nothing is needed at run time", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    expect(manifest[field], field).toBeUndefined();
  }
  expect(manifest.sideEffects).toBe(false);
});
