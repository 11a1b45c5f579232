import { bytes, csvLine } from "@resolvent/analysis";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { table } from "../src/table.ts";

describe("table", () => {
  const columns = [{ head: "name" }, { head: "n", right: true }];

  test("aligns to the left and to the right, without spaces at the end", () => {
    expect(
      table(columns, [
        ["a", "1"],
        ["long name", "1000"],
      ]),
    ).toBe(["name          n", "a             1", "long name  1000", ""].join("\n"));
    expect(table([{ head: "a" }, { head: "b" }], [["x", ""]])).toBe("a  b\nx\n");
    expect(table(columns, [])).toBe("name  n\n");
    expect(table(columns, [["a"]])).toBe("name  n\na\n"); // a row may be short
  });

  test("counts places, not characters: styles and joined marks take none, Chinese and emoji two", () => {
    const cells = ["\u001b[1mab\u001b[22m", "e\u0301e", "日", "🙂", "ab"];
    const lines = table(
      columns,
      cells.map((cell) => [cell, "1"]),
    ).split("\n");
    expect(lines.slice(1, 6)).toEqual(cells.map((cell) => `${cell}    1`));
  });

  test("keeps every cell", () => {
    const word = fc.stringMatching(/^[a-zé日]{0,9}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 6 }), (rows) => {
        const lines = table(columns, rows).split("\n");
        expect(lines.length).toBe(rows.length + 2);
        rows.forEach(([a, b], i) => {
          expect(lines[i + 1]?.replace(/ +/g, " ").trim()).toBe(`${a} ${b}`.trim());
        });
      }),
    );
  });
});

test("bytes", () => {
  expect([0, 1, 1023].map(bytes)).toEqual(["0 B", "1 B", "1023 B"]);
  expect([1024, 1536, 2 ** 20].map(bytes)).toEqual(["1.0 KiB", "1.5 KiB", "1.0 MiB"]);
  expect([2 ** 30, 2 ** 42].map(bytes)).toEqual(["1.0 GiB", "4096.0 GiB"]);
});

/** A reader of RFC 4180, for one line. */
function fields(line: string): string[] {
  const all = line.matchAll(/("(?:[^"]|"")*"|[^,"]*)(?:,|\n$)/g);
  return [...all].map(([, cell = ""]) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
}

test("csvLine is read back to the letter", () => {
  expect(csvLine([1, null, "a", 'say "hi", now', "two\nlines", -0.5e-30])).toBe(
    '1,,a,"say ""hi"", now","two\nlines",-5e-31\n',
  );
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (cells) => {
      expect(fields(csvLine(cells))).toEqual(cells);
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      expect(Number(csvLine([value]))).toBe(value === 0 ? 0 : value);
    }),
  );
});
