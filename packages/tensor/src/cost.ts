import type { Ops, Precision } from "./ops.ts";
import {
  alongShape,
  binaryShape,
  matmulShape,
  rotaryShape,
  softmaxShape,
  sumShape,
} from "./rules/arithmetic.ts";
import { checkShape } from "./rules/checks.ts";
import {
  arrangeShape,
  broadcastShape,
  concatShape,
  constantShape,
  joinShape,
  putShape,
  renameShape,
  sliceShape,
  splitShape,
  takeShape,
} from "./rules/layout.ts";
import { axesOf, type Shape, type Shaped, sizeOf } from "./shape.ts";

/** What a computation takes, known before it runs. */
export interface Cost {
  /** Floating-point operations: 2 for each multiply-add of a product, 1 for each entry of an element-wise operation. */
  readonly flops: number;
  /** Those of matrix products alone. */
  readonly matmulFlops: number;
  /** Bytes read and written by all operations. */
  readonly bytesMoved: number;
  /** Most bytes of intermediates alive at one time, as scopes free them. */
  readonly peakBytes: number;
  /** How often each primitive runs; views (`rename`, `split`, `join` of neighbours) take nothing and do not count. */
  readonly calls: Readonly<Record<string, number>>;
}

/** A shape without numbers, counted while it is alive. */
export interface Priced extends Shaped {
  readonly bytes: number;
  /** What a view shares its memory with. */
  readonly base?: Priced;
}

export interface CostOps extends Ops<Priced> {
  /** A stand-in for something that is already in memory, a weight: takes part in shapes, costs nothing itself. */
  given(shape: Shape): Priced;
  /** What has been counted so far. */
  total(): Cost;
}

/** Bytes of one number. */
const WIDTH = { f32: 4, f64: 8 } as const;

/**
 * An interpreter that computes shapes and counts what the computation would take. Wrong shapes throw what an
 * engine would throw, before any work is done.
 */
