import { InputError, type LinearAlgebra, type Tensor } from "@resolvent/tensor";

/** An affine map `y ≈ x A + b` that was fit by least squares, and what it was fit on. */
export interface AffineMap {
  /** `inputs × targets`, row by row. */
  readonly A: Float64Array;
  /** `targets` */
  readonly b: Float64Array;
  /** Means of the inputs and of the targets. */
  readonly inputMean: Float64Array;
  readonly targetMean: Float64Array;
  /** Singular values of the centred inputs above the cut-off. */
  readonly rank: number;
  /** `exp(−Σ p log p)`, `p = s/Σs` over the singular values (Roy & Vetterli 2007). */
  readonly effectiveRank: number;
}

/** Rows that are folded in together, at most: enough that copying the triangle is little beside the work. */
const CHUNK = 512;

/**
 * Least squares of many targets on the same inputs, over rows that come in pieces and are not kept: the triangle of
 * a QR decomposition, to which rows are added as the triangle of both (the sequential TSQR of Demmel, Grigori,
 * Hoemmen & Langou 2012; in statistics, updating least squares). Memory is that of the triangle and of one chunk of
 * rows, whatever comes; accuracy that of QR, where products `XᵀX` would square the condition number. A first column
 * of ones does the centring.
 *
 * `2n(d² + 2dq)` operations for `n` rows of `d` inputs and `q` targets.
 */
export class Regression {
  readonly inputs: number;
  readonly targets: number;
  /** Rows so far. */
  rows = 0;
  readonly #algebra: LinearAlgebra;
  #triangle: Float64Array;

  /** @param state `rows` and `triangle` of another, to go on from */
  constructor(
    algebra: LinearAlgebra,
    inputs: number,
    targets: number,
    state?: { readonly rows: number; readonly triangle: Float64Array },
  ) {
    this.#algebra = algebra;
    this.inputs = inputs;
    this.targets = targets;
    const size = (1 + inputs) * (1 + inputs + targets);
    this.#triangle = new Float64Array(size);
    if (state === undefined) return;
    if (state.triangle.length !== size) {
      throw new InputError({
        code: "linearity/other-state",
        message: `A regression of ${inputs} inputs and ${targets} targets has ${size} numbers, got ${state.triangle.length}.`,
        details: { expected: size, got: state.triangle.length },
      });
    }
    this.rows = state.rows;
    this.#triangle.set(state.triangle);
  }

  /** `(1 + inputs) × (1 + inputs + targets)`: the triangle, and what stands beside it for the targets. */
  get triangle(): Float64Array {
    return this.#triangle;
  }

