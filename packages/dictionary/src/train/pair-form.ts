import {
  type AdjointOps,
  type Pairs as PairsOfRows,
  pairDots,
  pairSums,
  type Recorded,
  type Shaped,
  sizeAlong,
} from "@resolvent/tensor";
import type { Pairs } from "./choice.ts";
import type { TrainedWeights } from "./weights.ts";

/**
 * The share of pairs from which products over all features take less than pairs one by one: those are bound by memory,
 * and a product of matrices uses what it has read many times.
 */
const DENSE_SHARE = 1 / 16;

/** What chosen activations are computed from. */
export interface ChosenFrom<T extends Shaped> {
  readonly weights: TrainedWeights<Recorded<T>>;
  /** See `offset`. */
  readonly constant: Recorded<T> | undefined;
  /** `row, d_in` */
  readonly input: Recorded<T>;
}

/** `Σ a_f d_f` of the pairs of each row, `row, d_out`: by pairs where they are few, else by products with a mask. */
export function chosenSum<T extends Shaped>(
  tape: AdjointOps<T>,
  from: ChosenFrom<T>,
  pairs: Pairs,
): Recorded<T> {
  const rows = sizeAlong(from.input.shape, "row", "train");
  const features = pairs.among?.length ?? sizeAlong(from.weights.W_enc.shape, "feature", "train");
  const share = pairs.rows.data.length / (rows * features);
  return share < DENSE_SHARE ? byPairs(tape, from, pairs) : byProducts(tape, from, pairs);
}

/** For the pairs alone: what is not active takes no gradient, so that the products over all features are never made. */
function byPairs<T extends Shaped>(
  tape: AdjointOps<T>,
  { weights, constant, input }: ChosenFrom<T>,
  { rows, features }: Pairs,
): Recorded<T> {
  const pairs: PairsOfRows = {
    left: { axis: "row", ids: rows },
    right: { axis: "feature", ids: features },
  };
  const product = pairDots(tape, input, weights.W_enc, ["d_in"], pairs);
  const z =
    constant === undefined ? product : tape.add(product, tape.take(constant, "feature", features));
  const a = tape.mul(z, tape.gate(z, "relu")); // relu's gate has slope 0
  const summed = pairSums(tape, a, weights.W_dec, pairs, sizeAlong(input.shape, "row", "train"));
  return tape.arrange(summed, ["row", "d_out"]);
}

/** For all pairs of a row and one of the features, those that are not chosen times 0. */
function byProducts<T extends Shaped>(
  tape: AdjointOps<T>,
  { weights, constant, input }: ChosenFrom<T>,
  { rows, features, among }: Pairs,
): Recorded<T> {
  const count = sizeAlong(input.shape, "row", "train");
  const all = sizeAlong(weights.W_enc.shape, "feature", "train");
  const size = among?.length ?? all;
  const some = (weight: Recorded<T>): Recorded<T> =>
    among === undefined
      ? weight
      : tape.take(weight, "feature", { shape: { feature: size }, data: among });
  const product = tape.matmul(input, some(weights.W_enc), ["d_in"], ["row", "feature"]);
  const z = constant === undefined ? product : tape.add(product, some(constant));

  const placeOf = new Int32Array(all);
  if (among === undefined) for (let f = 0; f < all; f++) placeOf[f] = f;
  else for (const [place, f] of among.entries()) placeOf[f] = place;
  const chosen = new Uint8Array(count * size);
  for (let i = 0; i < rows.data.length; i++) {
    const place = placeOf[features.data[i] as number] as number; // within: a feature for each row
    chosen[(rows.data[i] as number) * size + place] = 1; // likewise
  }
  const mask = tape.constant({ row: count, feature: size }, chosen);
  const open = tape.mul(mask, tape.gate(z, "relu")); // relu's gate has slope 0
  const a = tape.mul(z, tape.fixed(open.primal));
  return tape.matmul(a, some(weights.W_dec), ["feature"], ["row", "d_out"]);
}
