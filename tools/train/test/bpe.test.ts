import { tokenizerOf } from "@resolvent/transformer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteLetters, endOfText, tokenizerConfig, trainBpe, wordPattern } from "../src/bpe.ts";
import { createEncoder } from "../src/encoder.ts";
import { seededRandom } from "../src/random.ts";
import { taleCorpus } from "../src/tales/tale.ts";
import { people } from "../src/tales/words.ts";

const take = (count: number, split: "train" | "held-out"): string[] => {
  const corpus = taleCorpus({ seed: 3, split });
  return Array.from({ length: count }, () => corpus.next().value as string); // it has no end
};
const json = trainBpe(take(6000, "train"));
const encoder = createEncoder(json);
const tokenizer = tokenizerOf(json, tokenizerConfig);
const anyText = fc
  .string({ unit: "grapheme" })
  .filter((text) => text.isWellFormed() && !text.includes(endOfText));

describe("trainBpe", () => {
  test("merges the most frequent pair first, by hand", () => {
    // a b is seen five times, b c four times
    const { model } = trainBpe(["ab\nab\nab\nabc\nabc\nbc\nbc"], { vocabSize: 260 });
    expect(model.merges[0]).toBe("a b");
    // then ab c and b c are both seen twice, and b has the smaller id
    expect(model.merges[1]).toBe("b c");
    expect(Object.keys(model.vocab)).toHaveLength(259 + 1);
  });

  test("stops where no pair is frequent enough", () => {
    expect(trainBpe(["ab ab"], { leastCount: 3 }).model.merges).toEqual([]);
    expect(trainBpe([]).model.merges).toEqual([]);
  });

  test("does not depend on the order of the texts", () => {
    const texts = take(300, "train");
    expect(trainBpe(seededRandom(1).sample(texts, 300))).toEqual(trainBpe(texts));
  });

  test("has GPT-2's letters for bytes", () => {
    expect(new Set(byteLetters).size).toBe(256);
    expect([byteLetters[0x20], byteLetters[0x0a], byteLetters[0x41], byteLetters[0xad]]).toEqual([
      "Ġ",
      "Ċ",
      "A",
      "Ń",
    ]);
  });

  test("gives ids without gaps, the end mark last, in GPT-2's order of bytes", () => {
    const { vocab } = json.model;
    const ids = Object.values(vocab).sort((a, b) => a - b);
    expect(ids).toEqual(ids.map((_, i) => i));
    expect(ids.length).toBeLessThanOrEqual(1024);
    expect(vocab[endOfText]).toBe(ids.length - 1);
    expect([vocab["!"], vocab["~"], vocab["¡"], vocab.Ġ]).toEqual([0, 93, 94, 220]); // as in GPT-2
  });

  test("refuses a vocabulary without room for the bytes", () => {
    expect(() => trainBpe([], { vocabSize: 256 })).toThrow(
      expect.objectContaining({ code: "train/vocab-size" }),
    );
  });
});

describe("the tokenizer of the tales", () => {
  test("has every name as one token, with and without its space", () => {
    for (const { name } of people) {
      expect([name, encoder.single(name), encoder.single(` ${name}`)]).toEqual([
        name,
        expect.any(Number),
        expect.any(Number),
      ]);
    }
  });

  test("has nearly every word of held-out tales as one token", () => {
    const words = take(2000, "held-out").flatMap((tale) => tale.match(wordPattern) ?? []);
    const single = words.filter((word) => encoder.single(word) !== undefined);
    expect(single.length / words.length).toBeGreaterThan(0.995);
  });

  test("encodes as @huggingface/tokenizers does without the cache", () => {
    for (const tale of take(200, "held-out")) {
      expect(encoder.encode(tale)).toEqual(tokenizer.encode(tale));
    }
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encoder.encode(text)).toEqual(tokenizer.encode(text));
      }),
    );
  });

  test("decodes what it encoded", () => {
    for (const tale of take(200, "held-out")) {
      expect(encoder.decode(encoder.encode(tale))).toBe(tale);
    }
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encoder.decode(encoder.encode(text))).toBe(text);
      }),
    );
  });

  test("knows the end mark as one token", () => {
    expect(tokenizer.encode(`${endOfText}The end.${endOfText}`)).toEqual([
      encoder.endOfText,
      ...encoder.encode("The end."),
      encoder.endOfText,
    ]);
    expect(encoder.endOfText).toBe(encoder.vocabSize - 1);
  });

  test("makes tales of some 40 to 120 tokens", () => {
    const lengths = take(2000, "held-out").map((tale) => encoder.encode(tale).length);
    const within = lengths.filter((length) => length >= 40 && length <= 120);
    expect(within.length / lengths.length).toBeGreaterThan(0.9);
    expect(Math.max(...lengths)).toBeLessThan(180);
  });
});
