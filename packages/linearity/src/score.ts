import { isNothing } from "@resolvent/analysis";
import type { Engine, Ops, Precision, Shaped } from "@resolvent/tensor";
import type { Site } from "@resolvent/transformer";
import { type Pair, valueAt } from "./pairs.ts";
import type { AffineMap } from "./regression.ts";
import { type Estimate, type Estimator, type Sums, type Tallying, tallyBatch } from "./tally.ts";

/** A map as tensors: `A` of `d_model, target`, `b` of `d_model`. */
export interface MapTensors<T> {
  readonly A: T;
  readonly b: T;
  readonly inputMean: T;
  readonly targetMean: T;
}

/** Puts a map onto an engine. */
export function mapTensors<T extends Shaped>(ops: Ops<T>, map: AffineMap): MapTensors<T> {
  const d_model = map.inputMean.length;
  const target = map.b.length;
  return {
    A: ops.constant({ d_model, target }, map.A),
    b: ops.constant({ d_model: target }, map.b),
    inputMean: ops.constant({ d_model }, map.inputMean),
    targetMean: ops.constant({ d_model: target }, map.targetMean),
  };
}

/** `x A + b` */
export function applied<T extends Shaped>(
  ops: Ops<T>,
  { A, b }: Pick<MapTensors<T>, "A" | "b">,
  x: T,
): T {
  return ops.add(ops.rename(ops.matmul(x, A, ["d_model"]), { target: "d_model" }), b);
}

/**
 * Adds what linearity scores need, by sequence: squared errors of the map, and of both targets the sums and squares
 * about their means in the fit, which keep the variance exact and free of cancellation, and their sizes.
 */
export async function scoreBatch<T extends Shaped>(
  engine: Engine<T>,
  values: ReadonlyMap<Site, T>,
  pair: Pair,
  map: MapTensors<T>,
  into: Tallying,
): Promise<void> {
  const sums = () => {
    const x = valueAt(values, pair.from);
    const added = pair.added(engine, values);
    const error = engine.sub(added, applied(engine, map, x));
    const without = engine.sub(added, map.targetMean);
    const within = engine.add(engine.sub(x, map.inputMean), without);
    const squares = (a: T): T => engine.sum(engine.mul(a, a), ["pos", "d_model"]);
    return {
      error2: squares(error),
      without: engine.sum(without, ["pos"]),
      without2: squares(without),
      with: engine.sum(within, ["pos"]),
      with2: squares(within),
      withoutSize2: squares(added),
      withSize2: squares(engine.add(x, added)),
    };
  };
  await tallyBatch(engine, sums, `${keyOf(pair)}.`, into);
}

/** Scores of a pair: parts of variance that the best affine map explains. */
export interface Scores {
  /** Of what comes out, the residual stream included. Near 1 for any block that writes little. */
  readonly withResidual: Estimate;
  /** Of what is added alone. */
  readonly withoutResidual: Estimate;
}

/** `1 − Σ‖y − ŷ‖² / Σ‖y − ȳ‖²` on the tokens that were scored; on those that were fit it is MATHS 7's score. */
export function scoresOf(pair: Pair, estimate: Estimator, precision: Precision): Scores {
  const key = keyOf(pair);
  const score =
    (target: "with" | "without") =>
    (sums: Sums): number | null => {
      const [tokens = 0] = sums("tokens");
      const [square = 0] = sums(`${key}.${target}2`);
      const mean = sums(`${key}.${target}`).reduce((sum, x) => sum + x * x, 0) / tokens;
      const [error = 0] = sums(`${key}.error2`);
      const [size = 0] = sums(`${key}.${target}Size2`);
      // What is all but the same for every token varies by its rounding.
      const spread = Math.sqrt(Math.max(0, square - mean));
      return isNothing(spread, Math.sqrt(size), precision) ? null : 1 - error / spread ** 2;
    };
  return { withResidual: estimate(score("with")), withoutResidual: estimate(score("without")) };
}

function keyOf({ kind, name }: Pair): string {
  return `${kind} ${name}`;
}
