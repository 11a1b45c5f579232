import type { Axis, Shape, Tensor } from "@resolvent/tensor";
import type { Machine } from "../machine.ts";
import { matmul } from "../matmul.ts";
import { trialTensor } from "../trial.ts";
import { multiplyNatively } from "./product.ts";

/**
 * Largest difference between a product of the BLAS and one of the WebAssembly kernels, relative to the product
 * of the magnitudes: both round, in another order.
 */
export const TOLERANCE: Readonly<Record<"f32" | "f64", number>> = { f32: 1e-6, f64: 1e-14 };

/** Side of the matrices that are timed. */
const SIDE = 128;

/** Runs of each that are timed; the best counts, so that what else the machine does matters little. */
const RUNS = 25;

type Product = readonly [left: Shape, right: Shape, over: readonly Axis[], last?: readonly Axis[]];

/** Products that use every way in which the library is called: transposed or not, of odd sizes, within larger matrices. */
const products: readonly Product[] = [
  [{ i: 37, k: 53 }, { k: 53, j: 41 }, ["k"]],
  [{ i: 37, k: 53 }, { j: 41, k: 53 }, ["k"]],
  [{ k: 53, i: 37 }, { k: 53, j: 41 }, ["k"]],
  [{ k: 53, i: 37 }, { j: 41, k: 53 }, ["k"]],
  [{ i: 64, k: 96 }, { k: 96, j: 80 }, ["k"], ["j", "i"]],
  [{ i: 29, head: 3, k: 31 }, { j: 43, head: 3, k: 31 }, ["k"]],
  [{ head: 3, i: 29, k: 43 }, { k: 43, head: 3, j: 31 }, ["k"], ["i", "head", "j"]],
  [{ head: 3, i: 29, k: 43 }, { head: 3, k: 43, j: 31 }, ["head", "k"]],
  [{ i: 3, k: 301 }, { k: 301, j: 203 }, ["k"]],
  [{ i: 1, k: 301 }, { j: 203, k: 301 }, ["k"]],
  [{ k: 301, i: 203 }, { k: 301, j: 2 }, ["k"]],
  [{ i: 203, k: 301 }, { k: 301, j: 7 }, ["k"]],
];

/** What is wrong with the library's products, compared with those of the kernels; undefined where nothing is. */
export function wrongProduct(machine: Machine): string | undefined {
  for (const [left, right, over, last] of products) {
    const wrong = machine.scope(() => {
      const [a, b] = [trialTensor(machine, left, 1), trialTensor(machine, right, 2)];
      const [sizeA, sizeB] = [magnitudes(machine, a), magnitudes(machine, b)];
      const product = (blas: boolean, x: typeof a, y: typeof a): Tensor => {
        machine.blas = blas ? multiplyNatively : undefined;
        return machine.read(matmul(machine, x, y, over, last));
      };
      const expected = product(false, a, b).data;
      const sizes = product(false, sizeA, sizeB).data;
      const got = product(true, a, b).data;
      const limit = TOLERANCE[machine.precision];
      const at = got.findIndex((x, i) => {
        // All three have one shape. A missing number is not within any limit.
        const difference = Math.abs(x - (expected[i] as number));
        return !(difference <= limit * (sizes[i] as number));
      });
      if (at < 0) return undefined;
      const size = Object.values(left).join("×");
      return `It computes wrong products: ${got[at]} where ${expected[at]} is right (a left side of ${size}).`;
    });
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Billions of floating-point operations a second, on one thread, of the kernels and of the library. */
export function speeds(machine: Machine): { wasm: number; blas: number } {
  machine.shares = false;
  try {
    return speedsOf(machine, SIDE, RUNS, ["wasm", "blas"]);
  } finally {
    machine.shares = true;
  }
}

/** The same of products of a size, on all threads of a machine unless it does not share. */
export function speedsOf<Which extends "wasm" | "blas">(
  machine: Machine,
  side: number,
  runs: number,
  which: readonly Which[],
): Record<Which, number> {
  const before = machine.blas;
  const best = new Map<Which, number>();
  machine.scope(() => {
    const a = trialTensor(machine, { i: side, k: side }, 1);
    const b = trialTensor(machine, { k: side, j: side }, 2);
    // The first turn warms them up. They take turns, so that a drift of the machine meets all.
    for (let run = 0; run <= runs; run++) {
      for (const one of which) {
        machine.blas = one === "blas" ? multiplyNatively : undefined;
        const start = performance.now();
        machine.free(matmul(machine, a, b, ["k"], undefined));
        const ms = performance.now() - start;
        if (run > 0) best.set(one, Math.min(best.get(one) ?? ms, ms));
      }
    }
  });
  machine.blas = before;
  const speed = (ms: number): number => Math.round((2 * side ** 3) / ms / 1e5) / 10;
  // Each of `which` was run.
  return Object.fromEntries([...best].map(([one, ms]) => [one, speed(ms)])) as Record<
    Which,
    number
  >;
}

function magnitudes(machine: Machine, a: ReturnType<Machine["make"]>): typeof a {
  const result = machine.make(a.shape);
  const numbers = machine.numbers(a);
  machine.numbers(result).set(numbers.map(Math.abs));
  return result;
}
