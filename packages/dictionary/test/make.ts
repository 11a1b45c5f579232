import { drawing, type Engine, isInputError, type Shaped } from "@resolvent/tensor";
import type { Dictionary, Encoder, SparseActivations } from "../src/index.ts";

/** The code of the InputError that the work ends in; what else it ends in is thrown on. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return "none";
}

/** Activations row by row: `[feature, value]` of those that are not zero. */
export function pairs({ rows, starts, indices, values }: SparseActivations): [number, number][][] {
  return Array.from({ length: rows }, (_, row) => {
    const [from = 0, to = 0] = [starts[row], starts[row + 1]];
    return Array.from(indices.subarray(from, to), (feature, i) => [
      feature,
      values[from + i] ?? Number.NaN,
    ]);
  });
}

/** Numbers from −1 to 1. */
export function numbers(count: number, seed: number): number[] {
  const draw = drawing(seed);
  return Array.from({ length: count }, () => 2 * draw() - 1);
}

/** A ReLU dictionary of given weights, `W_enc` `[d, F]` and `W_dec` `[F, d]`, row by row. */
export function reluDictionary<T extends Shaped>(
  engine: Engine<T>,
  d: number,
  weights: {
    readonly W_enc: readonly number[];
    readonly W_dec: readonly number[];
    readonly b_enc?: readonly number[];
    readonly b_dec?: readonly number[];
  },
  more: Partial<Dictionary<T>> = {},
): Dictionary<T> {
  const features = weights.W_dec.length / d;
  const { W_enc, W_dec, b_enc = Array(features).fill(0), b_dec = Array(d).fill(0) } = weights;
  const encoder: Encoder<T> = {
    features,
    d_in: d,
    W_enc: engine.constant({ d_in: d, feature: features }, W_enc),
    b_enc: engine.constant({ feature: features }, b_enc),
    activation: { kind: "relu" },
    normalization: { kind: "none" },
  };
  return {
    ...encoder,
    name: "made",
    layout: "saelens",
    architecture: "standard",
    d_out: d,
    W_dec: engine.constant({ feature: features, d_out: d }, W_dec),
    b_dec: engine.constant({ d_out: d }, b_dec),
    transcoder: false,
    zeroPositions: [],
    centred: false,
    trainedOn: {},
    warnings: [],
    ...more,
  };
}

/** `x = relu(x) − relu(−x)`: it gives back what it reads, exactly. */
export function identityDictionary<T extends Shaped>(
  engine: Engine<T>,
  d: number,
  more: Partial<Dictionary<T>> = {},
): Dictionary<T> {
  const signs = Array.from({ length: d }, (_, i) =>
    Array.from({ length: 2 * d }, (_, f) => (f % d === i ? (f < d ? 1 : -1) : 0)),
  );
  const W_dec = Array.from({ length: 2 * d }, (_, f) => signs.map((row) => row[f] ?? 0));
  return reluDictionary(engine, d, { W_enc: signs.flat(), W_dec: W_dec.flat() }, more);
}
