import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import {
  type Activation,
  activations,
  type Dictionary,
  decode,
  encode,
  preActivations,
  reconstruct,
} from "../src/index.ts";
import { codeOf, numbers, pairs, reluDictionary } from "./make.ts";

const [d, F, rows] = [4, 12, 7];
const weights = {
  W_enc: numbers(d * F, 1),
  W_dec: numbers(F * d, 2),
  b_enc: numbers(F, 3),
  b_dec: numbers(d, 4),
};
const x = numbers(rows * d, 5);
const threshold = numbers(F, 6);
const exact = { rtol: 1e-12, atol: 1e-12 };

const z = Array.from({ length: rows }, (_, row) =>
  Array.from({ length: F }, (_, f) => {
    let sum = weights.b_enc[f] ?? 0;
    for (let i = 0; i < d; i++) sum += (x[row * d + i] ?? 0) * (weights.W_enc[i * F + f] ?? 0);
    return sum;
  }),
);

type Naive = (row: readonly number[], f: number) => number;
const largest = (row: readonly number[], k: number): Set<number> =>
  new Set(
    row
      .map((_, f) => f)
      .sort((i, j) => (row[j] ?? 0) - (row[i] ?? 0) || i - j)
      .slice(0, k),
  );

/** Each activation as its definition has it, one number at a time. */
const kinds: readonly (readonly [string, (engine: Engine<Shaped>) => Activation<Shaped>, Naive])[] =
  [
    ["relu", () => ({ kind: "relu" }), (row, f) => Math.max(0, row[f] ?? 0)],
    ["tanh-relu", () => ({ kind: "tanh-relu" }), (row, f) => Math.tanh(Math.max(0, row[f] ?? 0))],
    [
      "jumprelu",
      (engine) => ({
        kind: "jumprelu",
        threshold: engine.constant({ feature: F }, threshold),
        rectified: true,
      }),
      (row, f) => ((row[f] ?? 0) > (threshold[f] ?? 0) ? Math.max(0, row[f] ?? 0) : 0),
    ],
    [
      "jumprelu without an inner maximum",
      (engine) => ({
        kind: "jumprelu",
        threshold: engine.constant({ feature: F }, threshold),
        rectified: false,
      }),
      (row, f) => ((row[f] ?? 0) > (threshold[f] ?? 0) ? (row[f] ?? 0) : 0),
    ],
    [
      "topk",
      () => ({ kind: "topk", k: 9, rectified: true }),
      (row, f) => (largest(row, 9).has(f) ? Math.max(0, row[f] ?? 0) : 0),
    ],
    [
      "topk with negative values",
      () => ({ kind: "topk", k: 9, rectified: false }),
      (row, f) => (largest(row, 9).has(f) ? (row[f] ?? 0) : 0),
    ],
    [
      "groupmax",
      () => ({ kind: "groupmax", groups: 4 }),
      (row, f) => {
        const group = row.slice(3 * Math.floor(f / 3), 3 * Math.floor(f / 3) + 3);
        return largest(group, 1).has(f % 3) ? Math.max(0, row[f] ?? 0) : 0;
      },
    ],
  ];

function made<T extends Shaped>(
  engine: Engine<T>,
  more: Partial<Dictionary<T>> = {},
): Dictionary<T> {
  return reluDictionary(engine, d, weights, more);
}