export function cost(options: { precision?: keyof typeof WIDTH } = {}): CostOps {
  const width = WIDTH[options.precision ?? "f32"];
  let [flops, matmulFlops, bytesMoved, live, peak] = [0, 0, 0, 0, 0];
  const calls: Record<string, number> = {};
  let scopeOf: Set<Priced> = new Set();
  const alive = new Set<Priced>();

  const count = (name: string, inputs: readonly Shaped[], shape: Shape, work: number): Priced => {
    calls[name] = (calls[name] ?? 0) + 1;
    flops += work;
    const out = { shape, bytes: sizeOf(shape) * width };
    bytesMoved += out.bytes + inputs.reduce((sum, input) => sum + sizeOf(input.shape) * width, 0);
    live += out.bytes;
    peak = Math.max(peak, live);
    scopeOf.add(out);
    alive.add(out);
    return out;
  };
  /** The same memory under other names: free. */
  const view = (a: Priced, shape: Shape): Priced => ({ shape, bytes: 0, base: a });
  const each = (name: string, a: Shaped, shape: Shape, perEntry: number): Priced =>
    count(name, [a], shape, perEntry * sizeOf(a.shape));
  const binary = (name: string, a: Shaped, b: Shaped): Priced => {
    const shape = binaryShape(a.shape, b.shape, name);
    return count(name, [a, b], shape, sizeOf(shape));
  };

  /** A view lives on what it shows, so that freeing that is the end of it. */
  const drop = (value: Priced): void => {
    if (alive.delete(value)) live -= value.bytes;
  };

  return {
    given: (shape) => ({ shape: checkShape(shape, "given"), bytes: 0 }),
    total: () => ({ flops, matmulFlops, bytesMoved, peakBytes: peak, calls: { ...calls } }),
    constant: (shape, data) => count("constant", [], constantShape(shape, data.length), 0),
    fill: (shape) => count("fill", [], checkShape(shape, "fill"), 0),
    rename: (a, names) => view(a, renameShape(a.shape, names)),
    split: (a, axis, into) => view(a, splitShape(a.shape, axis, into)),
    join: (a, axes, into) => {
      const shape = joinShape(a.shape, axes, into);
      const all = axesOf(a.shape);
      const start = all.indexOf(axes[0] ?? "");
      const neighbours = axes.every((axis, i) => axis === all[start + i]);
      return neighbours ? view(a, shape) : each("join", a, shape, 0);
    },
    arrange: (a, axes) => each("arrange", a, arrangeShape(a.shape, axes), 0),
    slice: (a, axis, start, end) => {
      const shape = sliceShape(a.shape, axis, start, end);
      return count("slice", [{ shape }], shape, 0);
    },
    concat: (parts, axis) =>
      count(
        "concat",
        parts,
        concatShape(
          parts.map((p) => p.shape),
          axis,
        ),
        0,
      ),
    broadcast: (a, axes) => each("broadcast", a, broadcastShape(a.shape, axes), 0),
    take: (a, axis, ids) => {
      const shape = takeShape(a.shape, axis, ids);
      return count("take", [{ shape }], shape, 0);
    },
    put: (a, ids, axis, size) => each("put", a, putShape(a.shape, ids, axis, size), 1),
    add: (a, b) => binary("add", a, b),
    sub: (a, b) => binary("sub", a, b),
    mul: (a, b) => binary("mul", a, b),
    div: (a, b) => binary("div", a, b),
    scale: (a) => each("scale", a, a.shape, 1),
    exp: (a) => each("exp", a, a.shape, 1),
    log: (a) => each("log", a, a.shape, 1),
    sqrt: (a) => each("sqrt", a, a.shape, 1),
    gate: (a) => each("gate", a, a.shape, 1),
    sum: (a, axes) => each("sum", a, sumShape(a.shape, axes), 1),
    matmul: (a, b, over, last) => {
      const shape = matmulShape(a.shape, b.shape, over, last);
      const terms = over.reduce((product, axis) => product * (a.shape[axis] as number), 1); // checked by the rule
      const work = 2 * sizeOf(shape) * terms;
      matmulFlops += work;
      return count("matmul", [a, b], shape, work);
    },
    center: (a, axis) => {
      alongShape(a.shape, axis, "center");
      return each("center", a, a.shape, 2);
    },
    rms: (a, axis) => each("rms", a, alongShape(a.shape, axis, "rms"), 2),
    softmax: (a, axis, mask) => each("softmax", a, softmaxShape(a.shape, axis, mask), 4),
    logsumexp: (a, axis) => each("logsumexp", a, alongShape(a.shape, axis, "logsumexp"), 3),
    rotary: (a, axis, pos, table, options) =>
      each("rotary", a, rotaryShape(a.shape, axis, pos, table, options?.start ?? 0), 3),
    scope: (body) => {
      const outer = scopeOf;
      scopeOf = new Set();
      let kept: ReadonlySet<unknown> = new Set(); // nothing, where the body throws
      try {
        const result = body();
        kept = reachable(result);
        return result;
      } finally {
        for (const value of scopeOf) {
          if (kept.has(value)) outer.add(value);
          else drop(value);
        }
        scopeOf = outer;
      }
    },
    free: (value) => {
      for (const one of reachable(value)) drop(one as Priced); // others are not alive
    },
  };
}

/** Every object that can be reached from a value through arrays, maps, and plain objects. */
export function reachable(value: unknown, found: Set<unknown> = new Set()): Set<unknown> {
  if (
    typeof value !== "object" ||
    value === null ||
    found.has(value) ||
    ArrayBuffer.isView(value)
  ) {
    return found;
  }
  found.add(value);
  const inside = value instanceof Map ? value.values() : Object.values(value);
  for (const part of inside) reachable(part, found);
  return found;
}

/** What something would take, from shapes alone. */
export function priced(precision: Precision, body: (ops: CostOps) => unknown): Cost {
  const ops = cost({ precision });
  ops.scope(() => void body(ops));
  return ops.total();
}
