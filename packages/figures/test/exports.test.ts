import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as figures from "../src/index.ts";

test("the exported names", () => {
  expect(Object.keys(figures).sort()).toEqual([
    "COLOURS",
    "FIGURE",
    "THEME",
    "besideTable",
    "counted",
    "escapeHtml",
    "layout",
    "layoutOfPaths",
    "listRows",
    "minuses",
    "nearOf",
    "pageOf",
    "paint",
    "reportPage",
    "spelledOut",
    "svgNode",
    "svgOf",
    "svgText",
    "visible",
  ]);
});

test("what is needed at run time: no drawing library, no DOM", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual(["@resolvent/analysis"]);
  expect(manifest.sideEffects).toBe(false);
});
