import { describe, expect, test } from "vitest";
import type { Encoder } from "../src/encoder.ts";
import { taleBatches } from "../src/pack.ts";
import { repeatBatches, repeatedTokens } from "../src/repeats.ts";

/** Each character is a token; the mark is token 0. */
const encoder: Encoder = {
  encode: (text) => [...text].map((char) => char.codePointAt(0) ?? 0),
  decode: (ids) => String.fromCodePoint(...ids),
  single: () => undefined,
  endOfText: 0,
  vocabSize: 256,
};
const options = { encoder, seed: 3, batch: 8, repeats: 5, context: 31 };

const rowsOf = (batch: { shape: Readonly<Record<string, number>>; data: ArrayLike<number> }) => {
  const data = Array.from(batch.data);
  const pos = batch.shape.pos ?? 0;
  return Array.from({ length: batch.shape.batch ?? 0 }, (_, i) =>
    data.slice(i * pos, (i + 1) * pos),
  );
};

/** The smallest distance at which a row repeats itself all along. */
const periodOf = (row: readonly number[]): number => {
  let period = 1;
  while (!row.every((id, i) => i < period || id === row[i - period])) period++;
  return period;
};

describe("batches with repeats", () => {
  const batches = repeatBatches(options);
  const first = Array.from({ length: 60 }, () => batches.next().value);
  const repeats = first.flatMap((batch) => rowsOf(batch).slice(0, 5));

  test("have repeats first, then tales", () => {
    expect(first[0]?.shape).toEqual({ batch: 8, pos: 32 });
    const tales = taleBatches({ encoder, seed: 3, batch: 3, context: 31 });
    for (const batch of first) {
      expect(rowsOf(batch).slice(5)).toEqual(rowsOf(tales.next().value));
    }
  });

  test("repeat a stretch of every length that fits twice, with the mark before most", () => {
    const marked = repeats.filter((row) => row[0] === 0);
    const share = marked.length / repeats.length;
    expect(share).toBeGreaterThan(0.65);
    expect(share).toBeLessThan(0.85);
    const periods = repeats.map((row) => periodOf(row[0] === 0 ? row.slice(1) : row));
    expect(new Set(periods)).toEqual(new Set(Array.from({ length: 13 }, (_, i) => i + 4)));
  });

  test("draw from all tokens but the mark", () => {
    const seen = new Set(repeats.flatMap((row) => (row[0] === 0 ? row.slice(1) : row)));
    expect(seen.has(0)).toBe(false);
    expect(seen.size).toBeGreaterThan(0.99 * 255);
  });

  test("are the same for a seed, and others for another", () => {
    expect(repeatBatches(options).next().value).toEqual(first[0]);
    expect(repeatBatches({ ...options, seed: 4 }).next().value).not.toEqual(first[0]);
  });

  test("are tales only where no repeats are asked for", () => {
    const none = repeatBatches({ ...options, repeats: 0 });
    expect(none.next().value).toEqual(taleBatches(options).next().value);
  });

  test("leave room for tales, and for a stretch twice", () => {
    const refused = expect.objectContaining({ code: "train/batch-size" });
    expect(() => repeatBatches({ ...options, repeats: 8 }).next()).toThrow(refused);
    expect(() => repeatBatches({ ...options, repeats: 0.5 }).next()).toThrow(refused);
    expect(() => repeatBatches({ ...options, context: 7 }).next()).toThrow(refused);
    expect(repeatBatches({ ...options, context: 8 }).next().value.shape).toEqual({
      batch: 8,
      pos: 9,
    });
  });
});

test("rows to measure on are the mark and a stretch twice, and never rows of training", () => {
  const rows = repeatedTokens({ encoder, seed: 3, count: 20, length: 15 });
  expect(rows.length).toBe(20);
  for (const row of rows) {
    expect(row.length).toBe(31);
    expect(row[0]).toBe(0);
    expect(row.slice(1).includes(0)).toBe(false);
    expect(row.slice(1, 16)).toEqual(row.slice(16));
  }
  expect(new Set(rows.map(String)).size).toBe(20);
  expect(repeatedTokens({ encoder, seed: 3, count: 20, length: 15 })).toEqual(rows);
  const trained = rowsOf(repeatBatches(options).next().value).map((row) => String(row.slice(0, 5)));
  for (const row of rows) expect(trained).not.toContain(String(row.slice(0, 5)));
});
