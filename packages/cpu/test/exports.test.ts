import { readFileSync } from "node:fs";
import * as cpu from "@resolvent/cpu";
import * as wide from "@resolvent/cpu/wide";
import { expect, test } from "vitest";

test("the exported names", () => {
  expect(Object.keys(cpu).sort()).toEqual([
    "createCpu",
    "createLinearAlgebra",
    "inspectMachine",
    "lapackLinearAlgebra",
  ]);
  expect(Object.keys(wide)).toEqual(["wideKernels"]);
});

test("what is needed at run time: koffi only where it can be had", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
  expect(Object.keys(manifest.optionalDependencies)).toEqual(["koffi"]);
  expect(manifest.sideEffects).toBe(false);
});
