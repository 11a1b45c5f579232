import { type Cell, percent, short, type Table, warningLines } from "@resolvent/analysis";
import { dictionaryLine } from "./dictionary-facts.ts";
import type { DictionaryResult, RangeFacts } from "./dictionary-result.ts";

export const DICTIONARY_TABLE_KINDS: readonly string[] = [
  "metric",
  "loss",
  "weight",
  "density-bin",
  "feature-density",
];

/** What was measured, what the model loses, and what the weights are. */
export function dictionaryTables(result: DictionaryResult): Table[] {
  return [
    ...metricTable(result),
    ...lossTable(result),
    weightTable(result),
    ...densityTables(result),
  ];
}

function subtitleOf({ model, dictionary, corpus, precision }: DictionaryResult): string {
  const read = corpus === null ? "" : `; ${corpus.name}: ${corpus.tokens} tokens`;
  return `${model.name}, ${dictionaryLine(dictionary)}${read}, ${precision}`;
}

function metricTable(result: DictionaryResult): Table[] {
  const { tokens, formulas } = result;
  if (tokens === null) return [];
  const names = [
    ...(["l0", "l0WithoutFirst", "explainedVariance", "explainedVarianceCentred"] as const),
    ...(["mse", "cosine", "l2Ratio", "relativeReconstructionBias", "dead"] as const),
    ...(["recovered", "recoveredFromMean", "kl"] as const),
  ];
  return [
    {
      kind: "metric",
      title: `How well the dictionary stands for ${result.dictionary.output ?? "its site"}`,
      subtitle: subtitleOf(result),
      columns: [
        { name: "metric", kind: "text" },
        { name: "value", kind: "number", missing: "–" },
        { name: "formula", head: "is", kind: "text" },
      ],
      rows: names.map((name) => [name, result[name], formulas[name]]),
      notes: [
        ...warningLines(result.warnings),
        `Measured on ${tokens} tokens: the positions that the dictionary is for.`,
      ],
    },
  ];
}

function lossTable({ loss, recovered, recoveredFromMean, formulas }: DictionaryResult): Table[] {
  if (loss === null) return [];
  const above = (value: number): number => value - loss.model;
  return [
    {
      kind: "loss",
      title: "What the model loses",
      columns: [
        { name: "with", head: "in its place", kind: "text" },
        { name: "loss", kind: "logit" },
        { name: "above", head: "more than the model", kind: "effect" },
      ],
      rows: [
        ["the model itself", loss.model, 0],
        ["the dictionary's output", loss.spliced, above(loss.spliced)],
        ["the mean", loss.mean, above(loss.mean)],
        ["zero", loss.zeroed, above(loss.zeroed)],
      ],
      notes: [
        `Recovered: ${recovered === null ? "–" : percent(recovered)} of what zero loses, ${recoveredFromMean === null ? "–" : percent(recoveredFromMean)} of what the mean loses.`,
        `Loss: ${formulas.loss}.`,
      ],
    },
  ];
}

function weightTable(result: DictionaryResult): Table {
  const { weights, dictionary } = result;
  const row = (name: string, range: RangeFacts | null): Cell[][] =>
    range === null ? [] : [[name, range.least, range.mean, range.most]];
  const { model, hook, prependBos, contextSize } = dictionary.trainedOn;
  const said = [
    ...(model === null ? [] : [model]),
    ...(hook === null ? [] : [hook]),
    ...(prependBos === null ? [] : [prependBos ? "texts begin with bos" : "no bos"]),
    ...(contextSize === null ? [] : [`contexts of ${contextSize}`]),
  ];
  return {
    kind: "weight",
    title: "Its weights",
    ...(result.tokens === null && { subtitle: subtitleOf(result) }),
    columns: [
      { name: "of", kind: "text" },
      { name: "least", kind: "number" },
      { name: "mean", kind: "number" },
      { name: "most", kind: "number" },
    ],
    rows: [
      ...row("norm of an encoder column", weights.encoderNorm),
      ...row("norm of a decoder row", weights.decoderNorm),
      ...row("encoder bias", weights.encoderBias),
      ...row("threshold", weights.threshold),
    ],
    notes: [
      `${dictionary.d_in} → ${dictionary.features} → ${dictionary.d_out}, ${dictionary.architecture}; norm of the decoder's bias ${short(weights.decoderBiasNorm)}${dictionary.skip ? "; with a skip" : ""}.`,
      ...(said.length === 0 ? [] : [`Its config says that it was trained on ${said.join(", ")}.`]),
      ...(result.tokens === null
        ? [
            ...warningLines(result.warnings),
            "How well it fits is measured on a corpus: --corpus FILE or --tokens-file FILE.",
          ]
        : []),
    ],
  };
}

/** Bins of a histogram of densities: factors of 10^½, and those that are never active. */
const BINS_PER_DECADE = 2;

function densityTables({ density, tokens }: DictionaryResult): Table[] {
  if (density === null || tokens === null) return [];
  const decades = Math.ceil(Math.log10(Math.max(tokens, 10)));
  const bins = BINS_PER_DECADE * decades;
  const counts = new Array<number>(bins).fill(0);
  let never = 0;
  for (const share of density) {
    if (share === 0) never++;
    else {
      const bin = Math.floor(BINS_PER_DECADE * (Math.log10(share) + decades));
      const at = Math.max(0, Math.min(bins - 1, bin));
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const from = (bin: number): number => 10 ** (bin / BINS_PER_DECADE - decades);
  return [
    {
      kind: "density-bin",
      view: true,
      title: "How often features are active",
      columns: [
        { name: "density", head: "share of tokens", kind: "text" },
        { name: "features", kind: "count" },
      ],
      rows: [
        ["never", never],
        ...counts.map((count, bin): Cell[] => [
          `${percent(from(bin))} to ${percent(from(bin + 1))}`,
          count,
        ]),
      ],
    },
    {
      kind: "feature-density",
      data: true,
      columns: [
        { name: "feature", kind: "count" },
        { name: "density", kind: "share" },
      ],
      rows: density.map((share, feature) => [feature, share]),
    },
  ];
}
