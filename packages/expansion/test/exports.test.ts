import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as expansion from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(expansion).sort()).toEqual([
    "GATES",
    "anatomyOf",
    "balanceError",
    "checkGates",
    "degreeTerms",
    "expandByDegree",
    "expansionCost",
    "frozenAt",
    "gateAt",
    "measureTerms",
    "referenceWrites",
    "sweep",
    "truncatedTree",
  ]);
});

test("what is needed at run time: no engine, nothing from outside", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toEqual({
    "@resolvent/tensor": "workspace:^",
    "@resolvent/transformer": "workspace:^",
  });
  for (const field of ["peerDependencies", "optionalDependencies"]) {
    expect(manifest[field], field).toBeUndefined();
  }
  expect(manifest.sideEffects).toBe(false);
});
