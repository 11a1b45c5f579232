import { checkParameters } from "@resolvent/analysis";
import {
  choiceParameter,
  choicesParameter,
  countParameter,
  flagParameter,
  type GivenOf,
  numberParameter,
  numbersParameter,
  parameters,
  promptParameter,
  promptsParameter,
  siteVectorsParameter,
  targetParameter,
  textParameter,
  textsParameter,
  tokensParameter,
  type ValuesOf,
} from "@resolvent/analysis/parameters";
import { isInputError } from "@resolvent/tensor";
import { describe, expect, expectTypeOf, test } from "vitest";

const fields = {
  prompt: promptParameter("text"),
  corrupt: promptParameter("other text", { optional: true }),
  top: countParameter("number listed", { default: 20, most: 100, title: "n" }),
  topK: countParameter("likeliest", { least: 1, optional: true }),
  temperature: numberParameter("of sampling", { least: 0, default: 0 }),
  level: choiceParameter("steps", ["block", "head"], { default: "head" }),
  positions: flagParameter("by position"),
  sizes: numbersParameter("shares", { above: 0, most: 1, fewest: 1, default: [0.5] }),
  names: textsParameter("names"),
  freeze: choicesParameter("gates", ["norm", "pattern"], { optional: true }),
  target: targetParameter(),
};

const params = parameters(fields, [
  {
    parameter: "temperature",
    passes: ({ temperature, topK }) => temperature > 0 || topK === undefined,
    message: "Sampling needs a temperature above 0",
  },
]);

const DEFAULTS = {
  ...{ top: 20, temperature: 0, level: "head", positions: false, sizes: [0.5], names: [] },
};

/** What is said of values, one line for each fault. */
async function said(values: Readonly<Record<string, unknown>>): Promise<string> {
  try {
    return JSON.stringify(await checkParameters(params, values));
  } catch (error) {
    if (!isInputError(error)) throw error;
    return error.message;
  }
}

