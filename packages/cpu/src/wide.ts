import type { Axis, Precision, Shape } from "@resolvent/tensor";
import { arrange } from "./copy.ts";
import { inFull } from "./half.ts";
import { Machine, type Wide } from "./machine.ts";
import { map, zip } from "./map.ts";
import { matmul } from "./matmul.ts";
import { loadModule, loadWideModule, nodeModule, simdSupport } from "./module.ts";
import { FIRST_FREE, Pool } from "./pool.ts";
import { fastestTile } from "./probe.ts";
import { center, logsumexp, rms, softmax, sum } from "./rows.ts";
import type { CpuTensor } from "./tensor.ts";

/** The wider kernels where they may be used, and what to say about them. */
export interface Widened {
  readonly module?: WebAssembly.Module;
  readonly wide: Wide;
}

/** The tile of 6 × 16 numbers in assembly/tile.ts, which only the wider kernels have. */
export const WIDE_TILE = 3;

/** The first version of Node whose V8 makes 256-bit operations of two 128-bit ones. */
const FIRST_NODE = 24;

/** The wider kernels must be this many times as fast as the ordinary ones: less may be chance. */
const LEAST_GAIN = 1.1;

/** Side of the matrices that are timed, and runs of each; the best counts. */
const SIDE = 192;
const RUNS = 9;

/** Pages of 64 KiB that the check may take for each kind of kernels. */
const CHECK_PAGES = 256;

/** Whether an option, or else the environment variable `RESOLVENT_WIDE`, asks for the wider kernels. */
export function wantsWide(option: boolean | undefined): boolean {
  if (option !== undefined) return option;
  return typeof process === "object" && process.env?.RESOLVENT_WIDE === "1";
}

/** They are tried once for a process: what is faster must not change from engine to engine. */
let tried: Promise<Widened> | undefined;

/** The wider kernels, if the runtime has them and they pass the check. */
export async function widened(precision: Precision): Promise<Widened> {
  const why = lacking(precision);
  if (why !== undefined) return { wide: { used: false, why } };
  tried ??= attempt();
  return tried;
}

/** What is missing for the wider kernels before they are tried. */
function lacking(precision: Precision): string | undefined {
  if (nodeModule("node:v8") === undefined) {
    return `The wider kernels need Node ${FIRST_NODE} or later; this is another runtime.`;
  }
  const { node } = process.versions;
  if (!(Number.parseInt(node, 10) >= FIRST_NODE)) {
    return `The wider kernels need Node ${FIRST_NODE} or later; this is ${node}.`;
  }
  if (process.arch !== "x64") {
    return `The wider kernels need an x64 processor; this is ${process.arch}.`;
  }
  if (!simdSupport().relaxed) return "The wider kernels need relaxed SIMD, which is switched off.";
  if (precision !== "f32")
    return `The wider kernels are for f32; this engine computes in ${precision}.`;
  return undefined;
}

async function attempt(): Promise<Widened> {
  const refused = (why: string): Widened => ({ wide: { used: false, why } });
  try {
    // The ordinary kernels compute first, before any flag is set.
    const ordinary = await checkMachine(await loadModule("f32"));
    ordinary.tile = fastestTile(ordinary);
    const expected = results(ordinary);
    const module = await loadWideModule();
    const wider = await checkMachine(module);
    wider.tile = WIDE_TILE;
    const wrong = difference(expected, results(wider));
    if (wrong !== undefined) return refused(`The wider kernels compute ${wrong}.`);
    const [slow, fast] = times([ordinary, wider]);
    if (fast * LEAST_GAIN > slow) {
      const gain = (slow / fast).toFixed(2);
      return refused(`The wider kernels are not faster here: ${gain} times the ordinary ones.`);
    }
    return { module, wide: { used: true } };
  } catch (error) {
    // An experimental part of the runtime may fail in any way; the ordinary kernels do without it.
    return refused(
      `The wider kernels did not run: ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function checkMachine(module: WebAssembly.Module): Promise<Machine> {
  const initial = Math.ceil(FIRST_FREE / 65536);
  const memory = new WebAssembly.Memory({ initial, maximum: CHECK_PAGES, shared: true });
  return new Machine(memory, await Pool.start(module, memory, 1), "f32", CHECK_PAGES * 65536);
}

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
      const [a, b] = [numbersOf(machine, left, 1), numbersOf(machine, right, 2)];
      return matmul(machine, a, b, ["k"], last);
    });
  }
  const shape = { i: 19, j: 71 };
  for (const [i, operation] of others.entries()) {
    keep(`operation ${i}`, () => {
      return operation(machine, numbersOf(machine, shape, 3), numbersOf(machine, shape, 4));
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
function times(machines: readonly [Machine, Machine]): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run++) {
    for (const which of [0, 1] as const) {
      const machine = machines[which];
      machine.scope(() => {
        const a = numbersOf(machine, { i: SIDE, k: SIDE }, 1);
        const b = numbersOf(machine, { k: SIDE, j: SIDE }, 2);
        const start = performance.now();
        matmul(machine, a, b, ["k"], undefined);
        best[which] = Math.min(best[which], performance.now() - start);
      });
    }
  }
  return best;
}

/** Numbers in (−½, ½) that look like chance and are the same every time. */
function numbersOf(machine: Machine, shape: Shape, seed: number): CpuTensor {
  const result = machine.make(shape);
  const numbers = machine.numbers(result);
  let state = seed;
  for (let i = 0; i < numbers.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 32 - 0.5;
  }
  return result;
}
