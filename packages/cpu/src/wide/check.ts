import type { Axis, Shape } from "@resolvent/tensor";
import { arrange } from "../copy.ts";
import { inFull } from "../half.ts";
import type { Machine } from "../machine.ts";
import { map, zip } from "../map.ts";
import { matmul } from "../matmul.ts";
import { center, logsumexp, rms, softmax, sum } from "../rows.ts";
import type { CpuTensor } from "../tensor.ts";
import { trialTensor } from "../trial.ts";

/** Side of the matrices that are timed, and runs of each; the best counts. */
const SIDE = 192;
const RUNS = 9;

type Product = readonly [left: Shape, right: Shape, last?: readonly Axis[]];

/** Whole tiles and edges, one block of terms and several, all memory orders, batches, and few rows. */
const products: readonly Product[] = [
  [
    { i: 48, k: 64 },
    { k: 64, j: 96 },
  ],
  [
    { i: 37, k: 53 },
    { k: 53, j: 41 },
  ],
  [
    { i: 37, k: 53 },
    { j: 41, k: 53 },
  ],
  [
    { k: 53, i: 37 },
    { k: 53, j: 41 },
  ],
  [{ k: 53, i: 37 }, { j: 41, k: 53 }, ["j", "i"]],
  [
    { i: 200, k: 300 },
    { k: 300, j: 112 },
  ],
  [
    { i: 193, k: 513 },
    { j: 33, k: 513 },
  ],
  [
    { i: 13, k: 257 },
    { k: 257, j: 15 },
  ],
  [{ head: 3, i: 29, k: 43 }, { k: 43, head: 3, j: 31 }, ["i", "head", "j"]],
  [
    { i: 3, k: 301 },
    { k: 301, j: 203 },
  ],
  [
    { i: 1, k: 301 },
    { j: 203, k: 301 },
  ],
  [
    { i: 203, k: 301 },
    { k: 301, j: 7 },
  ],
];

/** The other operations: the runtime widens whatever it finds in the module. */
const others: readonly ((machine: Machine, a: CpuTensor, b: CpuTensor) => CpuTensor)[] = [
  ...(["add", "sub", "mul", "div"] as const).map(
    (kind) => (machine: Machine, a: CpuTensor, b: CpuTensor) => zip(machine, a, b, kind),
  ),
  ...(["exp", "sqrt", "relu", "gelu", "gelu_tanh", "quick_gelu", "silu"] as const).map(
    (kind) => (machine: Machine, a: CpuTensor) => map(machine, a, kind),
  ),
  (machine, a) => map(machine, a, "scale", 0.3),
  ...(["bf16", "f16"] as const).map((half) => (machine: Machine, a: CpuTensor) => {
    const bits = machine.make(a.shape, half);
    machine.bits(bits).set(machine.numbers(a).map((x) => 15360 + 1000 * x));
    return inFull(machine, bits);
  }),
  (machine, a) => arrange(machine, a, ["j", "i"]),
  (machine, a) => sum(machine, a, ["i"]),
  (machine, a) => sum(machine, a, ["j"]),
  (machine, a) => center(machine, a, "j"),
  (machine, a) => rms(machine, a, "j", 1e-5),
  (machine, a) => softmax(machine, a, "j", undefined),
  (machine, a) => logsumexp(machine, a, "j"),
];

/** What a machine computes in the check, f32. */
export function results(machine: Machine): [what: string, numbers: ArrayLike<number>][] {
  const all: [string, ArrayLike<number>][] = [];
  const keep = (what: string, make: () => CpuTensor): void => {
    machine.scope(() => {
      all.push([what, machine.read(make()).data]);
    });
  };
  for (const [left, right, last] of products) {
    const sizes = Object.values({ ...left, ...right }).join("×");
    keep(`a product of ${sizes}`, () => {
      const [a, b] = [trialTensor(machine, left, 1), trialTensor(machine, right, 2)];
      return matmul(machine, a, b, ["k"], last);
    });
  }
  const shape = { i: 19, j: 71 };
  for (const [i, operation] of others.entries()) {
    keep(`operation ${i}`, () => {
      return operation(machine, trialTensor(machine, shape, 3), trialTensor(machine, shape, 4));
    });
  }
  return all;
}

/** The first number that is not the same; every tile adds in one order, so not even rounding may differ. */
export function difference(
  expected: ReturnType<typeof results>,
  got: ReturnType<typeof results>,
): string | undefined {
  for (const [at, [what, right]] of expected.entries()) {
    const found = got[at]?.[1] ?? [];
    for (let i = 0; i < right.length; i++) {
      if (!Object.is(right[i], found[i]))
        return `${found[i]} where ${right[i]} is right, in ${what}`;
    }
  }
  return undefined;
}

/** Milliseconds of one product; they take turns, so that what else the machine does meets all. */
export function times(machines: readonly [Machine, Machine]): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run++) {
    for (const which of [0, 1] as const) {
      const machine = machines[which];
      machine.scope(() => {
        const a = trialTensor(machine, { i: SIDE, k: SIDE }, 1);
        const b = trialTensor(machine, { k: SIDE, j: SIDE }, 2);
        const start = performance.now();
        matmul(machine, a, b, ["k"], undefined);
        best[which] = Math.min(best[which], performance.now() - start);
      });
    }
  }
  return best;
}
