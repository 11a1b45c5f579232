import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as transformer from "../src/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

test("what the package exports", () => {
  expect(Object.keys(transformer).sort()).toEqual([
    "ablatedSites",
    "adamStep",
    "affine",
    "architectureOf",
    "assembleModel",
    "attention",
    "blockNames",
    "blockPlaces",
    "blockWrite",
    "blocksOf",
    "checkHead",
    "chooses",
    "commonRuns",
    "constantOf",
    "crossEntropy",
    "embed",
    "everyPart",
    "finalSigma",
    "firstNotFiniteSite",
    "frozenAt",
    "generate",
    "groupOf",
    "hasBiases",
    "headName",
    "headNamed",
    "heldAt",
    "keptRuns",
    "keysOf",
    "klDivergence",
    "labelling",
    "levelOf",
    "likeliestTarget",
    "likeliestTokens",
    "loadModel",
    "loadTokenizer",
    "logProbabilities",
    "mapBlock",
    "mapWeights",
    "meanOverPositions",
    "meanValues",
    "mlp",
    "nextTokenLoss",
    "nodeWrite",
    "nodesNamed",
    "nodesOf",
    "normalize",
    "normedRead",
    "notFiniteWeights",
    "notedRuns",
    "onlyHead",
    "openLanes",
    "outlineModel",
    "ownWrites",
    "parametersOf",
    "parseHead",
    "partWrites",
    "plainSites",
    "queriesOf",
    "readJson",
    "recordedStream",
    "recording",
    "replacements",
    "replacing",
    "residualStream",
    "rotaryTable",
    "rotateHeads",
    "run",
    "runAlong",
    "runCost",
    "runValues",
    "scoresOf",
    "shapesOf",
    "sharedRuns",
    "sharedSize",
    "showBytes",
    "siteAxes",
    "siteNames",
    "siteNode",
    "softCap",
    "someNames",
    "someParts",
    "stageOfLayer",
    "storedRun",
    "streamNodes",
    "targetAt",
    "targetReadout",
    "targetValue",
    "tensorLayout",
    "toFirstLane",
    "tokenEmbedding",
    "tokenIds",
    "tokenizerOf",
    "traceBytes",
    "uncappedLogits",
    "unembed",
    "upToStage",
    "valuesOf",
    "weightPlans",
    "withAttention",
    "withFinalSigma",
    "within",
    "withoutBiases",
  ]);
});

test("what it depends on", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(Object.keys(manifest.dependencies)).toEqual(["@resolvent/weights", "oniguruma-to-es"]);
  expect(Object.keys(manifest.peerDependencies)).toEqual(["@resolvent/tensor"]);
});

test("it runs in browsers: no part needs Node", () => {
  const folder = join(root, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(15);
  for (const file of files) {
    const code = readFileSync(join(folder, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    expect(code, file).not.toMatch(/["']node:|\bBuffer\b|\bprocess\b|weights\/node/);
  }
});
