import {
  isInputError,
  type Precision,
  reference,
  type Shape,
  type Tensor,
} from "@resolvent/tensor";
import { Draw, describeConformance } from "@resolvent/testkit/engines";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { useBlas } from "../src/blas/choice.ts";
import { speeds, TOLERANCE } from "../src/blas/probe.ts";
import { engineOf } from "../src/engine.ts";
import { type Cpu, createCpu } from "../src/index.ts";
import { kernels } from "../src/kernels.ts";
import type { Machine } from "../src/machine.ts";
import { startMachine } from "../src/start.ts";
import { describeWithBlas } from "./system-blas.ts";

const precisions: readonly Precision[] = ["f32", "f64"];

/** An engine that uses the system's BLAS whether it is faster or not, and counts its products. */
async function counting(
  precision: Precision,
  threads: number,
): Promise<{ cpu: Cpu; machine: Machine; count: () => number }> {
  const { machine, native } = await startMachine({ precision, threads, blas: "auto" });
  if (native === undefined) throw new Error("The tests that have no BLAS are skipped.");
  const blas = useBlas(machine, native, { path: native.library });
  let products = 0;
  const run = machine.run.bind(machine);
  machine.run = (kernel, ...others) => {
    if (kernel === kernels.native) products++;
    run(kernel, ...others);
  };
  return { cpu: engineOf(machine, blas), machine, count: () => products };
}

const open: Cpu[] = [];
const kept = (cpu: Cpu): Cpu => {
  open.push(cpu);
  return cpu;
};
afterAll(async () => {
  for (const cpu of open) await cpu.close();
});

/** A product in any memory order: batched, with several axes on each side, thin or not. */
function product(draw: Draw): {
  a: Tensor;
  b: Tensor;
  over: string[];
  last: string[] | undefined;
} {
  const size = (): number => draw.of([1, 3, 8, 17, 33, 48, 65]);
  const sizes: Record<string, number> = {};
  const named = (prefix: string, least: number, most: number): string[] =>
    Array.from({ length: draw.whole(least, most) }, (_, i) => {
      sizes[`${prefix}${i}`] = i === 0 ? size() : draw.whole(1, 3);
      return `${prefix}${i}`;
    });
  const [rows, columns, terms, batch] = [
    named("i", 1, 2),
    named("j", 1, 2),
    named("k", 1, 2),
    named("g", 0, 1),
  ];
  const shape = (axes: string[]): Shape =>
    Object.fromEntries(draw.shuffled(axes).map((axis) => [axis, sizes[axis] ?? 1]));
  const free = [...batch, ...rows, ...columns];
  return {
    a: draw.tensor(shape([...batch, ...rows, ...terms])),
    b: draw.tensor(shape([...batch, ...columns, ...terms])),
    over: draw.shuffled(terms),
    last: draw.next() < 0.5 ? undefined : draw.some(free),
  };
}

const absolute = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(Math.abs) });

