import type { Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { siteText } from "../site.ts";

/** Which dictionary a result is about. */
export interface DictionaryFacts {
  readonly name: string;
  /** As its config calls it: `jumprelu`, `BatchTopKSAE`. */
  readonly architecture: string;
  /** Whose layout its folder has. */
  readonly layout: string;
  /** Where it reads; null where neither its files nor its user say. */
  readonly site: string | null;
  /** What it stands for: another site of a transcoder. */
  readonly output: string | null;
  readonly features: number;
  readonly d_in: number;
  readonly d_out: number;
  readonly transcoder: boolean;
  /** Whether a skip adds to its output. */
  readonly skip: boolean;
  /** How pre-activations become activations: `relu`, `topk 32`. */
  readonly activation: string;
  /** What is done to inputs first. */
  readonly normalization: string;
  /** Positions that it was trained on, as Python's slice `start:stop:step`; null where those are all. */
  readonly positions: string | null;
  /** Positions whose activations are none. */
  readonly zeroPositions: readonly number[];
  /** Whether inputs are centred first. */
  readonly centred: boolean;
  /** What its config says of the model that it was trained on. */
  readonly trainedOn: {
    readonly model: string | null;
    readonly hook: string | null;
    readonly prependBos: boolean | null;
    readonly contextSize: number | null;
  };
}

export function dictionaryFacts<T extends Shaped>(dictionary: Dictionary<T>): DictionaryFacts {
  const { input, output, activation, positions, trainedOn } = dictionary;
  const slice = positions && [positions.start, positions.stop, positions.step];
  return {
    name: dictionary.name,
    architecture: dictionary.architecture,
    layout: dictionary.layout,
    site: input === undefined ? null : siteText(input),
    output: output === undefined ? null : siteText(output),
    features: dictionary.features,
    d_in: dictionary.d_in,
    d_out: dictionary.d_out,
    transcoder: dictionary.transcoder,
    skip: dictionary.W_skip !== undefined,
    activation: activationWords(activation),
    normalization: dictionary.normalization.kind,
    positions: slice === undefined ? null : slice.map((at) => at ?? "").join(":"),
    zeroPositions: dictionary.zeroPositions,
    centred: dictionary.centred,
    trainedOn: {
      model: trainedOn.model ?? null,
      hook: trainedOn.hook ?? null,
      prependBos: trainedOn.prependBos ?? null,
      contextSize: trainedOn.contextSize ?? null,
    },
  };
}

function activationWords(activation: Dictionary<Shaped>["activation"]): string {
  switch (activation.kind) {
    case "topk":
      return `topk ${activation.k}`;
    case "groupmax":
      return `groupmax ${activation.groups}`;
    default:
      return activation.kind;
  }
}

/** In a line, as tables have it below their title: `tales, 10 blocks; L1.mlp.after, 4096 features, jumprelu (saelens)`. */
export function dictionaryLine({
  site,
  output,
  features,
  activation,
  layout,
  transcoder,
}: DictionaryFacts): string {
  const at = site === null ? "no site" : site === output ? site : `${site} → ${output}`;
  return `${transcoder ? "transcoder" : "dictionary"} at ${at}, ${features} features, ${activation} (${layout})`;
}
