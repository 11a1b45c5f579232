import { type Dtype, decodeNumbers, encodeNumbers } from "@resolvent/weights";
import { afterAll, expect, test } from "vitest";
import { type Arithmetic, onThisThread } from "../src/arithmetic.ts";
import { type Cut, cutsOf } from "../src/cuts.ts";
import { type MethodName, mergeTensor, type PlannedParameters } from "../src/index.ts";
import type { Input } from "../src/inputs.ts";
import { onThreads, usualThreads } from "../src/node/threads.ts";
import { programOf } from "../src/program.ts";
import { programFor } from "../src/program-for.ts";
import { type Block, type Slots, slotsOf, type Walk, walk } from "../src/walk.ts";

const arithmetics = await Promise.all([onThisThread(), onThreads(2)]);
const [here, there] = arithmetics as [Arithmetic, Arithmetic]; // two, as above
/** The memory of each is taken once. */
const slots = new Map(arithmetics.map((one) => [one, slotsOf(one)]));
const workshop = (arithmetic: Arithmetic) => ({
  arithmetic,
  slots: slots.get(arithmetic) as Slots, // one for each
});
afterAll(async () => await Promise.all(arithmetics.map((one) => one.close())));

/** An input that is in memory. */
function inputFrom(numbers: ArrayLike<number>, dtype: Dtype, name = "x"): Input {
  const bytes = encodeNumbers(numbers, dtype);
  const width = bytes.byteLength / numbers.length;
  return {
    ...{ name, dtype },
    read: async (start, into) =>
      into.set(bytes.subarray(start * width, start * width + into.byteLength)),
  };
}

async function result(
  walked: AsyncGenerator<Block>,
  entries: number,
  dtype: Dtype,
): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const { bytes } of walked) all.push(bytes.slice());
  const out = Buffer.concat(all);
  expect(out.length).toBe(encodeNumbers(new Float64Array(1), dtype).length * entries);
  return new Uint8Array(out);
}

/** Numbers of all sizes that a dtype has, and what lies at and next to the middle between two of them. */
function awkward(bits: number, smallest: number, largest: number): Float64Array {
  const out: number[] = [0, -0];
  for (let exponent = smallest - bits - 3; exponent <= largest; exponent++) {
    for (let k = 0; k < 4; k++) {
      const whole = 2 ** bits + Math.floor(Math.random() * 2 ** bits);
      const unit = 2 ** (exponent - bits);
      const middle = (whole + 0.5) * unit;
      const hair = unit * 2 ** -28; // less than a float32 shows
      out.push(whole * unit, middle, middle + hair, -middle + hair, middle - hair, -middle - hair);
    }
  }
  return Float64Array.from(out.filter((x) => Math.abs(x) < 2 ** largest));
}

test.each<[Dtype, number, number, number]>([
  ["F16", 10, -14, 15],
  ["BF16", 7, -126, 127],
  ["F32", 23, -126, 127],
  ["F64", 20, -126, 127],
])("numbers become %s by one rounding, and are read back exactly", async (dtype, ...range) => {
  const numbers = awkward(...range);
  const copied = programOf((writer) => {
    writer.op("scaledStored", writer.out(), ...writer.stored(0), 1);
  });
  const options = workshop(here);
  const entries = numbers.length;
  const stored = await result(
    walk({ name: "y", inputs: [inputFrom(numbers, "F64")], entries }, copied, dtype, options),
    ...([entries, dtype] as const),
  );
  expect(Buffer.compare(stored, encodeNumbers(numbers, dtype))).toBe(0);
  const rounded = decodeNumbers({ dtype, shape: [entries], bytes: stored }, "f64");
  const wide = await result(
    walk({ name: "y", inputs: [inputFrom(rounded, dtype)], entries }, copied, "F64", options),
    ...([entries, "F64"] as const),
  );
  expect(Buffer.compare(wide, encodeNumbers(rounded, "F64"))).toBe(0);
});