describeWithBlas("the system's BLAS", () => {
  for (const precision of precisions) {
    test(`${precision}: BLAS, WebAssembly and the reference agree in any memory order`, async () => {
      const { cpu, count } = await counting(precision, 2);
      kept(cpu);
      const wasm = kept(await createCpu({ precision, threads: 1, blas: "off" }));
      const limit = TOLERANCE[precision];
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const { a, b, over, last } = product(new Draw(seed));
          const on = (engine: Cpu): Tensor =>
            engine.scope(() => {
              const [x, y] = [a, b].map(({ shape, data }) => engine.constant(shape, data));
              return engine.read(engine.matmul(x as never, y as never, over, last)); // two were made
            });
          const expected = reference.matmul(a, b, over, last);
          const sizes = reference.matmul(absolute(a), absolute(b), over, last);
          for (const got of [on(cpu), on(wasm)]) {
            expect(Object.entries(got.shape)).toEqual(Object.entries(expected.shape));
            const wrong = got.data.findIndex((x, i) => {
              const error = Math.abs(x - (expected.data[i] as number)); // the shapes agree
              return !(error <= limit * (sizes.data[i] as number));
            });
            expect(wrong, JSON.stringify([a.shape, b.shape, over, last])).toBe(-1);
          }
        }),
        { numRuns: 150 },
      );
      expect(count(), "products of the BLAS").toBeGreaterThan(10);
    }, 120_000);

    test(`${precision}: the same bits again, in another engine, and with more threads`, async () => {
      const draw = new Draw(3);
      const calls = [
        [{ i: 301, k: 517 }, { k: 517, j: 403 }, 1],
        [{ i: 130, k: 768 }, { j: 1000, k: 768 }, 1],
        [{ i: 5, k: 700 }, { k: 700, j: 3001 }, 1],
        [{ pos: 65, head: 12, k: 64 }, { key_pos: 70, head: 12, k: 64 }, 1],
      ] as const;
      const inputs = calls.map(([a, b]) => [draw.tensor(a), draw.tensor(b)] as const);
      const results: Tensor["data"][][] = [];
      for (const threads of [1, 1, 2, 3]) {
        const { cpu, count } = await counting(precision, threads);
        const run = (): Tensor["data"][] =>
          inputs.map(([a, b]) => {
            const [x, y] = [cpu.constant(a.shape, a.data), cpu.constant(b.shape, b.data)];
            return cpu.read(cpu.matmul(x, y, ["k"])).data;
          });
        results.push(run(), run());
        expect(count()).toBe(2 * calls.length);
        await cpu.close();
      }
      for (const other of results) {
        for (const [i, data] of other.entries()) {
          const first = results[0]?.[i];
          expect(data.findIndex((x, at) => !Object.is(x, first?.[at]))).toBe(-1);
        }
      }
    }, 120_000);

    const engine = counting(precision, 2).then(({ cpu }) => kept(cpu));
    const tolerance = precision === "f32" ? 1e-6 : 1e-13;
    describeConformance(`${precision}`, () => engine, { tolerance, calls: 30 });
  }

  test("it reads and writes the engine's memory where it is, also after that has grown", async () => {
    const { cpu, machine, count } = await counting("f64", 2);
    kept(cpu);
    const identity = Float64Array.from({ length: 64 * 64 }, (_, at) => (at % 65 === 0 ? 1 : 0));
    const numbers = Float64Array.from({ length: 64 * 64 }, (_, at) => at);
    const one = cpu.constant({ i: 64, k: 64 }, identity);
    const first = cpu.constant({ k: 64, j: 64 }, numbers);
    expect(cpu.read(cpu.matmul(one, first, ["k"])).data).toEqual(numbers);
    const used = cpu.memory.used;
    for (let gigabyte = 0; gigabyte < 3; gigabyte++) machine.make({ x: 2 ** 27 }); // never touched
    expect(cpu.memory.used - used).toBe(3 * 2 ** 30);
    // Beyond 2 GiB, where addresses no longer fit a signed number.
    const late = cpu.constant({ k: 64, j: 64 }, numbers);
    expect(cpu.read(cpu.matmul(one, late, ["k"])).data).toEqual(numbers);
    expect(cpu.read(cpu.matmul(one, first, ["k"])).data).toEqual(numbers);
    expect(count()).toBe(3);
  }, 120_000);

  test("an engine says what it uses", async () => {
    const { cpu } = await counting("f32", 2);
    kept(cpu);
    expect(cpu.blas).toMatchObject({ library: expect.any(String), threads: 2 });
    expect(cpu.blas?.gflops.wasm).toBeGreaterThan(0.1);
    expect(cpu.blas?.gflops.blas).toBeGreaterThan(0.1);
  });

  test("the kernels and the library are compared on one thread each", async () => {
    const { cpu, machine } = await counting("f32", 2);
    kept(cpu);
    const { pool } = machine;
    const run = pool.run.bind(pool);
    let [runs, shared] = [0, 0];
    pool.run = (kernel, items, chunk, ...others) => {
      runs++;
      if (items > chunk) shared++;
      run(kernel, items, chunk, ...others);
    };
    speeds(machine);
    expect(shared).toBe(0);
    expect(runs).toBeGreaterThan(10);
    expect(machine.shares).toBe(true);
  });

  test("small products stay in WebAssembly", async () => {
    const { cpu, count } = await counting("f32", 1);
    kept(cpu);
    const square = (n: number): void =>
      void cpu.matmul(cpu.fill({ i: n, k: n }, 1), cpu.fill({ k: n, j: n }, 1), ["k"]);
    square(15);
    expect(count()).toBe(0);
    square(16);
    expect(count()).toBe(1);
  });
});

const codeOf = async (made: Promise<unknown>): Promise<string> => {
  try {
    await made;
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return "";
};

test("it can be switched off, by the option and by the environment", async () => {
  expect(kept(await createCpu({ threads: 1, blas: "off" })).blas).toBeUndefined();
  process.env.RESOLVENT_BLAS = "off";
  try {
    expect(kept(await createCpu({ threads: 1 })).blas).toBeUndefined();
  } finally {
    delete process.env.RESOLVENT_BLAS;
  }
});

test("a library that was asked for by name and is not there is an error that names it", async () => {
  const blas = "/nowhere/libblas.so";
  expect(await codeOf(createCpu({ threads: 1, blas }))).toBe("cpu/no-blas");
  await expect(createCpu({ threads: 1, blas })).rejects.toThrow(/\/nowhere\/libblas\.so/);
  process.env.RESOLVENT_BLAS = blas;
  try {
    expect(await codeOf(createCpu({ threads: 1 }))).toBe("cpu/no-blas");
    expect(kept(await createCpu({ threads: 1, blas: "off" })).blas).toBeUndefined();
  } finally {
    delete process.env.RESOLVENT_BLAS;
  }
  expect(await codeOf(createCpu({ threads: 1, blas: "" }))).toBe("cpu/bad-option");
});
