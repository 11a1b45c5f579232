import { type Engine, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { adamStep } from "@resolvent/transformer";
import { type LossReport, lossAndGradients } from "./gradients.ts";
import type { Objective } from "./objective.ts";
import { mapTrained, type TrainedWeights, type TrainingRows } from "./weights.ts";

/** What one step of training carries to the next. */
export interface TrainingState<T> {
  readonly weights: TrainedWeights<T>;
  /** Adam's moments. */
  readonly first: TrainedWeights<T>;
  readonly second: TrainedWeights<T>;
  /** Steps taken. */
  readonly step: number;
  /** batchtopk's for inference: a moving average of the smallest activation that a batch keeps, from 0. */
  readonly threshold: number;
}

export interface StepOptions {
  /** The learning rate. */
  readonly rate: number;
  /** Adam's decays; default 0.9 and 0.999. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Gradients are scaled down to this norm, over all weights together; default not. */
  readonly clip?: number;
  /** The features that count as dead, rising; default none. */
  readonly dead?: Int32Array;
  /** The share of a batch's smallest activation in the threshold; default 0.01, SAELens'. */
  readonly thresholdRate?: number;
}

/** The share of a batch's smallest activation in batchtopk's threshold: SAELens'. */
export const THRESHOLD_RATE = 0.01;

/** A state that has taken no step. */
export function freshState<T extends Shaped>(
  ops: Ops<T>,
  weights: TrainedWeights<T>,
): TrainingState<T> {
  const zeros = (): TrainedWeights<T> => mapTrained(weights, ({ shape }) => ops.fill(shape, 0));
  return { weights, first: zeros(), second: zeros(), step: 0, threshold: 0 };
}

/**
 * One step of Adam on the rows of a batch. The state that was given is freed: what comes back replaces it. Where the step
 * fails, it is left as it was.
 */
export async function trainingStep<T extends Shaped>(
  engine: Engine<T>,
  state: TrainingState<T>,
  objective: Objective,
  rows: TrainingRows<T>,
  options: StepOptions,
): Promise<{ readonly state: TrainingState<T>; readonly report: LossReport }> {
  const { clip, dead, thresholdRate = THRESHOLD_RATE, rate, beta1 = 0.9, beta2 = 0.999 } = options;
  const found = await lossAndGradients(engine, state.weights, objective, rows, dead);
  const { gradients, ...report } = found;
  const step = state.step + 1;
  const shrink = clip === undefined ? 1 : Math.min(1, clip / report.gradientNorm);
  try {
    const moved = engine.scope(() => {
      // What lies between is freed weight by weight: it is as large as they are.
      const each = mapTrained(state.weights, (weight, name) =>
        engine.scope(() => {
          const of = (weights: TrainedWeights<T>): T => weights[name] as T; // each has the same names
          const { next, ...moments } = engine.scope(() => {
            const { first, second, move } = adamStep(
              engine,
              { first: of(state.first), second: of(state.second) },
              of(gradients),
              { step, rate, beta1, beta2, shrink },
            );
            return { next: engine.sub(weight, move), first, second };
          });
          const unit = name === "W_dec" && objective.unitDecoder;
          return { weight: unit ? unitRows(engine, next) : next, ...moments };
        }),
      );
      return {
        weights: mapTrained(each, ({ weight }) => weight),
        first: mapTrained(each, ({ first }) => first),
        second: mapTrained(each, ({ second }) => second),
      };
    });
    engine.free([state.weights, state.first, state.second]);
    const { smallestKept } = report;
    const threshold =
      smallestKept === undefined
        ? state.threshold
        : (1 - thresholdRate) * state.threshold + thresholdRate * smallestKept;
    return { state: { ...moved, step, threshold }, report };
  } finally {
    engine.free(gradients);
  }
}

/** Decoder rows at length 1. */
function unitRows<T extends Shaped>(ops: Ops<T>, W_dec: T): T {
  const width = sizeAlong(W_dec.shape, "d_out", "train");
  return ops.div(W_dec, ops.scale(ops.rms(W_dec, "d_out", 0), Math.sqrt(width)));
}