test("what is not finite, or becomes infinite, stops by name and entry", async () => {
  const numbers = new Float64Array(9001).fill(1);
  const copied = programOf((writer) => {
    writer.op("scaledStored", writer.out(), ...writer.stored(0), 1e5);
  });
  const run = async (own: Float64Array, dtype: Dtype, to: Dtype): Promise<unknown> => {
    const options = workshop(there);
    const one: Walk = { name: "y", inputs: [inputFrom(own, dtype)], entries: own.length };
    return await result(walk(one, copied, to, options), own.length, to);
  };
  await expect(run(numbers, "F16", "F16")).rejects.toMatchObject({ code: "weights/overflow" });
  await expect(run(numbers, "F16", "F32")).resolves.toBeDefined();
  await expect(run(numbers.with(8999, Number.NaN), "BF16", "F32")).rejects.toMatchObject({
    code: "merge/not-finite",
    message: expect.stringContaining("x: entry 8999 is NaN"),
  });
  await expect(run(numbers.with(5000, 1e304), "F64", "F64")).rejects.toMatchObject({
    code: "merge/not-finite",
    message: expect.stringContaining("y of the result: entry 5000 is Infinity"),
  });
});

test("cuts are where sorting has them, of equal magnitudes the lower index first", async () => {
  const entries = 600_000; // more than are looked at one by one, in two blocks
  const vectors = [
    Float64Array.from({ length: entries }, (_, i) => Math.sin(i) * 2 ** (i % 7)),
    Float64Array.from({ length: entries }, (_, i) => [0, 1, -1, 3][(i * i) % 4] as number),
    Float64Array.from({ length: entries }, (_, i) => (i % 3) - 1),
  ];
  const counts = [0, 1, 100_000, 349_999, entries];
  const wanted = vectors.flatMap((_, vector) => counts.map((count) => ({ vector, count })));
  const options = workshop(there);
  const inputs = vectors.map((x) => inputFrom(x, "F64"));
  const cuts = await cutsOf(
    wanted,
    entries,
    programOf,
    ({ x }) => [0, 1, 2].map(x),
    async (program, visit) => {
      for await (const block of walk({ name: "y", inputs, entries }, program, undefined, options))
        visit(block);
    },
  );
  for (const [k, { vector, count }] of wanted.entries()) {
    const { size, to } = cuts[k] as Cut; // one for each
    const x = vectors[vector] as Float64Array; // as above
    let [chosen, least, last] = [0, Number.POSITIVE_INFINITY, -1];
    let [most, first] = [0, entries];
    for (let i = 0; i < entries; i++) {
      const magnitude = Math.abs(x[i] as number); // i is in range
      if (magnitude > size || (magnitude === size && i <= to)) {
        chosen++;
        least = Math.min(least, magnitude);
        if (magnitude === size) last = i;
      } else {
        most = Math.max(most, magnitude);
        if (magnitude === size) first = Math.min(first, i);
      }
    }
    const where = `${count} of vector ${vector}`;
    // Which zeros are chosen makes no difference.
    if (size === 0) expect(chosen, where).toBeGreaterThanOrEqual(count);
    else expect(chosen, where).toBe(count);
    expect(most, where).toBeLessThanOrEqual(least);
    expect(last, where).toBeLessThan(first);
  }
});

const based = new Set(["linear", "passthrough", "nuslerp", "multislerp", "karcher"]);

