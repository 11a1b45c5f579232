import type { GateKind } from "@resolvent/tensor";

/**
 * The kernels, as text: gpu.js reads their source, which a bundler would change. Arrays are flat, row after row;
 * `this.thread.x` counts along a row, `z` rows or batches.
 */

/** What a kernel is given: an array of numbers, a whole number, a number. */
type Argument = "Array" | "Integer" | "Float";

export interface KernelSource {
  readonly args: readonly Argument[];
  readonly source: string;
}

const each = (expression: string): KernelSource => ({
  args: ["Array"],
  source: `function (a) { const z = a[this.thread.x]; return ${expression}; }`,
});

const pairwise = (sign: string): KernelSource => ({
  args: ["Array", "Array"],
  source: `function (a, b) { return a[this.thread.x] ${sign} b[this.thread.x]; }`,
});

/** Of the `n` entries of each row, added in blocks: in f32, one long sum would lose digits. */
const overRow = (
  args: readonly Argument[],
  names: string,
  term: string,
  result: string,
): KernelSource => ({
  args,
  source: `function (${names}) {
    let total = 0.0;
    let block = 0.0;
    let count = 0;
    for (let i = 0; i < n; i++) {
      ${term}
      count += 1;
      if (count == 32) {
        total += block;
        block = 0.0;
        count = 0;
      }
    }
    total += block;
    return ${result};
  }`,
});

/** erfc with a relative error below 1.2e-7: Press et al., Numerical Recipes in C (2nd ed.), section 6.2. */
const GELU = `function (a) {
  const x = 0.0 - a[this.thread.x] * ${Math.SQRT1_2};
  const y = Math.abs(x);
  const t = 1.0 / (1.0 + 0.5 * y);
  const p = t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 +
    t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const r = t * Math.exp(p - 1.26551223 - y * y);
  if (x < 0.0) { return 1.0 - 0.5 * r; }
  return 0.5 * r;
}`;

const sigmoid = (of: string): KernelSource => each(`1.0 / (1.0 + Math.exp(0.0 - (${of})))`);

export type KernelName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "scale"
  | "exp"
  | "log"
  | "sqrt"
  | GateKind
  | "total"
  | "rms"
  | "centred"
  | "largest"
  | "expTotal"
  | "share"
  | "plusLog"
  | "product";

export const kernelSources: Readonly<Record<KernelName, KernelSource>> = {
  add: pairwise("+"),
  sub: pairwise("-"),
  mul: pairwise("*"),
  div: pairwise("/"),
  scale: {
    args: ["Array", "Float"],
    source: "function (a, factor) { return factor * a[this.thread.x]; }",
  },
  exp: each("Math.exp(z)"),
  log: each("Math.log(z)"),
  sqrt: each("Math.sqrt(z)"),
  relu: {
    args: ["Array"],
    source: "function (a) { if (a[this.thread.x] > 0.0) { return 1.0; } return 0.0; }",
  },
  gelu: { args: ["Array"], source: GELU },
  gelu_tanh: sigmoid(`${2 * Math.sqrt(2 / Math.PI)} * (z + 0.044715 * z * z * z)`),
  quick_gelu: sigmoid("1.702 * z"),
  silu: sigmoid("z"),
  /** `Σ a` of each row. */
  total: overRow(["Array", "Integer"], "a, n", "block += a[this.thread.x * n + i];", "total"),
  /** `√(Σ a² / n + eps)` of each row. */
  rms: overRow(
    ["Array", "Integer", "Float"],
    "a, n, eps",
    "const x = a[this.thread.x * n + i]; block += x * x;",
    "Math.sqrt(total / n + eps)",
  ),
  /** `a − total / n`. */
  centred: {
    args: ["Array", "Array", "Integer"],
    source:
      "function (a, totals, n) { return a[this.thread.z * n + this.thread.x] - totals[this.thread.z] / n; }",
  },
  /** The largest entry of each row from `from` and before `to`. */
  largest: {
    args: ["Array", "Array", "Array", "Integer"],
    source: `function (a, from, to, n) {
      let most = a[this.thread.x * n + from[this.thread.x]];
      for (let i = 0; i < n; i++) {
        if (i >= from[this.thread.x] && i < to[this.thread.x]) {
          most = Math.max(most, a[this.thread.x * n + i]);
        }
      }
      return most;
    }`,
  },
  /** `Σ exp(a − largest)` of the same entries. */
  expTotal: overRow(
    ["Array", "Array", "Array", "Array", "Integer"],
    "a, largest, from, to, n",
    `if (i >= from[this.thread.x] && i < to[this.thread.x]) {
      block += Math.exp(a[this.thread.x * n + i] - largest[this.thread.x]);
    }`,
    "total",
  ),
  /** `exp(a − largest) / total` of the same entries, 0 elsewhere. */
  share: {
    args: ["Array", "Array", "Array", "Array", "Array", "Integer"],
    source: `function (a, largest, totals, from, to, n) {
      if (this.thread.x < from[this.thread.z] || this.thread.x >= to[this.thread.z]) { return 0.0; }
      return Math.exp(a[this.thread.z * n + this.thread.x] - largest[this.thread.z]) / totals[this.thread.z];
    }`,
  },
  /** `a + log b`. */
  plusLog: {
    args: ["Array", "Array"],
    source: "function (a, b) { return a[this.thread.x] + Math.log(b[this.thread.x]); }",
  },
  /**
   * Rows of `a` by rows of `b`, `n` entries each; `rows` of `a` and `columns` of `b` are between two steps of `z`. Whole numbers,
   * because arrays have indices that a float32 has not.
   */
  product: overRow(
    ["Array", "Array", "Integer", "Integer", "Integer"],
    "a, b, n, rows, columns",
    `block += a[(this.thread.z * rows + this.thread.y) * n + i] *
      b[(this.thread.z * columns + this.thread.x) * n + i];`,
    "total",
  ),
};
