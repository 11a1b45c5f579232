import type { TextFile } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import { sampleSequences, textPieces, tokenLines } from "../src/index.ts";

/** A file that comes in pieces of some bytes. */
const fileOf = (text: string | Uint8Array, piece = 7): TextFile => ({
  name: "some.txt",
  async *stream() {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
  },
});

async function all<V>(values: AsyncIterable<V>): Promise<V[]> {
  const found: V[] = [];
  for await (const value of values) found.push(value);
  return found;
}

async function* corpusOf(
  rows: readonly (readonly number[])[],
): AsyncGenerator<() => readonly number[]> {
  for (const row of rows) yield () => row;
}

describe("texts", () => {
  test("whole lines are put together until they are long enough", async () => {
    const text = "one two\nthree\n\nfour five six seven\r\neight";
    expect(await all(textPieces(fileOf(text), 3))).toEqual([
      "one two\nthree",
      "four five six seven",
      "eight",
    ]);
  });

  test("what comes in pieces of bytes is the same, characters of several bytes included", async () => {
    const text = "Zoë ate 🍎🍏 und Äpfel\nthe end\n".repeat(5);
    const whole = await all(textPieces(fileOf(text, 1e6), 4));
    for (const piece of [1, 2, 3, 5]) {
      expect(await all(textPieces(fileOf(text, piece), 4))).toEqual(whole);
    }
    expect(whole.join("\n")).toBe(text.trim());
  });

  test("a line without an end is cut, not between the halves of a character", async () => {
    const pieces = await all(textPieces(fileOf("🍎".repeat(50)), 3));
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join("")).toBe("🍎".repeat(50));
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
  });

  test("what is not UTF-8 is refused", async () => {
    const call = all(textPieces(fileOf(new Uint8Array([65, 0xff, 66])), 2));
    await expect(call).rejects.toThrow(/some.txt is not UTF-8 text/);
  });
});

describe("token ids", () => {
  test("a JSON list of lists, however it is broken into lines", async () => {
    const lists = [[1, 2, 3], [], [40, 5]];
    for (const text of [
      JSON.stringify(lists),
      `\n  ${JSON.stringify(lists, null, 2)}\n`,
      "[\n[1,2,3],\n[],\n[40,5]\n]",
    ]) {
      expect(await all(tokenLines(fileOf(text)))).toEqual([
        [1, 2, 3],
        [40, 5],
      ]);
    }
    for (const [odd, said] of [
      ["[[1,2],[3,-4]]", /some.txt: expected lists of token ids, got -4 in list 2/],
      ["[[1,2],3]", /got 3 as list 2/],
      ["[[1,2],[3.5]]", /got 3.5 in list 2/],
      ["[[1,2],[3]", /begins as a JSON list of lists and is none/],
    ] as const) {
      await expect(all(tokenLines(fileOf(odd)))).rejects.toThrow(said);
    }
  });

  test("a list a line, however it is written", async () => {
    const text = "1,2,3\n\n[4, 5, 6],\r\n7 8\n";
    expect(await all(tokenLines(fileOf(text)))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ]);
  });

  test("what is no list is refused with its line", async () => {
    for (const odd of ["1,2\n3,x", "1,2\n3,-4", "1,2\n3,4.5"]) {
      await expect(all(tokenLines(fileOf(odd)))).rejects.toThrow(/line 2: expected token ids/);
    }
    for (const [text, place] of [
      ["1,2\n\n3,8\n9", "line 3"],
      ["[[1,2],[],[3,8]]", "list 3"],
    ] as const) {
      await expect(all(tokenLines(fileOf(text), { vocab: 8 }))).rejects.toThrow(
        `some.txt, ${place}: token ids of this model are 0 to 7, got 8.`,
      );
    }
  });
});

describe("a sample", () => {
  const rows = Array.from({ length: 500 }, (_, i) => [i, i, i, i]);
  const options = { length: 4, maxTokens: 40, seed: 1 };

  test("is the whole corpus where that is short enough", async () => {
    const sample = await sampleSequences(corpusOf(rows), { ...options, maxTokens: 1e6 });
    expect(sample).toMatchObject({ tokens: 2000, found: 500, cut: 0, short: 0 });
    expect(sample.sequences.map(([id]) => id).sort((a = 0, b = 0) => a - b)).toEqual(
      rows.map(([id]) => id),
    );
  });

  test("is drawn by the seed, and a larger one begins with the smaller", async () => {
    const some = await sampleSequences(corpusOf(rows), options);
    expect(some.sequences).toHaveLength(10);
    expect(await sampleSequences(corpusOf(rows), options)).toEqual(some);
    const other = await sampleSequences(corpusOf(rows), { ...options, seed: 2 });
    expect(other.sequences).not.toEqual(some.sequences);
    const more = await sampleSequences(corpusOf(rows), { ...options, maxTokens: 80 });
    expect(more.sequences.slice(0, 10)).toEqual(some.sequences);
  });

  test("takes every sequence equally often", async () => {
    const counts = new Array<number>(20).fill(0);
    for (let seed = 0; seed < 2000; seed++) {
      const few = rows.slice(0, 20);
      const { sequences } = await sampleSequences(corpusOf(few), {
        ...options,
        maxTokens: 20,
        seed,
      });
      for (const [id = 0] of sequences) counts[id] = (counts[id] ?? 0) + 1;
    }
    // 5 of 20, 2000 times: 500 each, give or take 5 deviations of 19.4.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(97);
  });

  test("makes only what may stay", async () => {
    let made = 0;
    async function* counted(): AsyncGenerator<() => readonly number[]> {
      for (const row of rows)
        yield () => {
          made++;
          return row;
        };
    }
    await sampleSequences(counted(), options);
    expect(made).toBeLessThan(120); // 10·(1 + ln(500/10)) = 49 are expected
  });

  test("long sequences are cut, single tokens left out, and both are counted", async () => {
    const sample = await sampleSequences(corpusOf([[1], [1, 2, 3, 4, 5, 6], [7, 8]]), options);
    expect(sample).toMatchObject({ found: 3, cut: 1, short: 1, tokens: 6 });
    await expect(sampleSequences(corpusOf([[1]]), options)).rejects.toThrow(/no sequence of 2/);
  });
});
