import { showBytes } from "@resolvent/transformer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTokenNames, tokenNotation } from "../src/index.ts";

describe("tokens in one line", () => {
  test.each<[string, (string | number)[]]>([
    ["id:346", [346]],
    [" Mary", [" Mary"]],
    [" Mary, John", [" Mary", " John"]],
    ['" Mary"," John"', [" Mary", " John"]],
    ["5", ["5"]],
    ["5,id:5,7", ["5", 5, "7"]],
    ['"id:5"', ["id:5"]],
    ["id:five", ["id:five"]],
    ["\\x69d:5", ["id:5"]],
    ['","', [","]],
    ["\\,,a", [",", "a"]],
    ['"a,b",c', ["a,b", "c"]],
    ['""""', ['"']],
    ['"say ""hi"""', ['say "hi"']],
    ['\\"', ['"']],
    ['a"b', ['a"b']],
    ['a""b', ['a""b']],
    [' "', [' "']],
    ["\\n", ["\n"]],
    ['"\\n\\t\\\\"', ["\n\t\\"]],
    ["\\x20", [" "]],
    ["\\x20the", [" the"]],
    ["\\u2581", ["▁"]],
    ["\\u{1F600}!", ["😀!"]],
    ["\\ud83d\\ude00", ["😀"]],
    ["\\xC3\\xA9", ["é"]],
    ["\\xC3", ["<0xC3>"]],
    ["\\xE2\\x80,\\x0a", ["<0xE2><0x80>", "\n"]],
    ["#$!*~ ' `", ["#$!*~ ' `"]],
    ["<|endoftext|>,</s>,Ġthe", ["<|endoftext|>", "</s>", "Ġthe"]],
    [" ,  ", [" ", "  "]],
  ])("%j", (line, names) => expect(parseTokenNames(line)).toEqual(names));

  test.each([
    ["", "No token is named."],
    [",a", "a token is empty"],
    ["a,", "a token is empty"],
    ["a,,b", "a token is empty"],
    ['""', "a token is empty"],
    ['"a', "a quote or a backslash stands alone"],
    ['"a"b', "a quote or a backslash stands alone"],
    ['"a" ,b', "a quote or a backslash stands alone"],
    ["a\\", "a quote or a backslash stands alone"],
    ["\\q", "\\q is no escape"],
    ["\\u12", "\\u is no escape"],
    ["\\u{110000}", "\\u{110000} is no escape"],
    ["\\xg0", "\\x is no escape"],
  ])("%j is refused", (line, why) => expect(() => parseTokenNames(line)).toThrow(why));

  test("what is printed can be typed back, alone and in a list", () => {
    const texts = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((text) => !/^id:\d+$/.test(text));
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 4 }), (tokens) => {
        expect(parseTokenNames(tokens.map(tokenNotation).join(","))).toEqual(tokens);
      }),
    );
    for (let byte = 0; byte < 256; byte++) {
      const hex = byte.toString(16).padStart(2, "0");
      const text = showBytes(Uint8Array.of(byte));
      expect(parseTokenNames(`\\x${hex}`)).toEqual([text]);
      expect(parseTokenNames(tokenNotation(text))).toEqual([text]);
    }
  });

  test("a token without a text is its id", () => {
    expect(tokenNotation("id:5")).toBe("id:5");
    expect(parseTokenNames(tokenNotation("id:5"))).toEqual([5]);
  });
});