const methods: readonly [MethodName, Record<string, number | boolean>, number][] = [
  ["linear", { weight: 0.3, normalize: true }, 3],
  ["passthrough", { scale: -0.5 }, 1],
  ["slerp", { t: 0.3 }, 1],
  ["task_arithmetic", { weight: 0.3, lambda: 0.7 }, 2],
  ["ties", { weight: 0.3, density: 0.4, lambda: 0.7, normalize: true }, 3],
  ["breadcrumbs_ties", { weight: 0.3, density: 0.4, gamma: 0.1, lambda: 1, rescale: true }, 2],
  ["dare_ties", { weight: 0.3, density: 0.4, lambda: 1, rescale: true }, 2],
  [
    "della",
    { weight: 0.3, density: 0.4, epsilon: 0.2, lambda: 1, rescale: true, normalize: true },
    2,
  ],
  ["nuslerp", { weight: 0.3, nuslerp_flatten: true }, 2],
  ["nuslerp", { weight: 0.3, nuslerp_flatten: false, nuslerp_row_wise: false }, 2],
  ["nuslerp", { weight: 0.3, nuslerp_flatten: false, nuslerp_row_wise: true }, 2],
  ["multislerp", { weight: 0.3, normalize_weights: true, eps: 1e-8 }, 3],
  ["multislerp", { weight: 0.3, normalize_weights: true, eps: 0 }, 3],
  ["karcher", { max_iter: 10, tol: 1e-5 }, 3],
  ["model_stock", { filter_wise: true }, 2],
  ["model_stock", { filter_wise: false }, 3],
  ["sce", { select_topk: 0.3 }, 3],
  ["arcee_fusion", {}, 1],
  ["nearswap", { t: 0.1 }, 1],
];

/** A tensor to merge, and with what. */
interface Merge {
  readonly shape: readonly number[];
  readonly xs: readonly Float64Array[];
  readonly parameters: Readonly<Record<string, number | boolean>>;
  /** The first of them is the base. */
  readonly hasBase: boolean;
  readonly rescaling?: "l1" | "probability";
  /** How each is stored; default F32. */
  readonly dtypes?: readonly Dtype[];
}

/** The same merge by the method itself, and by kernels; undefined where they leave it to the method. */
async function bothWays(
  method: MethodName,
  { shape, xs, parameters, hasBase, rescaling = "l1", dtypes = xs.map(() => "F32") }: Merge,
  arithmetic: Arithmetic = there,
): Promise<{ expected: Float64Array; got: Float64Array | undefined }> {
  const entries = shape.reduce((a: number, b) => a * b, 1);
  const inputs = xs.map((_, k) =>
    hasBase && k === 0 ? { model: "base", base: true as const } : { model: `m${k}`, parameters },
  );
  const expected = mergeTensor(
    method,
    {
      ...{ name: "t", shape, parameters: parameters as PlannedParameters },
      inputs: xs.slice(hasBase ? 1 : 0).map((x) => ({ x, parameters })),
      base: hasBase ? xs[0] : undefined,
    },
    { rescaling },
  );
  const stored = xs.map((x, k) => inputFrom(x, dtypes[k] ?? "F32", `x${k}`));
  const own: Walk = { name: "t", inputs: stored, entries };
  const options = workshop(arithmetic);
  const program = await programFor(
    method,
    {
      ...{ name: "t", shape, entries, planned: { parameters, inputs }, dtypes },
      pass: async (program, visit) => {
        for await (const block of walk(own, program, undefined, options)) visit(block);
      },
    },
    { rescaling },
  );
  if (program === undefined) return { expected, got: undefined };
  const bytes = await result(walk(own, program, "F64", options), entries, "F64");
  return { expected, got: new Float64Array(bytes.buffer) };
}

test.each(methods)(
  "%s %j by kernels and threads is the method itself",
  async (method, parameters, models) => {
    for (const [shape, rescaling] of [
      [[3, 4099], "l1"], // rows of more than a piece, and no multiple of anything
      [[4, 3, 7], "probability"],
      [[9], "l1"],
      [[3], "l1"], // a quarter of the way up is the smallest
    ] as const) {
      const entries = shape.reduce((a: number, b) => a * b, 1);
      const count = based.has(method) ? models : models + 1;
      const xs = Array.from({ length: count }, (_, k) =>
        Float64Array.from({ length: entries }, (_, i) =>
          Math.fround(Math.sin(i + 0.1 * k * ((i * 7) % 5))),
        ),
      );
      const hasBase = count > models;
      const both = await bothWays(method, { shape, xs, parameters, hasBase, rescaling });
      expect(both.got).toBeNear(both.expected, { rtol: 1e-13, atol: 1e-14 });
    }
  },
);

