import type { Half, Precision } from "@resolvent/tensor";
import type { Checkpoint, Dtype } from "@resolvent/weights";

/** Entries of some of a model's weights: all, and those that an engine may keep in 16 bits. */
interface Entries {
  readonly all: number;
  readonly half: number;
}

/** How many entries a model's weights have in its files. */
export interface WeightSizes {
  /** The embedding and the unembedding, with what belongs to them. */
  readonly ends: Entries;
  /** Each layer's. */
  readonly layers: readonly Entries[];
  /** The most entries of 16 bits that one operation widens. */
  readonly widened: number;
}

/** How many numbers a model's weights are. */
export function parametersOf({ ends, layers }: WeightSizes): number {
  return [ends, ...layers].reduce((sum, { all }) => sum + all, 0);
}

/** A way to have a model's weights in an engine's memory. */
export interface WeightPlan {
  /** Whether layers are read from the files when they are reached, one at a time. */
  readonly stream: boolean;
  /** Whether F16 and BF16 matrices are widened when they are loaded; else they stay in 16 bits. */
  readonly widen: boolean;
  /** Bytes of the weights that are there at a time, and of what operations widen meanwhile. */
  readonly bytes: number;
}

/** Entries of a table that are widened at a time: see `matmul` of the cpu engine. */
const PANEL = 2 ** 22;

/** How a matrix of a file may be kept in 16 bits. Vectors (biases, norms) are widened always: they are small. */
export function halfOf(dtype: Dtype, shape: readonly number[]): Half | undefined {
  if (shape.length < 2) return undefined;
  return dtype === "BF16" ? "bf16" : dtype === "F16" ? "f16" : undefined;
}

/** Sizes of the tensors outside of the layers, and of those of each layer. */
export function weightSizes(
  checkpoint: Checkpoint,
  outside: readonly string[],
  layers: readonly (readonly string[])[],
  vocab: number,
): WeightSizes {
  let widened = 0;
  const entries = (names: readonly string[]): Entries => {
    let [all, half] = [0, 0];
    for (const name of names) {
      const { dtype, shape } = checkpoint.info(name);
      const size = shape.reduce((a, b) => a * b, 1);
      all += size;
      if (halfOf(dtype, shape) === undefined) continue;
      half += size;
      // Of a table by token, some rows are taken, or it is multiplied part by part.
      widened = Math.max(widened, shape[0] === vocab ? Math.min(size, PANEL) : size);
    }
    return { all, half };
  };
  const ends = entries(outside);
  return { ends, layers: layers.map(entries), widened };
}

/**
 * The ways to have a model's weights in memory, the fastest first: all of them widened; all as they are stored,
 * matrices of F16 and BF16 in 16 bits, widened again and again when they are used; layers read when they are
 * reached, with the rest widened, or as stored. The second and the last are left out where nothing is stored in
 * 16 bits.
 */
export function weightPlans(
  { ends, layers, widened }: WeightSizes,
  precision: Precision,
): readonly WeightPlan[] {
  const width = precision === "f32" ? 4 : 8;
  const layer = Math.max(0, ...layers.map(({ all }) => all));
  const sum = layers.reduce((a, b) => ({ all: a.all + b.all, half: a.half + b.half }), ends);
  const kept = ({ all, half }: Entries): number => width * (all - half) + 2 * half;
  const plans: readonly WeightPlan[] = [
    { stream: false, widen: true, bytes: width * sum.all },
    { stream: false, widen: false, bytes: kept(sum) + width * widened },
    { stream: true, widen: true, bytes: width * (ends.all + layer) },
    { stream: true, widen: false, bytes: kept(ends) + width * (layer + Math.min(widened, PANEL)) },
  ];
  return plans.filter(({ widen }) => widen || sum.half > 0);
}
