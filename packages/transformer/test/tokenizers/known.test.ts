import { describe, expect, test } from "vitest";
import { tokenizerOf } from "../../src/index.ts";
import { KNOWN } from "./known.ts";
import { describeWithOriginal } from "./original.ts";

describe("small tokenizers, by hand", () => {
  test.each(KNOWN)("$name", ({ json, text, tokens }) => {
    const tokenizer = tokenizerOf(json);
    expect(tokenizer.encode(text)).toEqual(tokens.map((token) => tokenizer.id(token)));
  });
});

describeWithOriginal("the original gives the same", (originalOf) => {
  test.each(KNOWN)("$name", async ({ json, text, tokens }) => {
    const original = originalOf({ version: "1.0", added_tokens: [], ...json });
    const expected = tokens.map((token) => original.id(token));
    expect(expected).not.toContain(null);
    expect(await original.encode(text, true)).toEqual(expected);
  });
});
