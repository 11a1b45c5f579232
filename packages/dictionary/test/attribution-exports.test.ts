import { expect, test } from "vitest";
import * as api from "../src/attribution/index.ts";

test("the entry exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "attributionGraph",
    "edgeDegrees",
    "edgeHops",
    "hopScore",
    "targetDegrees",
    "verifyEdge",
    "withDegrees",
  ]);
});
