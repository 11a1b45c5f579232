import type { Table } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import { picture } from "../src/picture.ts";
import { places } from "../src/places.ts";

const plain = (text: string): string => text;
const drawn = (table: Table, columns?: number): string =>
  picture(table, {
    precision: "f64",
    columns,
    style: { bold: plain, faint: plain, accent: plain },
  });

describe("rounding", () => {
  const table = (rounding: number, rows: readonly (readonly (number | null)[])[]): Table => ({
    kind: "pair",
    columns: [
      { name: "number", kind: "number" },
      { name: "effect", kind: "effect" },
      { name: "count", kind: "count" },
    ],
    rows,
    rounding,
  });

  test.each([
    [1e-6, 2, "2.00"],
    [1e-6, 1.1e-6, "1.1e-6"],
    [1e-6, 0.9e-6, "0"],
    [1e-6, -0.9e-6, "0"],
    [1e-14, 3e-17, "0"],
    [1e-14, 1e-13, "1.0e-13"],
    [0, 1e-300, "1.0e-300"],
  ])("below %d, %d is shown as %s", (rounding, value, shown) => {
    const text = drawn(table(rounding, [[value, value, 1]]));
    expect(
      text
        .split("\n")[1]
        ?.match(/\S+/g)
        ?.filter((word) => !/[█-▏░│]/.test(word)),
    ).toEqual([...[shown, shown, "1"]]);
    expect(text.includes("which is rounding")).toBe(shown === "0");
  });

  test("of a column with a scale of its own is its own", () => {
    const { columns, ...others } = table(1e-6, [[1e-3, 1e-3, 1]]);
    const scaled = columns.map((column, i) => (i === 0 ? { ...column, rounding: 1e-2 } : column));
    const text = drawn({ ...others, columns: scaled });
    expect(text.split("\n")[1]).toMatch(/^ +0 {2}.*0\.00100/);
    expect(text).toContain("0: less than 0.0100, which is rounding");
    expect(text).not.toContain("1.0e-6");
  });

  test("is not said of zeros, of what is not there, and of what is no number", () => {
    const text = drawn(
      table(1e-6, [
        [0, null, 0],
        [Number.NaN, Number.NaN, 0],
      ]),
    );
    expect(text).not.toContain("rounding");
    expect(text).toContain("NaN");
  });
});

describe("widths", () => {
  const wide: Table = {
    kind: "path",
    columns: [
      { name: "path", kind: "text" },
      { name: "minor", kind: "number", minor: true },
      { name: "effect", kind: "effect" },
      { name: "text", kind: "token" },
    ],
    rows: [
      ["日本語のとても長い名前のブロック → L0.H2 → final", 1, -2, "e\u0301".repeat(30)],
      ["👨‍👩‍👧‍👦 emoji and\ta tab\nand a line\u202e turned", 1, 3, "\u001b[2J"],
      ["brief", 1, 1, "ok"],
    ],
    notes: ["a note of several words that is longer than a narrow terminal has places for"],
  };

  test.each([30, 40, 60, 80, 100, 160])(
    "%i: no line is longer, no character is obeyed",
    (columns) => {
      const text = drawn(wide, columns);
      for (const line of text.split("\n")) expect(places(line), line).toBeLessThanOrEqual(columns);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: there should be none
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      expect(text.split("\n").filter((line) => line.startsWith("brief"))).toHaveLength(1);
    },
  );

  test("what is minor goes first, then what is no words and no bar; then words are shortened", () => {
    expect(drawn(wide, 100)).toMatch(/^path +minor +effect +text\n/);
    expect(drawn(wide, 60)).toMatch(/^path +effect +text\n/);
    expect(drawn(wide, 60)).toMatch(/1 column left out: minor; \d texts shortened/);
    expect(drawn(wide)).not.toMatch(/left out|shortened/);
  });

  test("columns of numbers are aligned, whatever the words before them", () => {
    const lines = drawn(wide, 160).split("\n").slice(0, 4);
    const axis = lines.slice(1).map((line) => places(line.slice(0, line.indexOf("│"))));
    expect(new Set(axis).size).toBe(1);
  });

  test("a matrix stands in blocks, each with the names of its rows, and nothing is left out", () => {
    const names = Array.from({ length: 12 }, (_, i) => `" token"@${10 + i}`);
    const matrix: Table = {
      kind: "matrix",
      matrix: true,
      columns: [
        { name: "source", head: "", kind: "text" },
        ...names.map((name) => ({ name, kind: "number" as const })),
      ],
      rows: [0, 1].map((row) => [`row ${row}`, ...names.map((_, i) => row + i / 10 + 0.01)]),
    };
    const text = drawn(matrix, 60);
    for (const line of text.split("\n")) expect(places(line)).toBeLessThanOrEqual(60);
    for (const name of names) expect(text.split(name)).toHaveLength(2);
    expect(text.match(/^row 0 /gm)).toHaveLength(3);
    expect(text).not.toMatch(/left out|shortened/);
  });
});
