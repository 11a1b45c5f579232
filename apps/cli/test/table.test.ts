import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bar, bytes, csvLine, divergence, percent, short, table } from "../src/table.ts";

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

test("bar: eighths of a place, hollow below zero, as wide as asked for", () => {
  expect(bar(0.5, 4)).toBe("██  ");
  expect(bar(1, 4)).toBe("████");
  expect(bar(7, 4)).toBe("████");
  expect(bar(0, 4)).toBe("    ");
  expect(bar(1 / 32, 4)).toBe("▏   ");
  expect(bar(0.34375, 4)).toBe("█▍  ");
  expect(bar(-0.3, 4)).toBe("░░  ");
  expect(bar(Number.NaN, 4)).toBe("    ");
  fc.assert(
    fc.property(fc.double(), fc.nat(30), (share, width) => {
      expect([...bar(share, width)].length).toBe(width);
    }),
  );
});

test("short: three digits, powers of ten at the ends", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [1.23456, "1.23"],
    [-12.3456, "-12.3"],
    [0.00123456, "0.00123"],
    [0.000999, "1.0e-3"],
    [123.6, "124"],
    [99999, "99999"],
    [123456, "1.2e+5"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ];
  for (const [value, text] of cases) expect(short(value)).toBe(text);
});

test("divergence: what rounding hides is not told apart, what it cannot be is shown", () => {
  expect(divergence(0.935, "f32")).toBe("0.935");
  expect(divergence(5.5e-4, "f32")).toBe("5.5e-4");
  expect(divergence(2e-6, "f32")).toBe("2.0e-6");
  for (const kl of [6e-7, 0, -0, -3.4e-8, -5e-6]) expect(divergence(kl, "f32")).toBe("<1e-6");
  expect(divergence(-0.5, "f32")).toBe("-0.500");
  expect(divergence(6e-7, "f64")).toBe("6.0e-7");
  expect(divergence(-2e-16, "f64")).toBe("<1e-14");
  expect(divergence(Number.NaN, "f32")).toBe("NaN");
});

test("percent has no zero below zero", () => {
  expect(percent(0.5)).toBe("50.0 %");
  expect(percent(-0.0004)).toBe("0.0 %");
  expect(percent(-0.0006)).toBe("-0.1 %");
  expect(percent(-0.1)).toBe("-10.0 %");
  expect(percent(1.234)).toBe("123.4 %");
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
