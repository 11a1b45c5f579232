/** Sums over samples of what `n` things do in two models, from which their correlations follow. */
export interface Moments {
  readonly n: number;
  samples: number;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly aa: Float64Array;
  readonly bb: Float64Array;
  /** `n × n` */
  readonly ab: Float64Array;
}

/** Nothing seen yet. */
export function noMoments(n: number): Moments {
  const sums = (size: number): Float64Array => new Float64Array(size);
  return { n, samples: 0, a: sums(n), b: sums(n), aa: sums(n), bb: sums(n), ab: sums(n * n) };
}

/** Adds samples, one after the other in both, each with its `n` entries together. */
export function addSamples(moments: Moments, a: ArrayLike<number>, b: ArrayLike<number>): void {
  const { n, ab } = moments;
  for (let start = 0; start < a.length; start += n) {
    moments.samples++;
    for (let i = 0; i < n; i++) {
      const [x, y] = [a[start + i] as number, b[start + i] as number];
      moments.a[i] = (moments.a[i] as number) + x;
      moments.aa[i] = (moments.aa[i] as number) + x * x;
      moments.b[i] = (moments.b[i] as number) + y;
      moments.bb[i] = (moments.bb[i] as number) + y * y;
      for (let j = 0, at = i * n; j < n; j++, at++) {
        ab[at] = (ab[at] as number) + x * (b[start + j] as number);
      }
    }
  }
}

/** Pearson's correlation of A's `i` with B's `j`, `n × n`; 0 with what never changes. */
export function correlations({ n, samples, a, b, aa, bb, ab }: Moments): Float64Array {
  const spread = (sum: Float64Array, squares: Float64Array): Float64Array =>
    squares.map((square, i) => {
      const variance = square - (sum[i] as number) ** 2 / samples;
      return variance > 1e-12 * square ? Math.sqrt(variance) : Number.POSITIVE_INFINITY; // rounding is no change
    });
  const [ofA, ofB] = [spread(a, aa), spread(b, bb)];
  return ab.map((sum, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    const together = sum - ((a[i] as number) * (b[j] as number)) / samples;
    return together / ((ofA[i] as number) * (ofB[j] as number));
  });
}
