import type { Fusions } from "./fusions.ts";
import type { Ops } from "./ops.ts";
import type { Shaped } from "./shape.ts";

/** Time spent in one primitive, or fusion of primitives, under one label. */
export interface Timing {
  /** The primitive: `matmul`; or the fusion: `fused.product`. */
  readonly operation: string;
  /** The innermost label it ran under, a site such as `L0.attn.pattern`; empty outside of any. */
  readonly within: string;
  readonly calls: number;
  readonly milliseconds: number;
}

export interface ProfileOps<T extends Shaped> extends Ops<T> {
  /** Runs `body`; the primitives in it count under `label`, those in a label inside it under that. */
  within<R>(label: string, body: () => R): R;
  /** What has been measured so far, the longest first. */
  timings(): readonly Timing[];
}

/**
 * An interpreter that measures how long each primitive of another takes, and each of its fusions. For engines that compute at once; an
 * engine that answers later is measured for its calls only.
 *
 * @param now a clock, in milliseconds
 *
 * ```ts
 * const ops = profile(cpu, () => performance.now());
 * run(ops, model, ids);
 * ops.timings()[0];   // {operation: "fused.product", within: "", calls: 73, milliseconds: 112}
 * ```
 */
export function profile<T extends Shaped>(ops: Ops<T>, now: () => number): ProfileOps<T> {
  const found = new Map<
    string,
    { operation: string; within: string; calls: number; milliseconds: number }
  >();
  let label = "";
  const timed =
    <A extends readonly unknown[], R>(operation: string, run: (...args: A) => R) =>
    (...args: A): R => {
      const start = now();
      const result = run(...args);
      const key = `${operation}\n${label}`;
      const known = found.get(key) ?? { operation, within: label, calls: 0, milliseconds: 0 };
      known.calls++;
      known.milliseconds += now() - start;
      found.set(key, known);
      return result;
    };
  return {
    within: (name, body) => {
      const outer = label;
      label = name;
      try {
        return body();
      } finally {
        label = outer;
      }
    },
    timings: () =>
      [...found.values()].map((t) => ({ ...t })).sort((a, b) => b.milliseconds - a.milliseconds),
    scope: (body) => ops.scope(body),
    constant: timed("constant", ops.constant),
    fill: timed("fill", ops.fill),
    rename: timed("rename", ops.rename),
    split: timed("split", ops.split),
    join: timed("join", ops.join),
    arrange: timed("arrange", ops.arrange),
    slice: timed("slice", ops.slice),
    concat: timed("concat", ops.concat),
    broadcast: timed("broadcast", ops.broadcast),
    take: timed("take", ops.take),
    put: timed("put", ops.put),
    add: timed("add", ops.add),
    sub: timed("sub", ops.sub),
    mul: timed("mul", ops.mul),
    div: timed("div", ops.div),
    scale: timed("scale", ops.scale),
    exp: timed("exp", ops.exp),
    log: timed("log", ops.log),
    sqrt: timed("sqrt", ops.sqrt),
    gate: timed("gate", ops.gate),
    sum: timed("sum", ops.sum),
    matmul: timed("matmul", ops.matmul),
    center: timed("center", ops.center),
    rms: timed("rms", ops.rms),
    softmax: timed("softmax", ops.softmax),
    logsumexp: timed("logsumexp", ops.logsumexp),
    rotary: timed("rotary", ops.rotary),
    ...(ops.fused !== undefined && { fused: timedFusions(ops.fused, timed) }),
  };
}

/** Those that the interpreter has. */
function timedFusions<T extends Shaped>(
  { pairDots, pairSums, product, norm, normBy, adam }: Fusions<T>,
  timed: <A extends readonly unknown[], R>(
    operation: string,
    run: (...args: A) => R,
  ) => (...args: A) => R,
): Fusions<T> {
  return {
    pairDots: timed("fused.pairDots", pairDots),
    pairSums: timed("fused.pairSums", pairSums),
    ...(product && { product: timed("fused.product", product) }),
    ...(norm && { norm: timed("fused.norm", norm) }),
    ...(normBy && { normBy: timed("fused.normBy", normBy) }),
    ...(adam && { adam: timed("fused.adam", adam) }),
  };
}