describe.each(["reference", "cpu"])("on %s", (name) => {
  const engineOf = async (): Promise<Engine<Shaped>> =>
    (name === "cpu" ? await createCpu({ precision: "f64" }) : reference) as Engine<Shaped>;

  test.each(kinds)(
    "%s is as defined, however many rows go at a time",
    async (_, activation, naive) => {
      const engine = await engineOf();
      const dictionary = made(engine, { activation: activation(engine) });
      const input = engine.constant({ row: rows, d_in: d }, x);
      const expected = z.map((row) =>
        row.flatMap((_, f) => (naive(row, f) === 0 ? [] : [[f, naive(row, f)] as const])),
      );
      for (const memory of [2 ** 20, 3 * 4 * F * 8, 1]) {
        const got = pairs(await encode(engine, dictionary, input, { memory }));
        expect(got.map((row) => row.map(([f]) => f))).toEqual(
          expected.map((row) => row.map(([f]) => f)),
        );
        expect(got.flat().map(([, a]) => a)).toBeNear(
          expected.flat().map(([, a]) => a),
          exact,
        );
      }
      const { output } = await reconstruct(engine, dictionary, input, { memory: 1 });
      const y = z.flatMap((row) =>
        Array.from({ length: d }, (_, i) =>
          row.reduce(
            (sum, _, f) => sum + naive(row, f) * (weights.W_dec[f * d + i] ?? 0),
            weights.b_dec[i] ?? 0,
          ),
        ),
      );
      expect((await engine.read(output)).data).toBeNear(y, exact);
    },
  );

  test("of equal pre-activations the first is chosen", async () => {
    const engine = await engineOf();
    const same = reluDictionary(engine, 1, { W_enc: [1, 2, 2, 2, 1], W_dec: [1, 1, 1, 1, 1] });
    const input = engine.constant({ row: 1, d_in: 1 }, [3]);
    const chosen = async (activation: Activation<Shaped>): Promise<number[]> =>
      (pairs(await encode(engine, { ...same, activation }, input))[0] ?? []).map(([f]) => f);
    expect(await chosen({ kind: "topk", k: 2, rectified: true })).toEqual([1, 2]);
    expect(await chosen({ kind: "topk", k: 4, rectified: true })).toEqual([0, 1, 2, 3]);
    const four = reluDictionary(engine, 1, { W_enc: [2, 2, 1, 1], W_dec: [1, 1, 1, 1] });
    const grouped = await encode(
      engine,
      { ...four, activation: { kind: "groupmax", groups: 2 } },
      input,
    );
    expect(pairs(grouped)[0]?.map(([f]) => f)).toEqual([0, 2]);
  });

  test("rows without any activation decode to the bias", async () => {
    const engine = await engineOf();
    const dictionary = made(engine, { b_enc: engine.fill({ feature: F }, -100) });
    const input = engine.constant({ row: rows, d_in: d }, x);
    const { activations: none, output } = await reconstruct(engine, dictionary, input);
    expect(none.indices).toHaveLength(0);
    expect((await engine.read(output)).data).toBeNear(
      Array.from({ length: rows }, () => weights.b_dec).flat(),
      exact,
    );
  });

  test("vectors of another width are refused", async () => {
    const engine = await engineOf();
    const input = engine.fill({ row: 2, d_in: d + 1 }, 1);
    expect(await codeOf(() => encode(engine, made(engine), input))).toMatch(/^tensor\//);
  });
});

test("a transcoder reads normalised input and does not un-normalise its output", async () => {
  const input = reference.constant({ row: rows, d_in: d }, x);
  const normalised = Array.from({ length: rows }, (_, row) => {
    const own = x.slice(row * d, (row + 1) * d);
    const norm = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    return own.map((value) => (value * Math.sqrt(d)) / norm);
  });
  const plain = made(reference, { transcoder: true });
  const rescaled = made(reference, {
    transcoder: true,
    normalization: { kind: "constant_norm_rescale" },
  });
  const same = reference.constant({ row: rows, d_in: d }, normalised.flat());
  const expected = await reconstruct(reference, plain, same);
  const got = await reconstruct(reference, rescaled, input);
  expect(got.output.data).toBeNear(expected.output.data, exact);
});

test("a value equal to its threshold is inactive, the next number above is not", async () => {
  const next = 1 + 2 ** -52;
  const one = reluDictionary(reference, 1, { W_enc: [1], W_dec: [1] });
  const activation: Activation<Tensor> = {
    kind: "jumprelu",
    threshold: reference.fill({ feature: 1 }, 1),
    rectified: true,
  };
  const input = reference.constant({ row: 2, d_in: 1 }, [1, next]);
  expect(pairs(await encode(reference, { ...one, activation }, input))).toEqual([[], [[0, next]]]);
});

test("with the active set held, activations are affine in the input", () => {
  const dictionary = made(reference, {
    activation: {
      kind: "jumprelu",
      threshold: reference.fill({ feature: F }, 0.2),
      rectified: true,
    },
  });
  const of = (values: readonly number[]): Tensor => reference.constant({ row: 1, d_in: d }, values);
  const a = numbers(d, 7);
  const gate = reference.constant({ row: 1, feature: F }, z[0]?.map((_, f) => f % 2) ?? []);
  const at = (values: readonly number[]): ArrayLike<number> =>
    activations(reference, dictionary, preActivations(reference, dictionary, of(values)), gate)
      .data;
  const [zero, one, two] = [at(a.map(() => 0)), at(a), at(a.map((value) => 2 * value))];
  for (let f = 0; f < F; f++) {
    expect((two[f] ?? 0) - (one[f] ?? 0)).toBeCloseTo((one[f] ?? 0) - (zero[f] ?? 0), 12);
    if (f % 2 === 0) expect(one[f]).toBeCloseTo(0, 12);
  }
});

test("what the engine holds afterwards is what it held before, and the output", async () => {
  const cpu = await createCpu({ precision: "f64" });
  const dictionary = reluDictionary(cpu, d, weights, {
    activation: { kind: "topk", k: 3, rectified: true },
  });
  const input = cpu.constant({ row: rows, d_in: d }, x);
  const first = await reconstruct(cpu, dictionary, input, { memory: 1 });
  cpu.free(first.output);
  const before = cpu.memory?.used;
  const second = await reconstruct(cpu, dictionary, input, { memory: 1 });
  cpu.free(second.output);
  expect(cpu.memory?.used).toBe(before);
  const sparse = await encode(cpu, dictionary, input);
  cpu.free(decode(cpu, dictionary, sparse));
  expect(cpu.memory?.used).toBe(before);
});
