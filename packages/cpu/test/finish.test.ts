import { type Finish, finishedProduct, type Shape, type Tensor } from "@resolvent/tensor";
import { Draw } from "@resolvent/testkit/engines";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cpu, type CpuTensor, createCpu } from "../src/index.ts";

const draw = new Draw(7);
const GATES = ["relu", "gelu", "gelu_tanh", "quick_gelu", "silu"] as const;

/** Products of a few rows and of many, in one block and several, with lines that are whole vectors or not. */
const PRODUCTS: readonly [left: Shape, right: Shape, last?: readonly string[]][] = [
  [
    { pos: 5, d: 7 },
    { d: 7, e: 9 },
  ],
  [
    { pos: 1, d: 301 },
    { d: 301, e: 203 },
  ],
  [
    { pos: 160, d: 300 },
    { d: 300, e: 611 },
  ],
  [{ degree: 3, pos: 40, d: 64 }, { d: 64, head: 3, e: 20 }, ["pos", "head", "e"]],
  // The other way around in memory, so that what is added lies elsewhere.
  [{ d: 64, pos: 70 }, { e: 40, d: 64 }, ["e", "pos"]],
];

function same(got: Tensor, expected: Tensor): void {
  expect(Object.entries(got.shape)).toEqual(Object.entries(expected.shape));
  const at = expected.data.findIndex((x, i) => !Object.is(x, got.data[i]));
  expect(at, `${got.data[at]} where ${expected.data[at]} is right, at ${at}`).toBe(-1);
}

const ENGINES = (["f32", "f64"] as const).flatMap((precision) =>
  (["off", "auto"] as const).flatMap((blas) =>
    [1, 2].map((threads) => ({ precision, blas, threads })),
  ),
);

describe.each(ENGINES)("$precision, $threads threads, blas $blas", (options) => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = await createCpu(options);
  });
  afterAll(() => cpu.close());
  const made = (shape: Shape): CpuTensor => cpu.constant(shape, draw.tensor(shape).data);

  test("a product and what is done with it have the bits of one after the other", () => {
    const { fused, ...plain } = cpu;
    expect(fused?.product).toBeDefined();
    for (const [left, right, last] of PRODUCTS) {
      const [a, b] = [made(left), made(right)];
      const whole = plain.matmul(a, b, ["d"], last).shape;
      const axes = Object.keys(whole);
      const end = (count: number): Shape =>
        Object.fromEntries(axes.slice(-count).map((axis) => [axis, whole[axis] ?? 0]));
      const all = Object.entries(whole);
      const turned = Object.fromEntries([...all].reverse());
      const finishes: Finish<CpuTensor>[] = [
        { shift: made(end(1)) },
        { shift: made(end(2)), onto: made(end(axes.length)) },
        { factor: made(end(Math.max(1, axes.length - 1))) },
        { factor: made(whole), onto: made(whole) },
        // of another memory order than the result's end
        { shift: made(turned), factor: made({ [axes[0] ?? ""]: whole[axes[0] ?? ""] ?? 0 }) },
        ...GATES.map((activation) => ({ activation })),
        { shift: made(end(1)), activation: "gelu_tanh", onto: made(whole) },
      ];
      for (const finish of finishes) {
        same(
          cpu.read(finishedProduct(cpu, [a, b], ["d"], last, finish)),
          cpu.read(finishedProduct(plain, [a, b], ["d"], last, finish)),
        );
      }
    }
  });

  test("16-bit weights and biases too", () => {
    const bits = (shape: Shape): CpuTensor =>
      cpu.writtenHalf(shape, "bf16", (to) =>
        to.set(draw.tensor(shape).data.map((x) => 16000 + 300 * x)),
      );
    const [a, b, shift] = [made({ pos: 40, d: 96 }), bits({ d: 96, e: 120 }), bits({ e: 120 })];
    const { fused, ...plain } = cpu;
    const finish = { shift, activation: "silu" } as const;
    same(
      cpu.read(finishedProduct(cpu, [a, b], ["d"], undefined, finish)),
      cpu.read(finishedProduct(plain, [a, b], ["d"], undefined, finish)),
    );
  });

  test("a product without terms is finished too", () => {
    const [a, b, shift] = [made({ pos: 3, d: 0 }), made({ d: 0, e: 5 }), made({ e: 5 })];
    const got = cpu.read(finishedProduct(cpu, [a, b], ["d"], undefined, { shift }));
    same(got, cpu.read(cpu.broadcast(shift, { pos: 3 })));
  });

  test("norms have the bits of their operations", () => {
    for (const width of [1, 3, 64, 67, 1031]) {
      for (const centred of [true, false]) {
        const x = made({ degree: 2, pos: 9, d: width });
        const [scale, bias] = [made({ d: width }), made({ d: width })];
        for (const own of [{}, { scale }, { bias }, { scale, bias }]) {
          const got = cpu.fused?.norm?.(x, "d", { centred, eps: 1e-5, ...own });
          const middle = centred ? cpu.center(x, "d") : x;
          const sigma = cpu.rms(middle, "d", 1e-5);
          const inverse = cpu.div(cpu.fill({}, 1), sigma);
          const factor = own.scale === undefined ? inverse : cpu.mul(inverse, own.scale);
          const scaled = cpu.mul(middle, factor);
          const normed = own.bias === undefined ? scaled : cpu.add(scaled, own.bias);
          if (got === undefined) throw new Error("The engine has no fused norm.");
          same(cpu.read(got.sigma), cpu.read(sigma));
          same(cpu.read(got.normed), cpu.read(normed));
        }
        // Factors that are held are those of a run: the stack has an axis more.
        const factor = made({ pos: 9, d: width });
        const by = cpu.fused?.normBy?.(x, "d", { centred, factor, bias });
        const scaled = cpu.mul(centred ? cpu.center(x, "d") : x, factor);
        if (by === undefined) throw new Error("The engine has no fused norm.");
        same(cpu.read(by), cpu.read(cpu.add(scaled, bias)));
      }
    }
  });

  test("a norm along another axis than the last is left to the operations", () => {
    const x = made({ d: 6, pos: 5 });
    expect(cpu.fused?.norm?.(x, "d", { centred: true, eps: 0 })).toBeUndefined();
    const factor = made({ pos: 5 });
    expect(
      cpu.fused?.normBy?.(made({ pos: 5, d: 6 }), "d", { centred: true, factor }),
    ).toBeUndefined();
  });
});
