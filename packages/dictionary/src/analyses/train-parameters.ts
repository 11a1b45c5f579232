import type { NewFolder, Parameters, TextFile } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  fileParameter,
  flagParameter,
  newFolderParameter,
  numberParameter,
  numbersParameter,
  parameters,
  textParameter,
} from "@resolvent/analysis/parameters";
import type { Architecture } from "@resolvent/transformer";
import type { Loss } from "../train/objective.ts";
import type { TrainingSettings } from "../train/settings.ts";

/** The losses by name. */
const LOSSES = ["l1", "topk", "batchtopk", "jumprelu", "jumprelu-tanh", "gated"] as const;

/** How numbers are stored. */
const DTYPES = ["F32", "F16", "BF16"] as const;

export interface TrainParameters {
  readonly site: string;
  readonly target?: string | undefined;
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly length?: number | undefined;
  readonly maxTokens: number;
  readonly heldOut: number;
  readonly out?: NewFolder | undefined;
  readonly dtype: (typeof DTYPES)[number];
  readonly features: number;
  readonly loss: Loss["kind"];
  readonly k: number;
  readonly auxiliary: number;
  readonly auxiliaryK?: number | undefined;
  readonly groups: readonly number[];
  readonly coefficient?: number | undefined;
  readonly bandwidth?: number | undefined;
  readonly skip: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly buffer?: number | undefined;
  readonly rate: number;
  readonly warmup?: number | undefined;
  readonly decay?: number | undefined;
  readonly sparsityWarmup?: number | undefined;
  readonly deadAfter?: number | undefined;
  readonly resampleEvery?: number | undefined;
  readonly seed: number;
}

/** Losses whose sparsity is a number of features. */
const chooses = (loss: Loss["kind"]): boolean => loss === "topk" || loss === "batchtopk";

