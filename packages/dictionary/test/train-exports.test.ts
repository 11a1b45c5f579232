import { expect, test } from "vitest";
import * as api from "../src/train/index.ts";

test("the entry exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "freshState",
    "lossAndGradients",
    "readCheckpoint",
    "trainDictionary",
    "trainingStep",
    "writeCheckpoint",
  ]);
});
