import type { Shaped } from "@resolvent/tensor";

/** What is trained, under the names of SAELens; which of them there are is the loss' affair. */
export interface TrainedWeights<T> {
  /** `feature, d_in` in memory: a feature's numbers lie together. */
  readonly W_enc: T;
  /** `feature`; a gated dictionary has none. */
  readonly b_enc?: T;
  /** `feature, d_out` */
  readonly W_dec: T;
  /** `d_out` */
  readonly b_dec: T;
  /** `log θ` of JumpReLU, `feature`. */
  readonly log_threshold?: T;
  /** Of a gated dictionary, `feature`. */
  readonly b_gate?: T;
  readonly b_mag?: T;
  readonly r_mag?: T;
  /** `d_out, d_in` */
  readonly W_skip?: T;
}

export type WeightName = keyof TrainedWeights<unknown>;

/** The names and weights that there are, always in the same order. */
export function weightEntries<T>(weights: TrainedWeights<T>): [WeightName, T][] {
  return WEIGHT_NAMES.flatMap((name): [WeightName, T][] => {
    const weight = weights[name];
    return weight === undefined ? [] : [[name, weight]];
  });
}

/** The same with each weight changed. */
export function mapTrained<A, B>(
  weights: TrainedWeights<A>,
  change: (weight: A, name: WeightName) => B,
): TrainedWeights<B> {
  const changed = weightEntries(weights).map(([name, weight]) => [name, change(weight, name)]);
  return Object.fromEntries(changed) as unknown as TrainedWeights<B>; // the names of what was given
}

export const WEIGHT_NAMES: readonly WeightName[] = [
  "W_enc",
  "b_enc",
  "W_dec",
  "b_dec",
  "log_threshold",
  "b_gate",
  "b_mag",
  "r_mag",
  "W_skip",
];

/** Rows of a batch. */
export interface TrainingRows<T extends Shaped> {
  /** `row, d_in` */
  readonly input: T;
  /** `row, d_out`: of an autoencoder the input. */
  readonly target: T;
}
