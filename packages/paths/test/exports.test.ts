import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as analyses from "../src/analyses.ts";
import * as api from "../src/index.ts";

test("the package exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "allSources",
    "directAttribution",
    "directionReadout",
    "effects",
    "expandPaths",
    "frozenRun",
    "headReadout",
    "liveSources",
    "logitReadout",
    "pathText",
    "pathsCost",
    "pathsError",
    "pullBack",
    "routeText",
    "routesOf",
    "scoreReadout",
    "shownVerdict",
    "sourceText",
    "spread",
    "stepNamed",
    "stepsOf",
    "topPaths",
    "verify",
    "withVerdicts",
  ]);
  expect(Object.keys(analyses)).toEqual(["pathsAnalyses"]);
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
