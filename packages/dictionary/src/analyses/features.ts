import {
  type Analysis,
  type Corpus,
  computedResult,
  corpusOf,
  defineAnalysis,
  type Outline,
  type Provided,
  type Subject,
  type TextFile,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  fileParameter,
  numbersParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import { type Cost, InputError, type Precision, type Priced, type Shaped } from "@resolvent/tensor";
import type { Architecture } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { checkFeature, type GatheredFeatures, gatherFeatures } from "../features/gather.ts";
import { tallyBytes } from "../features/tally.ts";
import { encodeCost, sequenceCost, timesCost, WIDTH } from "./dictionary-cost.ts";
import { dictionaryFacts } from "./dictionary-facts.ts";
import { featureRows } from "./feature-rows.ts";
import type { FeatureOrder, FeaturesResult } from "./features-result.ts";
import { FEATURES_TABLE_KINDS, featuresTables } from "./features-tables.ts";
import { featuresAnswer, featuresViews } from "./features-views.ts";
import {
  type GivenParameters,
  givenParameters,
  loadGiven,
  outlineGiven,
  singlesOf,
  weightBytes,
} from "./given.ts";
import { type Labels, readLabels } from "./labels.ts";
import { reading } from "./texts.ts";

interface FeaturesParameters extends GivenParameters {
  readonly feature: readonly number[];
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly length?: number | undefined;
  readonly maxTokens: number;
  readonly top: number;
  readonly by: FeatureOrder;
  readonly examples: number;
  readonly before: number;
  readonly after: number;
  readonly near: number;
  readonly which: number;
  readonly labels?: TextFile | undefined;
}

/** `resolvent features`: what the features of a dictionary do. */
export const featuresAnalysis: Analysis<FeaturesParameters, FeaturesResult> = defineAnalysis<
  FeaturesParameters,
  FeaturesResult
>({
  name: "features",
  summary: "what the features of a dictionary do: where they are active, and what they write",
  description:
    "Runs a corpus through MODEL and a dictionary once, and shows of its features: the texts in which they are strongest, how often and how strongly they are active, the tokens that they promote and suppress, and the features next to them; with further dictionaries, also what feeds them and what they feed.",
  params: parameters({
    feature: numbersParameter("features to show in detail; default: the first by --by", {
      ...{ whole: true, least: 0, title: "numbers" },
    }),
    corpus: fileParameter("text to read, UTF-8"),
    tokensFile: fileParameter("token ids to read instead, one list a line: 1,403,407"),
    length: countParameter(
      "maximum tokens per sequence; default: 128 of a text, all of a line of ids, if the context allows",
      { optional: true, least: 1 },
    ),
    maxTokens: countParameter("tokens read at most, from the start of the corpus", {
      ...{ default: 65_536, least: 1 },
    }),
    top: countParameter("number of features listed where none is named", {
      ...{ default: 20, least: 1, title: "n" },
    }),
    by: choiceParameter(
      "what these are the first by: their largest activation, how often they are active, their mean activation, their number",
      ["max", "density", "mean", "index"],
      { default: "max" },
    ),
    examples: countParameter("texts of a feature at most", {
      ...{ default: 5, most: 100, title: "n" },
    }),
    before: countParameter("tokens shown before the strongest one", {
      ...{ default: 10, most: 500, title: "n" },
    }),
    after: countParameter("tokens shown after it", { default: 5, most: 500, title: "n" }),
    near: countParameter("tokens and features of a kind: promoted, nearest, fed", {
      ...{ default: 5, most: 100, title: "n" },
    }),
    which: countParameter("which of several dictionaries is described, from 0 in their order", {
      ...{ default: 0, title: "n" },
    }),
    labels: fileParameter(
      'labels of features: {"12": "past tense"}, or explanations as Neuronpedia exports them',
    ),
    ...givenParameters(),
  }),
  examples: [
    "path/to/model --dictionary path/to/sae --corpus wiki.txt --html features.html",
    "path/to/model --dictionary path/to/sae --tokens-file ids.txt --feature 12,52 --json",
    "path/to/model --dictionary path/to/transcoders --which 3 --corpus wiki.txt --labels labels.json",
  ],
  needs: ["dictionary"],
  estimate: (outline, params) => {
    const { length, count } = sizes(corpusOfRun(params, outline), params);
    return timesCost([[sequenceCost(outline, length), count]]);
  },
  estimateProvided: async (outline, params, provided) => await estimate(outline, params, provided),
  run,
  tables: featuresTables,
  tableKinds: FEATURES_TABLE_KINDS,
  answer: featuresAnswer,
  views: featuresViews,
});

function corpusOfRun(
  params: FeaturesParameters,
  { model, vocabulary }: Pick<Outline, "model" | "vocabulary">,
): Corpus {
  return corpusOf(params, model.architecture, vocabulary);
}

function sizes(
  { length }: Corpus,
  { maxTokens }: FeaturesParameters,
): { readonly length: number; readonly count: number } {
  const own = Math.min(length, maxTokens);
  return { length: own, count: Math.ceil(maxTokens / own) };
}

/** At most: for all of the tokens that are allowed. */
async function estimate(
  outline: Outline,
  params: FeaturesParameters,
  provided: Provided,
): Promise<Cost> {
  const { precision, model } = outline;
  const { length, count } = sizes(corpusOfRun(params, outline), params);
  const found = await outlineGiven(provided, params);
  const dictionaries = singlesOf(found);
  const dictionary = chosenOf(dictionaries, params.which);
  for (const feature of params.feature) checkFeature(dictionary, feature);
  const held = weightBytes(found, WIDTH[precision]) + tallied(dictionary, params, precision);
  const each = encodeCost(dictionary, precision, length);
  const run = sequenceCost(outline, length);
  return timesCost(
    [
      [run, count],
      [each, count],
      [rowsCost(dictionaries, params, model.architecture), 1],
    ],
    held,
  );
}

function tallied(
  { features }: Dictionary<Priced>,
  { examples, before, after }: FeaturesParameters,
  precision: Precision,
): number {
  return tallyBytes(features, { examples, before, after, precision });
}

/**
 * What is said of single features by their weights: a product with each dictionary, with both embeddings, and with each
 * head's value and output.
 */
function rowsCost(
  dictionaries: readonly Dictionary<Priced>[],
  { feature, top }: FeaturesParameters,
  { vocab, d_model, d_head, heads, layers }: Architecture,
): Cost {
  const rows = feature.length > 0 ? feature.length : top;
  const all = dictionaries.reduce((sum, { features }) => sum + features, 2 * vocab);
  const products = 2 * Math.min(rows, dictionaries[0]?.features ?? rows) * d_model * all;
  const flops = products + 2 * layers * heads * d_model * d_model * (2 * d_head + rows);
  return { flops, matmulFlops: flops, bytesMoved: 8 * d_model * all, peakBytes: 0, calls: {} };
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: FeaturesParameters,
): Promise<FeaturesResult> {
  const { engine, provided, signal } = subject;
  const found = await loadGiven(engine, provided, params, signal);
  try {
    return await described(subject, singlesOf(found), params);
  } finally {
    engine.free(found);
  }
}

async function described<T extends Shaped>(
  subject: Subject<T>,
  dictionaries: readonly Dictionary<T>[],
  params: FeaturesParameters,
): Promise<FeaturesResult> {
  const { engine, model, vocabulary, signal, onProgress } = subject;
  const { examples, before, after, which, near, by, feature, maxTokens } = params;
  const dictionary = chosenOf(dictionaries, which);
  for (const one of feature) checkFeature(dictionary, one);
  const none: Labels = { of: new Map(), warnings: [] };
  const labels =
    params.labels === undefined ? none : await readLabels(params.labels, dictionary.features);
  const read = reading(corpusOf(params, model.architecture, vocabulary), maxTokens, signal);
  const gathered = await gatherFeatures(engine, model, dictionary, read.texts(), {
    ...{ examples, before, after, signal },
    onProgress: ({ tokens }) => onProgress({ done: tokens, total: maxTokens, of: "token" }),
  });
  const listed = feature.length > 0 ? [...new Set(feature)] : firstBy(gathered, by, params.top);
  const parts = { gathered, dictionaries, which, near, labels: labels.of };
  return {
    ...computedResult("features", engine, model, {
      warnings: [...dictionary.warnings, ...labels.warnings, ...read.warnings()],
    }),
    dictionary: dictionaryFacts(dictionary),
    others: dictionaries.filter((_, i) => i !== which).map(dictionaryFacts),
    corpus: read.facts(),
    tokens: gathered.tokens,
    dead: gathered.dead,
    by: feature.length > 0 ? null : by,
    features: await featureRows(subject, listed, parts),
  };
}

/** The first of the features that are active, of equal ones those of lower number. */
function firstBy(gathered: GatheredFeatures, by: FeatureOrder, top: number): number[] {
  const keys: { readonly feature: number; readonly key: number }[] = [];
  for (let feature = 0; feature < gathered.features; feature++) {
    const { active, mean, max } = gathered.summary(feature);
    if (active === 0 || mean === null || max === null) continue;
    keys.push({ feature, key: { max, mean, density: active, index: -feature }[by] });
  }
  return keys
    .sort((a, b) => b.key - a.key || a.feature - b.feature)
    .slice(0, top)
    .map(({ feature }) => feature);
}

/** @throws InputError `dictionary/no-dictionary` */
function chosenOf<T extends Shaped>(
  dictionaries: readonly Dictionary<T>[],
  which: number,
): Dictionary<T> {
  const chosen = dictionaries[which];
  if (chosen !== undefined) return chosen;
  throw new InputError({
    code: "dictionary/no-dictionary",
    message: `The last of the ${dictionaries.length} dictionaries is number ${dictionaries.length - 1}, got ${which}.`,
    remedy: "Choose one of them (--which).",
    details: { dictionaries: dictionaries.length, got: which },
  });
}
