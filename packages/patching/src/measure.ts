import { type TargetFacts, targetFacts, tokenNotation } from "@resolvent/analysis";
import type { Ops, Shaped } from "@resolvent/tensor";
import {
  klDivergence,
  logProbabilities,
  type Model,
  plainSites,
  type Target,
  targetAt,
  unembed,
} from "@resolvent/transformer";
import { lastPosition, type PatchRun } from "./patch-run.ts";

/** What is measured of a run, at its last position. */
export type Measure =
  /** `logit(a) − logit(b)`, or `logit(a)`. */
  | "logit-difference"
  /** `p(a)`. */
  | "probability"
  /** `−log p(a)`, in nats. */
  | "loss"
  /** `KL(clean ‖ run)`, in nats: how far its whole distribution is from that of the clean run. */
  | "kl";

export const MEASURES: readonly Measure[] = ["logit-difference", "probability", "loss", "kl"];

/** A measure, with what it takes. Of probability and loss the target's token `b` has no part, of KL neither has. */
export type Asked<T> =
  | {
      readonly target: Target;
      /** Default `logit-difference`. */
      readonly measure?: Exclude<Measure, "kl">;
    }
  | {
      readonly target: Target;
      readonly measure: "kl";
      /** The clean run's log-probabilities at its last position: `vocab`. */
      readonly clean: T;
    };

/** A measure of a target; KL compares with the clean run of a pair. */
export function askedOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  {
    measure,
    target,
    clean,
  }: { readonly measure: Measure; readonly target: Target; readonly clean: PatchRun<T> },
): Asked<T> {
  if (measure !== "kl") return { target, measure };
  const end = clean.streams.at(-1) as T; // a run has its end
  return { target, measure, clean: lastLogProbabilities(ops, model, end) };
}

/** What is measured, as results carry it, with its value on the clean prompt. */
export function measuredFacts(
  measure: Measure,
  target: Target,
  { value, text }: { readonly value: number; readonly text: (id: number) => string },
): TargetFacts {
  const facts = targetFacts(target, value, text);
  const token = tokenNotation(text(target.a));
  switch (measure) {
    case "logit-difference":
      return facts;
    case "probability":
      return { ...facts, readout: `probability of ${token}`, b: null };
    case "loss":
      return { ...facts, readout: `loss on ${token}`, b: null };
    case "kl":
      return { readout: "KL divergence from the clean run", a: null, b: null, value };
  }
}

/** The same, and nothing else, on another interpreter. */
export function mapAsked<T, U>(asked: Asked<T>, map: (x: T) => U): Asked<U> {
  if (asked.measure === "kl") {
    return { target: asked.target, measure: asked.measure, clean: map(asked.clean) };
  }
  const { target, measure = "logit-difference" } = asked;
  return { target, measure };
}

/**
 * What a final residual stream says, the final norm recomputed: the axes of `stream` but `pos` and `d_model`. All but
 * the logit difference take the logits of the whole vocabulary, at the last position.
 */
export function measureAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  stream: T,
  asked: Asked<T>,
): T {
  const { target, measure = "logit-difference" } = asked;
  if (measure === "logit-difference") return targetAt(ops, model, stream, target);
  return ops.scope(() => {
    const log = lastLogProbabilities(ops, model, stream);
    if (asked.measure === "kl") return klDivergence(ops, asked.clean, log);
    const token = { shape: { token: 1 }, data: Int32Array.of(target.a) };
    const own = ops.sum(ops.take(log, "vocab", token), ["token"]);
    return measure === "loss" ? ops.scale(own, -1) : ops.exp(own);
  });
}

/**
 * The size that the rounding of a measure goes by: of differences of logits, and of logarithms of probabilities, that of
 * the logits; of a probability that times itself.
 *
 * @param values of the measure, in any order
 */
export function measuredSize(
  measure: Measure,
  logitSize: number,
  values: readonly (number | null)[],
): number {
  if (measure !== "probability") return logitSize;
  return (
    logitSize *
    Math.min(
      1,
      values.reduce<number>((most, p) => Math.max(most, p ?? 0), 0),
    )
  );
}

/** `log p` at the last position: the axes of `stream` but `pos`, with `vocab` for `d_model`. */
function lastLogProbabilities<T extends Shaped>(ops: Ops<T>, model: Model<T>, stream: T): T {
  return ops.scope(() => {
    const logits = unembed(ops, model, lastPosition(ops, stream), plainSites());
    return logProbabilities(ops, ops.sum(logits, ["pos"]));
  });
}
