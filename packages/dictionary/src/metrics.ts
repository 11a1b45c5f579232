import type { SparseActivations } from "./sparse.ts";

/** What each metric is, in words that stand beside its number. */
export const FORMULAS = {
  l0: "nonzero activations per token",
  l0WithoutFirst: "the same without the first position of each text",
  density: "share of tokens on which each feature is nonzero",
  dead: "features that are zero on all tokens read",
  explainedVariance: "1 − Σ‖x − x^‖² / Σ‖x − x̄‖², x̄ the mean over the tokens read",
  explainedVarianceCentred: "the same with the mean of x − x^ taken from it",
  mse: "mean ‖x − x^‖², summed over the width",
  cosine: "mean cosine of x and x^, 0 where one of them is 0",
  l2Ratio: "mean ‖x^‖ / ‖x‖",
  relativeReconstructionBias: "Σ‖x^‖² / Σ x·x^",
  loss: "mean next-token cross-entropy in nats; spliced: x^ in place of x, what follows recomputed; zeroed: 0; mean: x̄",
  recovered: "(zeroed − spliced) / (zeroed − model)",
  recoveredFromMean: "(mean − spliced) / (mean − model)",
  kl: "mean over positions of KL(model ‖ spliced), nats",
} as const;

/** How well reconstructions stand for what they are of. */
export interface ReconstructionMetrics {
  /** Tokens read: positions that the dictionary is for. */
  readonly tokens: number;
  readonly l0: number;
  readonly l0WithoutFirst: number | null;
  readonly dead: number;
  /** By feature. */
  readonly density: readonly number[];
  readonly explainedVariance: number;
  readonly explainedVarianceCentred: number;
  readonly mse: number;
  readonly cosine: number;
  readonly l2Ratio: number;
  readonly relativeReconstructionBias: number;
}

/** Means and squares of vectors that come one by one. */
interface Moments {
  add(vectors: ArrayLike<number>, from: number): void;
  readonly count: number;
  readonly mean: Float64Array;
  /** `Σ‖v − mean‖²` of the vectors so far. */
  readonly squares: number;
}

/** Welford's update (1962): without the difference of two large sums. */
function moments(width: number): Moments {
  const mean = new Float64Array(width);
  let [count, squares] = [0, 0];
  return {
    mean,
    get count() {
      return count;
    },
    get squares() {
      return squares;
    },
    add: (vectors, from) => {
      count++;
      for (let i = 0; i < width; i++) {
        const value = vectors[from + i] as number; // within, as the caller says
        const before = mean[i] as number;
        const after = before + (value - before) / count;
        mean[i] = after;
        squares += (value - before) * (value - after);
      }
    },
  };
}

/** Metrics of reconstructions that come text by text; what is kept does not grow with them. */
export interface Metering {
  /**
   * @param activations of the rows
   * @param target `row, width`
   * @param output likewise
   * @param firsts rows that stand at the first position of a text
   */
  add(
    activations: SparseActivations,
    target: ArrayLike<number>,
    output: ArrayLike<number>,
    firsts: readonly number[],
  ): void;
  /** The mean of the targets so far. */
  mean(): Float64Array;
  metrics(): ReconstructionMetrics;
}

export function metering(features: number, width: number): Metering {
  const targets = moments(width);
  const errors = moments(width);
  const active = new Float64Array(features);
  const error = new Float64Array(width);
  let [squared, entries, firstEntries, firstRows] = [0, 0, 0, 0];
  let [cosines, ratios, outputs, products] = [0, 0, 0, 0];
  return {
    add: ({ rows, starts, indices }, target, output, firsts) => {
      entries += indices.length;
      for (const feature of indices) active[feature] = (active[feature] as number) + 1; // within
      for (const row of firsts) {
        firstEntries += (starts[row + 1] as number) - (starts[row] as number); // one more than rows
        firstRows++;
      }
      for (let row = 0; row < rows; row++) {
        let [xx, yy, xy] = [0, 0, 0];
        for (let i = 0; i < width; i++) {
          const [x, y] = [target[row * width + i] as number, output[row * width + i] as number]; // rows × width
          xx += x * x;
          yy += y * y;
          xy += x * y;
          error[i] = x - y;
          squared += (x - y) ** 2;
        }
        if (xx > 0 && yy > 0) cosines += xy / Math.sqrt(xx * yy);
        ratios += Math.sqrt(yy / xx);
        outputs += yy;
        products += xy;
        targets.add(target, row * width);
        errors.add(error, 0);
      }
    },
    mean: () => targets.mean.slice(),
    metrics: () => {
      const tokens = targets.count;
      const others = tokens - firstRows;
      return {
        tokens,
        l0: entries / tokens,
        l0WithoutFirst: others === 0 ? null : (entries - firstEntries) / others,
        dead: active.filter((count) => count === 0).length,
        density: Array.from(active, (count) => count / tokens),
        explainedVariance: 1 - squared / targets.squares,
        explainedVarianceCentred: 1 - errors.squares / targets.squares,
        mse: squared / tokens,
        cosine: cosines / tokens,
        l2Ratio: ratios / tokens,
        relativeReconstructionBias: outputs / products,
      };
    },
  };
}