  /**
   * Folds rows in.
   *
   * @param x `rows × inputs`, row by row
   * @param ys targets side by side, each `rows × its width`, row by row
   */
  add(x: ArrayLike<number>, ys: readonly ArrayLike<number>[]): void {
    const { inputs, targets } = this;
    const width = 1 + inputs + targets;
    const rows = x.length / inputs;
    const widths = ys.map((y) => y.length / rows);
    for (let from = 0; from < rows; from += CHUNK) {
      const to = Math.min(rows, from + CHUNK);
      // New rows above the triangle: then its zeros are passed over.
      const data = new Float64Array((to - from + 1 + inputs) * width);
      let at = 0;
      for (let row = from; row < to; row++) {
        data[at++] = 1;
        for (let j = 0; j < inputs; j++) data[at++] = x[row * inputs + j] as number; // within the row
        ys.forEach((y, n) => {
          const own = widths[n] as number; // one for each
          for (let j = 0; j < own; j++) data[at++] = y[row * own + j] as number; // within the row
        });
      }
      data.set(this.#triangle, at);
      const stack: Tensor = { shape: { row: to - from + 1 + inputs, column: width }, data };
      this.#triangle = this.#algebra.triangle(stack, "row", "column", targets).data as Float64Array; // results are float64
    }
    this.rows += rows;
  }

  /**
   * The map of least norm among those of least error, singular values up to `cutoff` times the largest left out.
   *
   * @throws InputError `linearity/no-rows` where nothing was added
   */
  solve(cutoff: number): AffineMap {
    const { inputs: d, targets: q, triangle: R } = this;
    if (this.rows === 0) {
      throw new InputError({
        code: "linearity/no-rows",
        message: "There are no tokens to fit on.",
        remedy: "Give a longer text.",
      });
    }
    const width = 1 + d + q;
    const mean = (j: number): number => (R[j] as number) / (R[0] as number); // the first row is √n times the means
    const inputMean = Float64Array.from({ length: d }, (_, j) => mean(1 + j));
    const targetMean = Float64Array.from({ length: q }, (_, j) => mean(1 + d + j));
    const square: Tensor = {
      shape: { row: d, column: d },
      data: Float64Array.from({ length: d * d }, (_, at) =>
        at % d < Math.floor(at / d) ? 0 : (R[(1 + Math.floor(at / d)) * width + 1 + (at % d)] ?? 0),
      ),
    };
    const { U, S, V } = this.#algebra.svd(square, "row", "column", "rank");
    const values = Array.from(S.data);
    const least = cutoff * (values[0] ?? 0);
    const rank = values.filter((value) => value > least).length;
    // A = V S⁻¹ Uᵀ Rxy over the singular vectors that are kept.
    const beside = new Float64Array(d * q);
    for (let i = 0; i < d; i++) {
      const from = (1 + i) * width + 1 + d;
      beside.set(R.subarray(from, from + q), i * q);
    }
    const part = turned(this.#algebra, d, (i, r) => U.data[i * d + r] as number, beside); // U is d × d
    for (let r = 0; r < rank; r++) {
      const s = values[r] as number; // r is below their number
      for (let j = 0; j < q; j++) part[r * q + j] = (part[r * q + j] as number) / s; // within the row
    }
    part.fill(0, rank * q);
    const A = turned(this.#algebra, d, (r, i) => V.data[i * d + r] as number, part); // V is d × d
    const b = Float64Array.from(targetMean);
    for (let i = 0; i < d; i++) {
      const x = inputMean[i] as number; // d of them
      for (let j = 0; j < q; j++) b[j] = (b[j] as number) - x * (A[i * q + j] as number); // within A
    }
    return { A, b, inputMean, targetMean, rank, effectiveRank: effectiveRank(values) };
  }
}

/** Bytes of a regression: what it holds, and what folding a chunk takes beside (the rows, a copy, the result). */
export function regressionBytes(
  inputs: number,
  targets: number,
): { readonly held: number; readonly work: number } {
  const row = 8 * (1 + inputs + targets);
  return { held: (1 + inputs) * row, work: (2 * CHUNK + 3 * (1 + inputs)) * row };
}

/** The map to some neighbouring targets of a map. */
export function targetsOf(map: AffineMap, from: number, to: number): AffineMap {
  const q = map.b.length;
  const width = to - from;
  const inputs = map.inputMean.length;
  const A = new Float64Array(inputs * width);
  for (let i = 0; i < inputs; i++) {
    A.set(map.A.subarray(i * q + from, i * q + to), i * width);
  }
  return { ...map, A, b: map.b.slice(from, to), targetMean: map.targetMean.slice(from, to) };
}

/**
 * `QᵀY` of an orthogonal `d × d` matrix `Q` and `Y` of `d` rows. The triangle of an orthogonal matrix is the identity,
 * so what becomes of the columns beside it is this product, at the speed of the decompositions.
 */
function turned(
  algebra: LinearAlgebra,
  d: number,
  Q: (row: number, column: number) => number,
  Y: Float64Array,
): Float64Array {
  const q = Y.length / d;
  const width = d + q;
  const data = new Float64Array(d * width);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) data[i * width + j] = Q(i, j);
    data.set(Y.subarray(i * q, (i + 1) * q), i * width + d);
  }
  const pair: Tensor = { shape: { row: d, column: width }, data };
  const made = algebra.triangle(pair, "row", "column", q).data;
  const product = new Float64Array(d * q);
  for (let i = 0; i < d; i++) {
    product.set(made.subarray(i * width + d, (i + 1) * width), i * q);
  }
  return product;
}

/** `exp` of the entropy of singular values as parts of their sum (Roy & Vetterli 2007); 0 of none but zeros. */
export function effectiveRank(values: readonly number[]): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return 0;
  const parts = values.map((value) => value / total).filter((part) => part > 0);
  return Math.exp(-parts.reduce((sum, part) => sum + part * Math.log(part), 0));
}
