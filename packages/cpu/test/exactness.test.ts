import {
  type Axis,
  type Precision,
  reference,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { Draw } from "@resolvent/testkit/engines";
import { describe, expect, test } from "vitest";
import { engineOf } from "../src/engine.ts";
import { type Cpu, type CpuTensor, createCpu } from "../src/index.ts";
import { Machine } from "../src/machine.ts";
import { loadModule } from "../src/module.ts";
import { Pool } from "../src/pool.ts";
import { TILES } from "../src/probe.ts";

const draw = new Draw(1);
const random = (shape: Shape): Tensor => draw.tensor(shape);

/** Work that is large enough to be shared, and the small paths beside it. */
const calls: Readonly<
  Record<string, { inputs: Tensor[]; run: (cpu: Cpu, t: CpuTensor[]) => CpuTensor }>
> = {
  "product, odd sizes": product({ i: 131, k: 517 }, { k: 517, j: 203 }, ["k"]),
  "product, right transposed": product({ i: 90, k: 300 }, { j: 333, k: 300 }, ["k"]),
  "product, left transposed": product({ k: 300, i: 90 }, { k: 300, j: 333 }, ["k"]),
  "product of heads": product(
    { pos: 65, kv: 3, group: 2, d_head: 20 },
    { key_pos: 70, kv: 3, d_head: 20 },
    ["d_head"],
  ),
  "product of patterns": product(
    { kv: 3, group: 2, pos: 65, key_pos: 70 },
    { degree: 3, key_pos: 70, kv: 3, d_head: 20 },
    ["key_pos"],
    ["pos", "kv", "group", "d_head"],
  ),
  ...Object.fromEntries(
    [1, 2, 3, 8].flatMap((rows) => [
      [`product of ${rows} rows`, product({ i: rows, k: 401 }, { k: 401, j: 3001 }, ["k"])],
      [
        `product of ${rows} rows, terms adjacent`,
        product({ i: rows, k: 401 }, { j: 3001, k: 401 }, ["k"]),
      ],
      [`product of ${rows} columns`, product({ j: 3001, k: 401 }, { k: 401, i: rows }, ["k"])],
    ]),
  ),
  add: {
    inputs: [random({ a: 300, b: 1001 }), random({ b: 1001 })],
    run: (cpu, [a, b]) => cpu.add(...pair(a, b)),
  },
  gelu: { inputs: [random({ a: 300, b: 1001 })], run: (cpu, [a]) => cpu.gate(one(a), "gelu") },
  softmax: {
    inputs: [random({ a: 7, q: 101, k: 101 })],
    run: (cpu, [a]) => cpu.softmax(one(a), "k", { query: "q" }),
  },
  "sum of columns": {
    inputs: [random({ a: 700, b: 1001 })],
    run: (cpu, [a]) => cpu.sum(one(a), ["a"]),
  },
  "sum of rows": {
    inputs: [random({ a: 700, b: 1001 })],
    run: (cpu, [a]) => cpu.sum(one(a), ["b"]),
  },
  arrange: {
    inputs: [random({ a: 500, b: 3, c: 401 })],
    run: (cpu, [a]) => cpu.arrange(one(a), ["b", "a"]),
  },
};

function product(
  left: Shape,
  right: Shape,
  over: readonly Axis[],
  last?: readonly Axis[],
): { inputs: Tensor[]; run: (cpu: Cpu, t: CpuTensor[]) => CpuTensor } {
  return {
    inputs: [random(left), random(right)],
    run: (cpu, [a, b]) => cpu.matmul(...pair(a, b), over, last),
  };
}

const one = (a: CpuTensor | undefined): CpuTensor => a as CpuTensor; // each call has its inputs
const pair = (a: CpuTensor | undefined, b: CpuTensor | undefined): [CpuTensor, CpuTensor] => [
  one(a),
  one(b),
];

function results(cpu: Cpu): Map<string, Tensor> {
  return new Map(
    Object.entries(calls).map(([name, { inputs, run }]) => [
      name,
      cpu.read(
        run(
          cpu,
          inputs.map(({ shape, data }) => cpu.constant(shape, data)),
        ),
      ),
    ]),
  );
}

/** The index of the first number that is not the same to the last bit; −1 where there is none. */
function firstDifference(a: Tensor["data"] | undefined, b: Tensor["data"]): number {
  return a?.length === b.length ? a.findIndex((x, i) => !Object.is(x, b[i])) : 0;
}

function most(data: Tensor["data"], of: (x: number, i: number) => number): number {
  return Float64Array.from(data, of).reduce((a, b) => Math.max(a, b), 0);
}

describe.each<Precision>(["f32", "f64"])("%s", (precision) => {
  test("one thread, two threads and a second run agree to the last bit, and with the reference", async () => {
    const single = await createCpu({ precision, threads: 1, blas: "off" });
    const double = await createCpu({ precision, threads: 2, blas: "off" });
    const first = results(single);
    for (const other of [results(single), results(double), results(double)]) {
      for (const [name, { data }] of first)
        expect(firstDifference(other.get(name)?.data, data), name).toBe(-1);
    }
    for (const [name, { inputs, run }] of Object.entries(calls)) {
      // The reference has the same operations under the same names.
      const expected = run(
        reference as unknown as Cpu,
        inputs as unknown as CpuTensor[],
      ) as unknown as Tensor;
      const got = first.get(name) as Tensor;
      expect(Object.entries(got.shape), name).toEqual(Object.entries(expected.shape));
      const largest = most(expected.data, Math.abs);
      const error = most(expected.data, (x, i) => Math.abs(x - (got.data[i] as number)));
      expect(error / largest, name).toBeLessThan(precision === "f32" ? 1e-6 : 1e-14);
    }
    await single.close();
    await double.close();
  }, 30_000);

  test("every register tile gives the same bits", async () => {
    const limit = 2 ** 28;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: limit / 65536, shared: true });
    const pool = await Pool.start(await loadModule(precision), memory, 1);
    const machine = new Machine(memory, pool, precision, limit);
    const cpu = engineOf(machine);
    const [first, ...others] = Array.from({ length: TILES }, (__, tile) => {
      machine.tile = tile;
      return cpu.scope(() => results(cpu));
    });
    for (const other of others) {
      for (const [name, { data }] of first ?? [])
        expect(firstDifference(other.get(name)?.data, data), name).toBe(-1);
    }
    expect(others.length).toBe(TILES - 1);
  });

  test("exp and log are within 2 units in the last place", async () => {
    const cpu = await createCpu({ precision, threads: 1, blas: "off" });
    const unit = precision === "f32" ? 2 ** -23 : 2 ** -52;
    const [low, high] = precision === "f32" ? [-87, 88] : [-708, 709];
    const shape = { x: 20_000 };
    const at = draw.tensor(shape, () => low + (high - low) * draw.next());
    const ofExp = cpu.read(cpu.exp(cpu.constant(shape, at.data))).data;
    const exact = (value: number): number => (precision === "f32" ? Math.fround(value) : value);
    const positive = {
      data: ofExp.map((_, i) => exact(Math.exp(at.data[i] as number))),
    };
    const near = draw.tensor(shape, () => 1 + (draw.next() - 0.5) / 8);
    let worst = 0;
    for (let i = 0; i < sizeOf(shape); i++) {
      const expected = Math.exp(at.data[i] as number);
      worst = Math.max(worst, Math.abs((ofExp[i] as number) - expected) / expected / unit);
    }
    expect(worst).toBeLessThan(2);
    for (const { data } of [positive, near]) {
      const ofLog = cpu.read(cpu.log(cpu.constant(shape, data))).data;
      worst = 0;
      for (let i = 0; i < sizeOf(shape); i++) {
        const expected = Math.log(data[i] as number);
        if (expected !== 0) {
          worst = Math.max(worst, Math.abs(((ofLog[i] as number) - expected) / expected) / unit);
        }
      }
      expect(worst).toBeLessThan(2);
    }
    const special = [
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      0,
      -1,
      1000,
      -1000,
    ];
    const x = cpu.constant({ x: special.length }, special);
    expect([...cpu.read(cpu.exp(x)).data]).toEqual([
      0,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      1,
      expect.closeTo(Math.exp(-1), 6),
      Number.POSITIVE_INFINITY,
      0,
    ]);
    expect([...cpu.read(cpu.log(x)).data]).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      expect.closeTo(Math.log(1000), 5),
      Number.NaN,
    ]);
    await cpu.close();
  });
});
