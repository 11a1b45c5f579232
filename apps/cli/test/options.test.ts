import type { Parameter } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { formatOf, parseBytes, someOf, wholeNumber } from "../src/options.ts";
import { optionsOf } from "../src/parameter-options.ts";
import { parseTokens } from "../src/tokens.ts";

test("someOf: names in any order, once each, in the order of the choices", () => {
  const all = ["pattern", "norm", "activation"];
  const parse = someOf(all);
  expect(parse("none")).toEqual([]);
  expect(parse("all")).toEqual(all);
  expect(parse("activation, norm,pattern,norm")).toEqual(all);
  expect(parse("norm")).toEqual(["norm"]);
  for (const text of ["", "patterns", "pattern,", "none,norm", "all,norm", "toString", "Pattern"]) {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
  }
});

test("parseBytes: decimal and binary units", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["1024", 1024],
    ["20k", 20_000],
    ["20kB", 20_000],
    ["500MB", 5e8],
    ["2GiB", 2 ** 31],
    ["1.5 gib", 1.5 * 2 ** 30],
    ["3MiB", 3 * 2 ** 20],
    ["7b", 7],
  ];
  for (const [text, value] of cases) expect(parseBytes(text)).toBe(value);
  for (const text of ["", "-1", "1e9", "lots", "2TB", "1.", ".5G", "2 Gi B", "NaN", "1,5G"]) {
    expect(() => parseBytes(text)).toThrow(/such as 500MB or 2GiB/);
  }
});

test("wholeNumber and numbers of a range take no other number for one", () => {
  expect(wholeNumber(0)("0")).toBe(0);
  expect(wholeNumber(1)("007")).toBe(7);
  for (const text of ["", " 1", "+1", "-1", "1.0", "1e3", "0x10", "٣", "9007199254740993"]) {
    expect(() => wholeNumber(0)(text)).toThrow("Expected a whole number from 0.");
  }
  expect(() => wholeNumber(2)("1")).toThrow("from 2");
  const [option] = optionsOf({
    ...{ name: "topP", kind: "number", description: "", required: false },
    ...{ label: "top p", group: "options" },
    range: { whole: false, above: 0, most: 1 },
  });
  const share = (text: string): unknown => option?.parseArg?.(text, undefined);
  expect([share("1"), share("5e-1"), share(" .25 ")]).toEqual([1, 0.5, 0.25]);
  for (const text of ["", " ", "0", "1.1", "NaN", "Infinity", "half"]) {
    expect(() => share(text)).toThrow("Expected a number above 0 and at most 1.");
  }
});

describe("formatOf", () => {
  test("is a table where nothing is asked for", () => {
    expect(formatOf({})).toBe("table");
    expect(formatOf({ format: "csv" })).toBe("csv");
    expect(formatOf({ json: true })).toBe("json");
    expect(formatOf({ json: true, format: "json" })).toBe("json");
  });

  test("is one", () => {
    expect(() => formatOf({ json: true, format: "table" })).toThrow(InputError);
  });
});

test("parseTokens", () => {
  expect(parseTokens("1,2,3")).toEqual([1, 2, 3]);
  expect(parseTokens(" 1  2,\n3, ")).toEqual([1, 2, 3]);
  for (const text of ["", " ", ",", "1;2", "1,-2", "1.5", "1e3", "0x1", "1,two", "1234567890"]) {
    expect(() => parseTokens(text)).toThrow(/--tokens takes whole numbers/);
  }
});

describe("help of a parameter", () => {
  const help = (parameter: Partial<Parameter> & Pick<Parameter, "kind">): string[] =>
    optionsOf({ name: "it", description: "", required: false, ...parameter } as Parameter).map(
      ({ flags, description, defaultValueDescription }) =>
        `${flags}: ${[description, defaultValueDescription].filter(Boolean).join(" | ")}`,
    );

  test("the form of a value stands before a default that the description ends with", () => {
    const description = "what is meant; default: all";
    expect(help({ kind: "tokens", description, default: [] })).toEqual([
      "--it <tokens>: what is meant; comma-separated; default: all",
    ]);
  });

  test("an empty list is a default of choices only", () => {
    const choices = ["a", "b"];
    expect(help({ kind: "choices", description: "which", choices, default: [] })).toEqual([
      "--it <names>: which; none, all, or some of a,b | none",
    ]);
    expect(help({ kind: "texts", description: "which", default: [] })).toEqual([
      "--it <list>: which; comma-separated",
    ]);
  });

  test("a flag that is on by default is turned off", () => {
    expect(help({ kind: "flag", description: "subtract the mean", default: true })).toEqual([
      "--no-it: do not subtract the mean",
    ]);
  });
});
