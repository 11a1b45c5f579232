import { describe, expect, test } from "vitest";
import { trainBpe } from "../src/bpe.ts";
import { createEncoder } from "../src/encoder.ts";
import { type BatchOptions, taleBatches } from "../src/pack.ts";
import { taleCorpus } from "../src/tales/tale.ts";

const corpus = taleCorpus({ seed: 1 });
const texts = Array.from({ length: 2000 }, () => corpus.next().value as string); // it has no end
const encoder = createEncoder(trainBpe(texts));
const options: BatchOptions = { encoder, seed: 1, batch: 40, context: 128 };
const first = (given: BatchOptions): Int32Array => {
  const batch = taleBatches(given).next().value;
  expect(batch.shape).toEqual({ batch: given.batch, pos: given.context + 1 });
  return batch.data;
};

describe("taleBatches", () => {
  test("depends on seed and split only", () => {
    expect(first(options)).toEqual(first(options));
    expect(first(options)).not.toEqual(first({ ...options, seed: 2 }));
    expect(first(options)).not.toEqual(first({ ...options, split: "held-out" }));
  });

  test("goes on from batch to batch", () => {
    const batches = taleBatches(options);
    const one = batches.next().value.data;
    expect(batches.next().value.data).not.toEqual(one);
  });

  test("holds the tales in order, each row from the beginning of one", () => {
    const data = first(options);
    const pos = options.context + 1;
    let tale = 0;
    for (let row = 0; row < options.batch; row++) {
      const ids = [...data.subarray(row * pos, (row + 1) * pos)];
      expect(ids).toHaveLength(pos);
      if (ids[0] === encoder.endOfText) ids.shift();
      const parts: number[][] = [[]];
      for (const id of ids) {
        if (id === encoder.endOfText) parts.push([]);
        else parts.at(-1)?.push(id);
      }
      if (parts.at(-1)?.length === 0) parts.pop(); // the row ended with the mark
      parts.forEach((part, i) => {
        const text = texts[tale++] ?? "";
        const whole = encoder.encode(text);
        expect(part).toEqual(i < parts.length - 1 ? whole : whole.slice(0, part.length));
      });
    }
  });

  test("begins about three rows of four with the end mark", () => {
    const data = first({ ...options, batch: 2000, context: 8 });
    let marked = 0;
    for (let row = 0; row < 2000; row++) if (data[row * 9] === encoder.endOfText) marked++;
    expect(Math.abs(marked / 2000 - 0.75)).toBeLessThan(0.05); // 5 σ
  });

  test("refuses sizes that are not positive whole numbers", () => {
    for (const bad of [{ batch: 0 }, { context: 1.5 }]) {
      expect(() => taleBatches({ ...options, ...bad }).next()).toThrow(
        expect.objectContaining({ code: "train/batch-size" }),
      );
    }
  });
});
