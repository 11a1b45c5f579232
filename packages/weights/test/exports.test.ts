import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as hash from "../src/hash.ts";
import * as hub from "../src/hub/index.ts";
import * as weights from "../src/index.ts";
import * as node from "../src/node/index.ts";
import * as npz from "../src/npz/index.ts";
import * as packed from "../src/packed/index.ts";
import * as torch from "../src/torch/index.ts";

const source = fileURLToPath(new URL("../src", import.meta.url));

test("what the package exports", () => {
  expect(Object.keys(weights).sort()).toEqual([
    "DTYPES",
    "bitsInto",
    "blobSource",
    "bytesPerEntry",
    "decodeInto",
    "decodeNumbers",
    "didYouMean",
    "encodeNumbers",
    "inFileOrder",
    "isDtype",
    "isFileName",
    "memoryFolder",
    "memorySource",
    "narrowBF16",
    "narrowF16",
    "nearestNames",
    "openCheckpoint",
    "openSafetensors",
    "parsePythonJson",
    "readOnThread",
    "readTensor",
    "safetensorsChunks",
    "tensorBytes",
    "urlFolder",
    "urlSource",
    "widenBF16",
    "widenF16",
    "writeSafetensors",
  ]);
  expect(Object.keys(hash).sort()).toEqual(["checkpointSha256", "newSha256"]);
  expect(Object.keys(hub).sort()).toEqual([
    "hubBlobs",
    "hubFolder",
    "removeStoredRepo",
    "storedRepos",
  ]);
  expect(Object.keys(npz)).toEqual(["openNpz"]);
  expect(Object.keys(packed).sort()).toEqual(["packCheckpoint", "unpackedFolder"]);
  expect(Object.keys(torch).sort()).toEqual(["isTorchTensor", "openTorch", "torchChunks"]);
  expect(Object.keys(node).sort()).toEqual([
    "checkpointSha256",
    "digestFile",
    "digestFilePath",
    "fileSource",
    "folderOf",
    "holdFolder",
    "hubFolder",
    "isHold",
    "makeFolder",
    "readOnThread",
    "removeLeft",
    "temporaryBeside",
    "writePieces",
    "writeSafetensorsFile",
  ]);
});

test("only the /node part needs Node", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !/^node[/\\]/.test(file),
  );
  expect(files.length).toBeGreaterThan(25);
  const needing = files.filter((file) => {
    const code = readFileSync(join(source, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    return /["']node:|["']\.{1,2}\/node\/|\bBuffer\b|\bprocess\b/.test(code);
  });
  expect(needing).toEqual([]);
});