export const trainParameters: Parameters<TrainParameters> = parameters(
  {
    site: textParameter("where it reads, such as L1.mlp.after or L1.mlp.normed"),
    target: textParameter(
      "what it predicts, such as L1.mlp.write, for a transcoder; default: the site itself",
      { optional: true, title: "site" },
    ),
    corpus: fileParameter("corpus, as UTF-8 text"),
    tokensFile: fileParameter("corpus as token ids instead, one list a line, such as 1,403,407"),
    length: countParameter(
      "maximum tokens per text; default: 128 of a corpus, all of a line of ids, if the context allows",
      { optional: true, least: 2 },
    ),
    maxTokens: countParameter("maximum tokens read of the corpus, from its start", {
      ...{ default: 4_000_000, least: 2, most: 100_000_000 },
    }),
    heldOut: countParameter("texts that are kept for measuring, spread over the corpus", {
      ...{ default: 32, least: 1, most: 10_000, title: "n" },
    }),
    out: newFolderParameter("folder that the dictionary is written to, as SAELens reads it"),
    dtype: choiceParameter("how its numbers are stored", DTYPES, { default: "F32" }),
    features: countParameter("number of features", { least: 1, most: 2 ** 24, title: "n" }),
    loss: choiceParameter(
      "l1, gated, jumprelu: a coefficient sets how sparse; topk, batchtopk: k",
      LOSSES,
      {
        default: "batchtopk",
      },
    ),
    k: countParameter("active features of a token, of topk; on average, of batchtopk", {
      ...{ default: 32, least: 1, title: "k" },
    }),
    auxiliary: numberParameter("weight of AuxK, which trains dead features, of both", {
      ...{ default: 1 / 32, least: 0, title: "x" },
    }),
    auxiliaryK: countParameter(
      "dead features that a token has for that; default: half of d_model",
      {
        ...{ optional: true, least: 1, title: "k" },
      },
    ),
    groups: numbersParameter(
      "sizes of groups whose prefixes reconstruct too, of batchtopk (Matryoshka)",
      {
        ...{ whole: true, least: 1 },
      },
    ),
    coefficient: numberParameter("of sparsity, of the other losses", {
      ...{ optional: true, least: 0, title: "x" },
    }),
    bandwidth: numberParameter("of JumpReLU's pseudo-derivatives; default: 0.05", {
      ...{ optional: true, above: 0, title: "x" },
    }),
    skip: flagParameter("a transcoder has a linear map beside its features"),
    steps: countParameter("steps of training", { default: 10_000, least: 1 }),
    batch: countParameter("tokens of a step", { default: 256, least: 1, most: 2 ** 20 }),
    buffer: countParameter("tokens of the buffer that shuffles; default: 16 batches", {
      ...{ optional: true, least: 1, most: 2 ** 24 },
    }),
    rate: numberParameter("highest learning rate", { default: 3e-4, above: 0, title: "x" }),
    warmup: countParameter("steps over which the rate rises; default: 1 %", { optional: true }),
    decay: countParameter("steps at the end over which it falls to 0; default: 20 %", {
      optional: true,
    }),
    sparsityWarmup: countParameter("steps over which coefficients rise; default: 5 %", {
      optional: true,
    }),
    deadAfter: countParameter(
      "tokens after which an inactive feature is dead; default: 1000 batches",
      {
        ...{ optional: true, least: 1 },
      },
    ),
    resampleEvery: countParameter(
      "steps between which dead features begin anew, of l1; default: never",
      {
        ...{ optional: true, least: 1 },
      },
    ),
    seed: countParameter("random seed", { default: 0, most: 2 ** 32 - 1 }),
  },
  [
    {
      parameter: "out",
      passes: ({ out }) => out !== undefined,
      message: "A folder is needed for what is trained",
    },
    {
      parameter: "coefficient",
      passes: ({ loss, coefficient }) => chooses(loss) === (coefficient === undefined),
      message: "It is for l1, gated and jumprelu, which need it, and for no others",
    },
    {
      parameter: "groups",
      passes: ({ loss, groups }) => groups.length === 0 || loss === "batchtopk",
      message: "Groups are for batchtopk",
    },
  ],
);

/** What `trainDictionary` is told. */
export function settingsOf(
  params: TrainParameters,
  { d_model }: Pick<Architecture, "d_model">,
): TrainingSettings {
  const { site, target, features, steps, batch, buffer, rate, seed } = params;
  const { warmup, decay, sparsityWarmup, deadAfter, resampleEvery, skip } = params;
  return {
    ...{ site, features, steps, batch, rate, seed, loss: lossOf(params, d_model) },
    ...(target !== undefined && { target }),
    ...(buffer !== undefined && { buffer }),
    ...(warmup !== undefined && { warmup }),
    ...(decay !== undefined && { decay }),
    ...(sparsityWarmup !== undefined && { sparsityWarmup }),
    ...(deadAfter !== undefined && { deadAfter }),
    ...(resampleEvery !== undefined && { resampleEvery }),
    ...(skip && { skip }),
  };
}

function lossOf(params: TrainParameters, d_model: number): Loss {
  const { loss: kind, k, auxiliary: weight, coefficient = 0, bandwidth, groups } = params;
  const auxiliary = { weight, k: params.auxiliaryK ?? Math.max(1, d_model >> 1) };
  const chosen = { k, ...(weight > 0 && { auxiliary }) };
  const wide = { coefficient, ...(bandwidth !== undefined && { bandwidth }) };
  switch (kind) {
    case "topk":
      return { kind, ...chosen };
    case "batchtopk":
      return { kind, ...chosen, ...(groups.length > 0 && { groups }) };
    case "l1": // a transcoder's decoder has no rows of length 1: their norms are in the loss
      return { kind, coefficient, decoderNorms: params.target !== undefined };
    case "gated":
      return { kind, coefficient };
    case "jumprelu":
    case "jumprelu-tanh":
      return { kind, ...wide };
  }
}
