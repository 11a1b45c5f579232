import { sizeOf, stridesOf, type Tensor, tensor } from "@resolvent/tensor";

/** Distance from 1 to the next larger number. */
export const EPS = 2 ** -52;

/** Numbers from −1 to 1 in steps of 2⁻¹⁵; the same as `draw` in make_goldens.py. */
export function drawn(count: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) / 2 ** 15 - 1;
  });
}

export function matrix(rows: number, columns: number, data: ArrayLike<number>): Tensor {
  return tensor({ row: rows, column: columns }, data);
}

export function random(rows: number, columns: number, seed: number): Tensor {
  return matrix(rows, columns, drawn(rows * columns, seed));
}

export function randomSymmetric(n: number, seed: number): Tensor {
  const { data } = random(n, n, seed);
  return generate(n, n, (i, j) => (at(data, i * n + j) + at(data, j * n + i)) / 2);
}

export function generate(
  rows: number,
  columns: number,
  entry: (i: number, j: number) => number,
): Tensor {
  const data = Float64Array.from({ length: rows * columns }, (_, k) =>
    entry(Math.floor(k / columns), k % columns),
  );
  return matrix(rows, columns, data);
}

export function at(data: ArrayLike<number>, index: number): number {
  const x = data[index];
  if (x === undefined) throw new RangeError(`Entry ${index} of ${data.length}.`);
  return x;
}

/** Largest absolute entry. */
export function largest(data: Tensor["data"]): number {
  let most = 0;
  for (const x of data) most = Math.max(most, Math.abs(x));
  return most;
}

/** `√Σ x²`, of numbers of any size. */
export function frobenius({ data }: Tensor): number {
  const most = largest(data);
  return most === 0 ? 0 : most * Math.sqrt(sumOf(data, (x) => (x / most) ** 2));
}

/** `Σ f(x)` */
export function sumOf(data: Tensor["data"], f: (x: number) => number = (x) => x): number {
  let sum = 0;
  for (const x of data) sum += f(x);
  return sum;
}

/** `left · diag(values) · rightᵀ` of matrices whose columns are vectors. */
export function rebuilt(left: Tensor, values: Tensor, right: Tensor): Tensor {
  const rank = values.data.length;
  const [m, n] = [left, right].map((t) => Object.values(t.shape)[0] ?? 0) as [number, number];
  return generate(m, n, (i, j) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) {
      sum += at(left.data, i * rank + r) * at(values.data, r) * at(right.data, j * rank + r);
    }
    return sum;
  });
}

/** Largest entry of |VᵀV − 1| of a matrix whose columns are vectors. */
export function skewness(vectors: Tensor): number {
  const [length = 0, count = 0] = Object.values(vectors.shape);
  const { data } = vectors;
  let worst = 0;
  for (let p = 0; p < count; p++) {
    for (let q = 0; q <= p; q++) {
      let sum = p === q ? -1 : 0;
      for (let i = 0; i < length; i++) sum += at(data, i * count + p) * at(data, i * count + q);
      // Not Math.max alone: a number that is missing counts as wrong.
      worst = Number.isNaN(sum) ? Number.NaN : Math.max(worst, Math.abs(sum));
    }
  }
  return worst;
}

/** One matrix of a batch, `index` along `axis`. */
export function member(batch: Tensor, axis: string, index: number): Tensor {
  const { [axis]: size = 0, ...shape } = batch.shape;
  const stride = stridesOf(batch.shape)[axis] ?? 0;
  const data = new Float64Array(sizeOf(shape));
  let to = 0;
  for (let from = 0; from < batch.data.length; from++) {
    if (Math.floor(from / stride) % size === index) data[to++] = at(batch.data, from);
  }
  return tensor(shape, data);
}