test("entries that all models changed alike have no variance, though their mean is rounded", async () => {
  const base = new Float64Array(4);
  const xs = [base, ...[0.1, 0.2, 0.4].map((own) => Float64Array.of(own, 0.1, 0.1, 0.1))];
  const dtypes = xs.map((): Dtype => "F64");
  const sce = async (select_topk: number) =>
    await bothWays("sce", {
      ...{ shape: [4], xs, dtypes, parameters: { select_topk }, hasBase: true },
    });
  // Half of the one position that varies is none.
  for (const own of Object.values(await sce(0.5))) expect(own).toEqual(base);
  const { expected, got } = await sce(1);
  expect(got).toEqual(expected);
  expect(expected[1]).toBeGreaterThan(0);
});

test.each<readonly Dtype[]>([
  ["F32", "F32", "F32"],
  ["F16", "F16", "F16"],
  ["BF16", "BF16", "BF16"],
  ["F64", "F64", "F64"],
  ["BF16", "F16", "F32"],
])(
  "inputs of %s, %s and %s are merged to the bit where sums are the method's own, or said which is not finite",
  async (...three) => {
    const whole = (k: number) => (_: unknown, i: number) =>
      (((i + 1) * (k + 3) * 7) % 127) / 2 ** (k + 4);
    for (const [method, parameters, count, rtol] of [
      ["task_arithmetic", { weight: 0.3, lambda: 0.7 }, 3, 0],
      ["task_arithmetic", { weight: 0.3, lambda: 1, normalize: true }, 3, 0],
      ["linear", { weight: 0.3, normalize: true }, 3, 0],
      ["linear", { weight: 0.3 }, 4, 0],
      ["slerp", { t: 0.3 }, 2, 0],
      ["nuslerp", { weight: 0.3, nuslerp_flatten: true }, 2, 0],
      ["model_stock", { filter_wise: false }, 3, 0],
      ["model_stock", { filter_wise: false }, 6, 0],
      ["multislerp", { weight: 0.3, normalize_weights: true, eps: 1e-8 }, 3, 1e-13],
      ["karcher", { max_iter: 10, tol: 1e-5 }, 7, 1e-13],
    ] as const) {
      const dtypes = Array.from({ length: count }, (_, k) => three[k % 3] as Dtype); // there are three
      const xs = dtypes.map((_, k) => Float64Array.from({ length: 4099 }, whole(k)));
      const hasBase = !based.has(method);
      const merge = { shape: [4099], xs, parameters, hasBase, dtypes };
      const { expected, got } = await bothWays(method, merge, here);
      const where = `${method} of ${count}`;
      if (rtol === 0) expect(got, where).toEqual(expected);
      else expect(got, where).toBeNear(expected, { rtol, atol: rtol });
      for (const k of [0, count - 1]) {
        const odd = xs.map((x, i) => (i === k ? x.with(4097, Number.NaN) : x));
        await expect(bothWays(method, { ...merge, xs: odd }, here), where).rejects.toMatchObject({
          code: "merge/not-finite",
          message: expect.stringContaining(`x${k}: entry 4097 is NaN`),
        });
      }
    }
  },
);

// Pieces of whole rows end anywhere, and the last entries of one are read with the first of the next.
test("an entry that is not finite is named where a piece of rows begins with it", async () => {
  const xs = [0, 1, 2].map((k) =>
    Float64Array.from({ length: 2 * 4099 }, (_, i) => Math.fround(Math.sin(i + k))),
  );
  const parameters = { weight: 0.3, density: 0.4, epsilon: 0.2, lambda: 1 };
  for (const at of [4098, 4099, 4101]) {
    const odd = xs.map((x, k) => (k === 1 ? x.with(at, Number.NaN) : x));
    await expect(
      bothWays("della", { shape: [2, 4099], xs: odd, parameters, hasBase: true }, here),
    ).rejects.toMatchObject({
      code: "merge/not-finite",
      message: expect.stringContaining(`x1: entry ${at} is NaN`),
    });
  }
});

