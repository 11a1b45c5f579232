import { isInputError } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { narrowBF16, narrowF16 } from "@resolvent/weights";
import { expect, test } from "vitest";
import { plainValue } from "../src/fields.ts";
import { type MethodName, mergeTensor, type PlannedParameters } from "../src/index.ts";
import { uniform } from "../src/methods/index.ts";
import { philox } from "../src/methods/philox.ts";
import { readSetting, settingAt } from "../src/setting.ts";

type Rows = readonly number[] | readonly (readonly number[])[];

interface Case {
  readonly name: string;
  readonly method: MethodName;
  readonly parameters: PlannedParameters;
  readonly inputs: readonly { readonly tensor: Rows; readonly parameters: PlannedParameters }[];
  readonly base?: Rows;
  readonly masks?: readonly (readonly number[])[];
  readonly expected?: Rows;
  readonly refused?: string;
}

interface Edges {
  readonly cases: readonly Case[];
  readonly settings: readonly {
    readonly setting: unknown;
    readonly name: string;
    readonly t: number;
    readonly value: number | null;
  }[];
  readonly uniform: readonly {
    readonly seed: number;
    readonly model: number;
    readonly tensor: string;
    readonly first: number[];
  }[];
  readonly rounding: readonly {
    readonly value: number;
    readonly bf16: string;
    readonly f16: string;
    readonly f32: string;
  }[];
  readonly philox4x32_10: { readonly words: readonly string[] };
}

/** Methods in which only + − × ÷ are used: equal to the bit. Rescaling adds up, in an order of its own. */
function exact({ method, parameters }: Case): boolean {
  if (["linear", "nearswap", "passthrough"].includes(method)) return true;
  return /^(task|ties|dare|della|bread)/.test(method) && parameters.rescale !== true;
}

const flat = (rows: Rows): Float64Array => Float64Array.from(rows.flat());

function result({ method, parameters, inputs, base, masks }: Case): Float64Array {
  const first = inputs[0]?.tensor ?? [];
  const row = first[0];
  return mergeTensor(method, {
    name: "x",
    shape: Array.isArray(row) ? [first.length, row.length] : [first.length],
    parameters,
    inputs: inputs.map((input, i) => ({
      x: flat(input.tensor),
      parameters: input.parameters,
      mask: masks?.[i],
    })),
    base: base && flat(base),
  });
}

describeWithFixtures("methods", (fixtures) => {
  const edges = fixtures.golden<Edges>("../fixtures/merging/edge-cases");

  test("there are as many cases as the fixtures say", () => {
    expect(edges.cases).toHaveLength(78);
  });

  test.each(edges.cases.filter(({ refused }) => refused !== undefined))("$name: refused", (one) => {
    let thrown: unknown;
    try {
      result(one);
    } catch (error) {
      thrown = error;
    }
    expect(isInputError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ code: one.refused });
  });

  test.each(edges.cases.filter(({ expected }) => expected !== undefined))("$name", (one) => {
    const expected = flat(one.expected ?? []);
    const got = result(one);
    if (exact(one)) return expect([...got]).toEqual([...expected]);
    const size = Math.max(...expected.map(Math.abs));
    expect(got).toBeNear(expected, { rtol: 0, atol: 1e-13 * size });
  });

  test("settings at positions", () => {
    for (const { setting, name, t, value } of edges.settings) {
      expect(
        settingAt(readSetting(plainValue(setting, "x"), "x"), name, t) ?? null,
        JSON.stringify(setting),
      ).toBe(value);
    }
  });

  test("one rounding", () => {
    const hex = (bits: ArrayLike<number>, digits: number): string =>
      (bits[0] ?? Number.NaN).toString(16).padStart(digits, "0");
    for (const { value, bf16, f16, f32 } of edges.rounding) {
      const got = [
        hex(narrowBF16([value]), 4),
        hex(narrowF16([value]), 4),
        hex(new Uint32Array(Float32Array.of(value).buffer), 8),
      ];
      expect(got, String(value)).toEqual([bf16, f16, f32]);
    }
  });

  test("random numbers by their place", () => {
    for (const { first, ...draw } of edges.uniform)
      expect([...uniform(draw, first.length)]).toEqual(first);
    const words = new Uint32Array(4);
    philox(0, 0, 0, 0, 0, 0, words);
    expect([...words].map((word) => word.toString(16).padStart(8, "0"))).toEqual(
      edges.philox4x32_10.words,
    );
  });
});

// Rounding makes of their angle a little less than π, and of what is divided by its sine anything.
test.each([0.1, 0.3, 0.7, 1.1])("opposite tensors of size %d have one result", (size) => {
  const a = Float64Array.from({ length: 17 }, (_, i) => size * Math.sin(i + 1));
  const b = a.map((value) => -value / 3);
  const merge = (method: MethodName, xs: Float64Array[], parameters: PlannedParameters) =>
    mergeTensor(method, {
      name: "x",
      shape: [17],
      parameters,
      inputs: xs.map((x) => ({ x, parameters: { weight: 1 } })),
    });
  const [x, ...rest] = [a, b, b];
  expect(merge("nuslerp", [a, b], { nuslerp_flatten: true })).toBeNear(
    a.map((value) => value / 3),
    { rtol: 1e-13, atol: 1e-13 },
  );
  // Two of three point to the side of b: the mean is there, with the mean of the norms.
  const karcher = merge("karcher", [x, ...rest], { max_iter: 10, tol: 1e-9 });
  const expected = a.map((value) => (-value * (1 + 2 / 3)) / 3);
  expect(karcher).toBeNear(expected, { rtol: 1e-13, atol: 1e-13 });
});

const [whole, other] = [Float64Array.of(1, -2, 3), Float64Array.of(-3, 6, -9)];

test.each<
  [string, MethodName, readonly Float64Array[], PlannedParameters, Float64Array, Float64Array?]
>([
  ["one tensor", "multislerp", [whole], { normalize_weights: true, eps: 1e-8 }, whole],
  [
    "one that is the base",
    "multislerp",
    [whole],
    { normalize_weights: true, eps: 1e-8 },
    whole,
    whole,
  ],
  [
    "equal ones without a margin",
    "multislerp",
    [whole, whole, whole],
    { eps: 0 },
    whole.map((x) => 3 * x),
  ],
  ["one tensor", "karcher", [whole], { max_iter: 5, tol: 0 }, whole],
  ["equal ones without a margin", "karcher", [whole, whole], { max_iter: 5, tol: 0 }, whole],
  [
    "opposite ones without a margin",
    "karcher",
    [whole, other],
    { max_iter: 5, tol: 0 },
    whole.map((x) => 2 * x),
  ],
])("%s by %s", (_, method, xs, parameters, expected, base) => {
  const inputs = xs.map((x) => ({ x, parameters: { weight: 1 } }));
  const got = mergeTensor(method, { name: "x", shape: [3], parameters, inputs, base });
  expect(got).toBeNear(expected, { rtol: 1e-13, atol: 0 });
});
