import type { Engine, Shaped } from "@resolvent/tensor";
import type { Activation, Dictionary, PositionSlice } from "../dictionary.ts";
import type { DictionarySite } from "../site.ts";
import type { Objective } from "./objective.ts";
import { sizesOf } from "./start-weights.ts";
import { THRESHOLD_RATE, type TrainingState } from "./step.ts";

/** What inputs and targets are multiplied with while a dictionary is trained: to a mean norm of √d. */
export interface Factors {
  readonly input: number;
  readonly target: number;
}

export interface TrainedPlace {
  readonly name: string;
  readonly input: DictionarySite;
  readonly output: DictionarySite;
  readonly transcoder: boolean;
  readonly positions?: PositionSlice | undefined;
}

/** What was trained as a dictionary that reads vectors as they are: the factors are in its weights. The caller owns it. */
export function trainedDictionary<T extends Shaped>(
  engine: Engine<T>,
  { weights, threshold, step }: Pick<TrainingState<T>, "weights" | "threshold" | "step">,
  { loss, subtractsBias }: Objective,
  factors: Factors,
  { name, input, output, transcoder, positions }: TrainedPlace,
): Dictionary<T> {
  const sizes = sizesOf(weights);
  const out = 1 / factors.target;
  return engine.scope(() => {
    const b_dec = engine.scale(weights.b_dec, out);
    const copy = (weight: T | undefined): T | undefined => weight && engine.scale(weight, 1);
    const b_enc = copy(weights.b_enc);
    const gates = [copy(weights.b_gate), copy(weights.b_mag), copy(weights.r_mag)];
    const activationOf = (): Activation<T> => {
      switch (loss.kind) {
        case "l1":
          return { kind: "relu" };
        case "topk":
          return { kind: "topk", k: loss.k, rectified: true };
        case "batchtopk": {
          // An average that began at 0 is too low by this share of it (Kingma & Ba 2015, section 3): after few steps much.
          const seen = 1 - (1 - THRESHOLD_RATE) ** step;
          const each = engine.fill({ feature: sizes.features }, threshold / seen);
          return { kind: "jumprelu", threshold: each, rectified: true };
        }
        case "jumprelu":
        case "jumprelu-tanh": {
          const each = engine.exp(weights.log_threshold as T); // these have one
          return { kind: "jumprelu", threshold: each, rectified: true };
        }
        case "gated": {
          const [b_gate, b_mag, r_mag] = gates as [T, T, T]; // these have them
          return { kind: "gated", b_gate, b_mag, r_mag };
        }
      }
    };
    const activation = activationOf();
    const { W_skip } = weights;
    return {
      ...sizes,
      name,
      layout: "saelens",
      architecture: architectureOf(activation.kind, transcoder, W_skip !== undefined),
      W_enc: engine.scale(weights.W_enc, factors.input),
      ...(b_enc !== undefined && { b_enc }),
      ...(subtractsBias && { subtracted: engine.rename(b_dec, { d_out: "d_in" }) }),
      activation,
      normalization: { kind: "none" },
      W_dec: engine.scale(weights.W_dec, out),
      b_dec,
      ...(W_skip !== undefined && { W_skip: engine.scale(W_skip, factors.input * out) }),
      transcoder,
      input,
      output,
      ...(positions !== undefined && { positions }),
      zeroPositions: [],
      centred: false,
      trainedOn: {},
      warnings: [],
    };
  });
}

/** What SAELens calls it. */
function architectureOf(
  kind: Activation<unknown>["kind"],
  transcoder: boolean,
  skip: boolean,
): string {
  if (!transcoder) return kind === "relu" ? "standard" : kind;
  return `${kind === "relu" ? "" : `${kind}_`}${skip ? "skip_" : ""}transcoder`;
}