describe("parameters", () => {
  test("fills in defaults; what is left out is not there", async () => {
    expect(await checkParameters(params, { prompt: "a" })).toStrictEqual({
      ...DEFAULTS,
      prompt: "a",
    });
    const given = { prompt: [3, 1], corrupt: undefined, topK: 2, temperature: 1, target: ["b", 4] };
    const { corrupt: _, ...rest } = given;
    expect(await checkParameters(params, given)).toStrictEqual({ ...DEFAULTS, ...rest });
  });

  test("the types of what may be given, and of what comes out", () => {
    type Values = ValuesOf<typeof fields>;
    type Given = GivenOf<typeof fields>;
    expectTypeOf<Values["top"]>().toEqualTypeOf<number>();
    expectTypeOf<Values["level"]>().toEqualTypeOf<"block" | "head">();
    expectTypeOf<Values["positions"]>().toEqualTypeOf<boolean>();
    expectTypeOf<Values["sizes"]>().toEqualTypeOf<readonly number[]>();
    expectTypeOf<Values["freeze"]>().toEqualTypeOf<readonly ("norm" | "pattern")[] | undefined>();
    expectTypeOf<{ prompt: string }>().toExtend<Given>();
    expectTypeOf<{ prompt: string; level: "all" }>().not.toExtend<Given>();
    expectTypeOf<{ level: "head" }>().not.toExtend<Given>();
    // @ts-expect-error: a misspelt option
    countParameter("number", { titel: "n" });
    // @ts-expect-error: a default that is none of the choices
    choiceParameter("steps", ["block", "head"], { default: "neuron" });
    // @ts-expect-error: a check of no parameter
    parameters(fields, [{ parameter: "tpo", passes: () => true, message: "" }]);
  });

  test.each<[Readonly<Record<string, unknown>>, string]>([
    [{}, "prompt: Expected a text or a list of token ids, got nothing."],
    [{ prompt: 3 }, "prompt: Expected a text or a list of token ids, got 3."],
    [{ prompt: [1, -1] }, "prompt: Expected a whole number from 0, got -1."],
    [{ prompt: "a", top: 1.5 }, "top: Expected a whole number from 0 to 100, got 1.5."],
    [{ prompt: "a", top: 101 }, "top: Expected a whole number from 0 to 100, got 101."],
    [{ prompt: "a", topK: 2 ** 60 }, `topK: Expected a whole number from 1, got ${2 ** 60}.`],
    [{ prompt: "a", top: null }, "top: Expected a whole number from 0 to 100, got null."],
    [{ prompt: "a", temperature: Number.NaN }, "temperature: Expected a number from 0, got NaN."],
    [{ prompt: "a", sizes: [0.5, 0] }, "sizes: Expected a number above 0 and at most 1, got 0."],
    [{ prompt: "a", sizes: [] }, "sizes: Expected a list of numbers, 1 or more, got []."],
    [{ prompt: "a", level: "heads" }, 'level: Expected one of block, head, got "heads".'],
    [{ prompt: "a", freeze: ["x"] }, 'freeze: Expected one of norm, pattern, got "x".'],
    [{ prompt: "a", positions: 1 }, "positions: Expected true or false, got 1."],
    [{ prompt: "a", names: "x" }, 'names: Expected a list of texts, got "x".'],
    [{ prompt: "a", target: [""] }, 'target: Expected a token, its text or its id, got "".'],
    [
      { prompt: "a", target: [] },
      "target: Expected one token, or two: the logit of the first minus that of the second, got [].",
    ],
    [{ prompt: "a", topK: 3 }, "temperature: Sampling needs a temperature above 0, got nothing."],
    [{ prompt: "a", tpo: 3 }, "tpo: No parameter is called so; the nearest is top. Got 3."],
    [
      { prompt: "a", toString: 3 },
      `toString: No parameter is called so; there are ${Object.keys(fields).join(", ")}. Got 3.`,
    ],
    [
      { top: -1, topK: 1, levle: "head" },
      'prompt: Expected a text or a list of token ids, got nothing. top: Expected a whole number from 0 to 100, got -1. levle: No parameter is called so; the nearest is level. Got "head".',
    ],
  ])("of %j says all that is wrong", async (values, message) => {
    expect(await said(values)).toBe(message);
  });

  test("faults have the whole way to what is wrong", async () => {
    const steered = parameters({ steer: siteVectorsParameter("vectors") });
    const one = { site: "L0.mlp.after", vector: [1, 2], scale: 3 };
    expect(await checkParameters(steered, { steer: [one] })).toEqual({ steer: [one] });
    const bad = { steer: [one, { site: 1, vector: [1, "x"], scale: null }] };
    expect(await steered["~standard"].validate(bad)).toMatchObject({
      issues: [
        { path: ["steer", 1, "site"] },
        { path: ["steer", 1, "vector", 1] },
        { path: ["steer", 1, "scale"] },
      ],
    });
  });

  test.each([[undefined], [null], ["text"], [[1]]])("are an object, not %j", async (given) => {
    expect(await params["~standard"].validate(given)).toEqual({
      issues: [{ message: "Expected an object with the parameters by their names" }],
    });
  });

  test("defaults are no one's to change", async () => {
    const preset = [1];
    const own = parameters({ sizes: numbersParameter("", { default: preset }) });
    preset.push(2);
    expect(await checkParameters(own, {})).toEqual({ sizes: [1] });
  });
});

describe("their JSON Schema", () => {
  const small = parameters({
    note: textParameter("said", { label: "Note", group: "words" }),
    top: countParameter("number listed", { default: 5, title: "n" }),
    share: numberParameter("part", { above: 0, below: 1, optional: true }),
    others: promptsParameter("more"),
    words: tokensParameter("tokens", { fewest: 1, optional: true }),
  });
  const ids = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  const expected = {
    type: "object",
    properties: {
      note: { type: "string", description: "said", label: "Note", group: "words" },
      top: { ...ids, description: "number listed", default: 5, title: "n" },
      share: {
        ...{ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
        description: "part",
      },
      others: {
        type: "array",
        items: { anyOf: [{ type: "string" }, { type: "array", items: ids }], format: "prompt" },
        ...{ description: "more", default: [] },
      },
      words: {
        ...{ type: "array", minItems: 1, description: "tokens" },
        items: { anyOf: [{ type: "string", minLength: 1 }, ids], format: "token" },
      },
    },
    additionalProperties: false,
  };

  test.each([
    ["draft-2020-12", "https://json-schema.org/draft/2020-12/schema"],
    ["draft-07", "http://json-schema.org/draft-07/schema#"],
  ])("in %s, of what may be given and of what comes out", (target, $schema) => {
    const { input, output } = small["~standard"].jsonSchema;
    expect(input({ target })).toEqual({ $schema, ...expected, required: ["note"] });
    expect(output({ target })).toEqual({
      ...{ $schema, ...expected },
      required: ["note", "top", "others"],
    });
  });

  test("in no other dialect", () => {
    const { input } = small["~standard"].jsonSchema;
    expect(() => input({ target: "openapi-3.0" })).toThrow(/draft-07, not in openapi-3.0/);
  });
});
