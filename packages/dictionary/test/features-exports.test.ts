import { expect, test } from "vitest";
import * as api from "../src/features/index.ts";

test("the entry exports what its API says", () => {
  expect(Object.keys(api).sort()).toEqual([
    "comesBefore",
    "featuresFed",
    "featuresFeeding",
    "gatherFeatures",
    "headsFeeding",
    "largestOf",
    "nearestFeatures",
    "promotedTokens",
    "tokensRead",
  ]);
});
