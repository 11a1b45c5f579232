import { InputError } from "@resolvent/tensor";
import type { PositionSlice } from "../dictionary.ts";
import type { Loss, Objective } from "./objective.ts";
import type { Schedule } from "./schedule.ts";

/** How a dictionary is trained. */
export interface TrainingSettings {
  /** Where it reads: `L1.mlp.after`, `L1.mlp.normed`, `L1.attn.mixed`. */
  readonly site: string;
  /** What it predicts, of a transcoder: `L1.mlp.write`; default `site`. */
  readonly target?: string;
  /** The positions of each text that it is for, as Python's slice; default all. */
  readonly positions?: PositionSlice;
  readonly loss: Loss;
  /** Number of features. */
  readonly features: number;
  readonly steps: number;
  /** Rows of a step; default 256. */
  readonly batch?: number;
  /** Rows of the buffer that shuffles; default 16 batches. */
  readonly buffer?: number;
  /** The highest learning rate; default 3e-4. */
  readonly rate?: number;
  /** Steps over which the learning rate rises; default 1 % of `steps`. */
  readonly warmup?: number;
  /** Steps at the end over which it falls to 0; default 20 % of `steps`. */
  readonly decay?: number;
  /** Steps over which coefficients of sparsity rise; default 5 % of `steps`. */
  readonly sparsityWarmup?: number;
  /** Adam's decays; default 0.9 and 0.999. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Gradients are scaled down to this norm, over all weights together; default 1. */
  readonly clip?: number;
  /** Tokens without being active after which a feature counts as dead; default 1000 batches. */
  readonly deadAfter?: number;
  /** Steps between which dead features begin anew; of L1 with unit decoder rows; default never. */
  readonly resampleEvery?: number;
  /** Whether `b_dec` is taken from the input; default yes, but not of JumpReLU and of transcoders. */
  readonly subtractsBias?: boolean;
  /** Whether decoder rows have length 1; default yes, but not where the loss has their norms, and not of transcoders. */
  readonly unitDecoder?: boolean;
  /** Whether inputs and targets are scaled to a mean norm of √d while it is trained; default yes. */
  readonly scaled?: boolean;
  /** A transcoder's map from input to output beside its features (2501.18823); default none. */
  readonly skip?: boolean;
  /** JumpReLU's θ at the start, default 0.01. */
  readonly threshold?: number;
  /** Of all that is drawn; default 0. */
  readonly seed?: number;
}

/** Settings with nothing left open. */
export interface Settled extends Schedule {
  readonly objective: Objective;
  readonly features: number;
  readonly batch: number;
  readonly buffer: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly clip: number;
  readonly deadAfter: number;
  readonly resampleEvery: number | undefined;
  readonly scaled: boolean;
  readonly skip: boolean;
  readonly threshold: number;
  readonly seed: number;
}

/**
 * Settings with their defaults, checked.
 *
 * @throws InputError `dictionary/bad-setting`, `dictionary/not-savable`
 */
export function settled(given: TrainingSettings, transcoder: boolean): Settled {
  const { loss, features, steps, skip = false } = given;
  count("features", features);
  count("steps", steps);
  const batch = count("batch", given.batch ?? 256);
  const weighed =
    loss.kind === "jumprelu-tanh" || (loss.kind === "l1" && loss.decoderNorms === true);
  const objective: Objective = {
    loss,
    subtractsBias: given.subtractsBias ?? !(transcoder || loss.kind.startsWith("jumprelu")),
    unitDecoder: given.unitDecoder ?? !(transcoder || weighed),
  };
  checkLoss(loss, features);
  if (skip && !transcoder) throw bad("skip", true, "is for transcoders: give a `target`");
  if (transcoder) checkTranscoder(objective);
  const { resampleEvery } = given;
  if (resampleEvery !== undefined) {
    count("resampleEvery", resampleEvery);
    if (loss.kind !== "l1" || !objective.unitDecoder)
      throw bad("resampleEvery", resampleEvery, "is for L1 with unit decoder rows");
  }
  return {
    objective,
    features,
    steps,
    batch,
    buffer: count("buffer", given.buffer ?? 16 * batch),
    rate: positive("rate", given.rate ?? 3e-4),
    warmup: whole("warmup", given.warmup ?? Math.round(steps / 100)),
    decay: whole("decay", given.decay ?? Math.round(steps / 5)),
    sparsityWarmup: whole("sparsityWarmup", given.sparsityWarmup ?? Math.round(steps / 20)),
    beta1: decayOf("beta1", given.beta1 ?? 0.9),
    beta2: decayOf("beta2", given.beta2 ?? 0.999),
    clip: positive("clip", given.clip ?? 1),
    deadAfter: count("deadAfter", given.deadAfter ?? 1000 * batch),
    resampleEvery,
    scaled: given.scaled ?? true,
    skip,
    threshold: positive("threshold", given.threshold ?? 0.01),
    seed: given.seed ?? 0,
  };
}

/** The same with coefficients of sparsity at a share of what they will be. */
export function warmedUp(objective: Objective, share: number): Objective {
  const { loss } = objective;
  if (share === 1 || !("coefficient" in loss)) return objective;
  return { ...objective, loss: { ...loss, coefficient: share * loss.coefficient } };
}

function checkLoss(loss: Loss, features: number): void {
  if ("coefficient" in loss && !(loss.coefficient >= 0 && Number.isFinite(loss.coefficient)))
    throw bad("loss.coefficient", loss.coefficient, "is to be a number from 0");
  if ("bandwidth" in loss && loss.bandwidth !== undefined)
    positive("loss.bandwidth", loss.bandwidth);
  if (!("k" in loss)) return;
  if (count("loss.k", loss.k) > features)
    throw bad("loss.k", loss.k, `is to be at most the ${features} features`);
  if (loss.auxiliary !== undefined) count("loss.auxiliary.k", loss.auxiliary.k);
  if (loss.kind !== "batchtopk" || loss.groups === undefined) return;
  for (const group of loss.groups) count("loss.groups", group);
  const all = loss.groups.reduce((a, b) => a + b, 0);
  if (all !== features) throw bad("loss.groups", all, `is to add up to the ${features} features`);
}

function checkTranscoder({ loss, subtractsBias, unitDecoder }: Objective): void {
  if (loss.kind === "topk" || loss.kind === "gated") {
    throw new InputError({
      code: "dictionary/not-savable",
      message: `A transcoder of ${loss.kind} is none that SAELens computes.`,
      remedy: "Take batchtopk, which is saved as JumpReLU, or l1 or jumprelu.",
      details: { kind: loss.kind },
    });
  }
  if (subtractsBias) throw bad("subtractsBias", true, "is for autoencoders");
  if (unitDecoder)
    throw bad("unitDecoder", true, "is for autoencoders: a transcoder's starts at 0");
  if (loss.kind === "l1" && !loss.decoderNorms) {
    const why =
      "is to be true of a transcoder: without norms, features shrink and decoder rows grow";
    throw bad("loss.decoderNorms", false, why);
  }
}

function bad(name: string, got: unknown, says: string): InputError {
  return new InputError({
    code: "dictionary/bad-setting",
    message: `${name} ${says}, got ${String(got)}.`,
    remedy: "Change this setting of the training.",
    details: { name, got },
  });
}

function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw bad(name, value, "is to be a whole number from 1");
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw bad(name, value, "is to be a whole number from 0");
}

function positive(name: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw bad(name, value, "is to be a number above 0");
}

function decayOf(name: string, value: number): number {
  if (value >= 0 && value < 1) return value;
  throw bad(name, value, "is to be from 0 to below 1");
}