// Rounding makes of the cosine a little more than −1, and of what is divided by the sine anything.
test.each([false, true])(
  "vectors that are opposite are merged straight, whatever rounding makes of their cosine; columns: %s",
  async (columns) => {
    const [rows, row] = [40, 11];
    const a = Float64Array.from({ length: rows * row }, (_, i) =>
      Math.fround(Math.sin(i + 1) * 1.7 ** (i % row)),
    );
    const b = a.map((value) => -value / 2); // exactly
    const both = await bothWays("nuslerp", {
      shape: columns ? [row, rows] : [rows, row],
      xs: [a, b],
      parameters: { weight: 1, nuslerp_flatten: false, nuslerp_row_wise: columns },
      hasBase: false,
    });
    const middle = a.map((value) => value / 4);
    expect(both.got).toBeNear(middle, { rtol: 1e-13, atol: 1e-14 });
  },
);

/** Tensors at which angles, norms, cuts and sums have special values; the first is the base where there is one. */
const odd: Readonly<Record<string, (k: number, i: number) => number>> = {
  equal: (_, i) => Math.sin(i + 1),
  "all but the first zero": (k, i) => (k === 0 ? Math.sin(i + 1) : 0),
  "the first zero": (k, i) => (k === 0 ? 0 : Math.cos(i * k + 1)),
  zero: () => 0,
  parallel: (k, i) => 2 ** k * Math.fround(Math.sin(i + 1)),
  opposite: (k, i) => (-1 / 2) ** k * Math.fround(Math.sin(i + 1)),
  small: (k, i) => 1e-9 * Math.sin(i + k),
  large: (k, i) => 1e30 * Math.sin(i + k),
  "of few values": (k, i) => [1, -1, 0.5, 0][(i * i + k * i + k) % 4] ?? 0,
};

test.each(methods)(
  "%s %j by kernels is the method itself at its edges",
  async (method, parameters, models) => {
    const count = based.has(method) ? models : models + 1;
    const hasBase = count > models;
    for (const shape of [[1], [3], [1, 4], [4, 1]]) {
      const entries = shape.reduce((a, b) => a * b, 1);
      for (const [kind, entry] of Object.entries(odd)) {
        const xs = Array.from({ length: count }, (_, k) =>
          Float64Array.from({ length: entries }, (_, i) => Math.fround(entry(k, i))),
        );
        const merge = { shape, xs, parameters: { ...parameters, density: 1 / 2 }, hasBase };
        const where = `${kind}, [${shape.join(", ")}]`;
        const found = await bothWays(method, merge, here).catch((error: unknown) => error);
        if (found instanceof Error) {
          expect(found, where).toMatchObject({ code: expect.stringMatching(REFUSED) });
          continue;
        }
        const { expected, got } = found as Awaited<ReturnType<typeof bothWays>>; // nothing was thrown
        const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        if (got) expect(got, where).toBeNear(expected, { rtol: 0, atol: 1e-13 * size });
      }
    }
  },
);

/** What has no answer, or nothing left: opposite models, densities that keep nothing. */
const REFUSED = /^merge\/(model-stock-antiparallel|antipodal|trim-empty)$/;

test("threads by default: one for each core up to eight, and on two cores one for what is light", () => {
  expect([1, 2, 3, 16].map((cores) => usualThreads("linear", cores))).toEqual([1, 1, 3, 8]);
  expect([1, 2, 3, 16].map((cores) => usualThreads("ties", cores))).toEqual([1, 2, 3, 8]);
});
