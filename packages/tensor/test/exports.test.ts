import { readFileSync } from "node:fs";
import * as tensor from "@resolvent/tensor";
import { expect, test } from "vitest";

test("the exported names", () => {
  expect(Object.keys(tensor).sort()).toEqual([
    "InputError",
    "InternalError",
    "STACK_MEMORY",
    "adjoint",
    "affineReadout",
    "alongShape",
    "arrangeShape",
    "axesOf",
    "binaryShape",
    "broadcastShape",
    "checkShape",
    "concatShape",
    "constantShape",
    "cost",
    "eigenShape",
    "inChunks",
    "inOrder",
    "isInputError",
    "isInternalError",
    "joinShape",
    "matmulRoles",
    "matmulShape",
    "placesIn",
    "priced",
    "profile",
    "putShape",
    "reachable",
    "readNumber",
    "readNumbers",
    "readTogether",
    "reference",
    "renameShape",
    "rotaryShape",
    "sameShape",
    "scopeResult",
    "series",
    "showShape",
    "sizeAlong",
    "sizeOf",
    "sliceShape",
    "softmaxShape",
    "splitShape",
    "stridesOf",
    "sumOf",
    "sumShape",
    "svdShape",
    "takeEntries",
    "takeShape",
    "tangent",
    "tensor",
    "topShape",
    "transposed",
    "triangleShape",
    "using",
    "widenHalf",
    "withoutAxes",
  ]);
});

test("nothing is needed at run time", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    expect(manifest[field], field).toBeUndefined();
  }
  expect(manifest.sideEffects).toBe(false);
});
