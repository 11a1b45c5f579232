/** `n × n`, row after row. */
export type Square = Float64Array;

export function identity(n: number): Square {
  const one = new Float64Array(n * n);
  for (let i = 0; i < n; i++) one[i * n + i] = 1;
  return one;
}

export function transposed(m: Square, n: number): Square {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[j * n + i] = m[i * n + j] as number;
  return out;
}

/** `A B`, of small matrices. */
export function product(a: Square, b: Square, n: number): Square {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k] as number;
      if (factor === 0) continue;
      for (let j = 0; j < n; j++) {
        out[i * n + j] = (out[i * n + j] as number) + factor * (b[k * n + j] as number);
      }
    }
  }
  return out;
}

/** The inverse, by Gauss and Jordan with the largest pivots; undefined where there is none within rounding. */
export function inverted(m: Square, n: number): Square | undefined {
  const a = Float64Array.from(m);
  const out = identity(n);
  const size = a.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++) {
      if (Math.abs(a[i * n + column] as number) > Math.abs(a[pivot * n + column] as number)) {
        pivot = i;
      }
    }
    const value = a[pivot * n + column] as number;
    if (!(Math.abs(value) > n * 2 ** -52 * size)) return undefined;
    for (const x of [a, out]) {
      exchange(x, pivot, column, n);
      for (let j = 0; j < n; j++) x[column * n + j] = (x[column * n + j] as number) / value;
    }
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + column] as number;
      if (i === column || factor === 0) continue;
      for (const x of [a, out]) {
        for (let j = 0; j < n; j++) {
          x[i * n + j] = (x[i * n + j] as number) - factor * (x[column * n + j] as number);
        }
      }
    }
  }
  return out;
}

function exchange(x: Square, i: number, j: number, n: number): void {
  if (i === j) return;
  const row = x.slice(i * n, (i + 1) * n);
  x.copyWithin(i * n, j * n, (j + 1) * n);
  x.set(row, j * n);
}
