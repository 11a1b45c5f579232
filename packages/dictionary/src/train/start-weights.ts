import { type Engine, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { Objective } from "./objective.ts";
import { drawingFor, normal } from "./seed.ts";
import type { TrainedWeights } from "./weights.ts";

export interface StartOptions {
  readonly features: number;
  readonly d_in: number;
  readonly d_out: number;
  readonly transcoder: boolean;
  readonly skip: boolean;
  /** JumpReLU's θ. */
  readonly threshold: number;
  readonly seed: number;
  /** What `b_dec` starts at, `d_out`: the mean of the targets. */
  readonly mean: Float64Array;
}

/** Length of the rows that the encoder and a decoder without unit rows start with (Anthropic, April 2024). */
const SMALL = 0.1;

/**
 * Weights before training: random directions; the decoder's rows are the encoder's, of length 1 or 0.1. A transcoder's
 * decoder and skip start at 0 (2406.11944).
 */
export function startWeights<T extends Shaped>(
  engine: Engine<T>,
  { loss, unitDecoder }: Objective,
  { features, d_in, d_out, transcoder, skip, threshold, seed, mean }: StartOptions,
): TrainedWeights<T> {
  const draw = drawingFor(seed, "weights", 0);
  const length = unitDecoder ? 1 : SMALL;
  const rows = Float64Array.from({ length: features * d_in }, () => normal(draw));
  for (let f = 0; f < features; f++) {
    const row = rows.subarray(f * d_in, (f + 1) * d_in);
    const norm = Math.hypot(...row);
    for (let i = 0; i < d_in; i++) row[i] = ((row[i] as number) * length) / norm; // within
  }
  const zeros = (): T => engine.fill({ feature: features }, 0);
  return engine.scope(() => ({
    W_enc: engine.constant({ feature: features, d_in }, rows),
    ...(loss.kind !== "gated" && { b_enc: zeros() }),
    W_dec: transcoder
      ? engine.fill({ feature: features, d_out }, 0)
      : engine.constant({ feature: features, d_out }, rows),
    b_dec: engine.constant({ d_out }, mean),
    ...(loss.kind.startsWith("jumprelu") && {
      log_threshold: engine.fill({ feature: features }, Math.log(threshold)),
    }),
    ...(loss.kind === "gated" && { b_gate: zeros(), b_mag: zeros(), r_mag: zeros() }),
    ...(skip && { W_skip: engine.fill({ d_out, d_in }, 0) }),
  }));
}

/** Sizes of weights. */
export function sizesOf<T extends Shaped>({
  W_enc,
  W_dec,
}: TrainedWeights<T>): {
  readonly features: number;
  readonly d_in: number;
  readonly d_out: number;
} {
  return {
    features: sizeAlong(W_enc.shape, "feature", "train"),
    d_in: sizeAlong(W_enc.shape, "d_in", "train"),
    d_out: sizeAlong(W_dec.shape, "d_out", "train"),
  };
}
