import {
  type Analysis,
  computedResult,
  corpusOf,
  defineAnalysis,
  type Outline,
  type Provided,
  type Subject,
  type TextFile,
} from "@resolvent/analysis";
import { countParameter, fileParameter, parameters } from "@resolvent/analysis/parameters";
import { type Cost, InputError, type Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { evaluateDictionary } from "../evaluate.ts";
import { FORMULAS } from "../metrics.ts";
import { encodeCost, sequenceCost, timesCost, WIDTH } from "./dictionary-cost.ts";
import { dictionaryFacts } from "./dictionary-facts.ts";
import type { DictionaryResult } from "./dictionary-result.ts";
import { DICTIONARY_TABLE_KINDS, dictionaryTables } from "./dictionary-tables.ts";
import { dictionaryAnswer, dictionaryViews } from "./dictionary-views.ts";
import {
  type GivenParameters,
  givenParameters,
  loadGiven,
  outlineGiven,
  singlesOf,
  weightBytes,
} from "./given.ts";
import { reading } from "./texts.ts";
import { weightFacts } from "./weight-facts.ts";

interface DictionaryParameters extends GivenParameters {
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly length?: number | undefined;
  readonly maxTokens: number;
}

/** `resolvent dictionary`: what a dictionary is, and how well it stands for a value of the model. */
export const dictionaryAnalysis: Analysis<DictionaryParameters, DictionaryResult> = defineAnalysis<
  DictionaryParameters,
  DictionaryResult
>({
  name: "dictionary",
  summary: "a sparse autoencoder or transcoder: what its files say, and how well it fits",
  description:
    "Says what a dictionary of MODEL is: architecture, site, shapes, norms. With a corpus also how well it stands for the value at its site (explained variance, active features, dead features), and what the model loses with its output in place: next to the model itself, to zero, and to the mean.",
  params: parameters({
    corpus: fileParameter("text to measure it on, UTF-8"),
    tokensFile: fileParameter("token ids to measure it on instead, one list a line: 1,403,407"),
    length: countParameter(
      "maximum tokens per sequence; default: 128 of a text, all of a line of ids, if the context allows",
      { optional: true, least: 1 },
    ),
    maxTokens: countParameter("tokens read at most, from the start of the corpus", {
      ...{ default: 65_536, least: 1 },
    }),
    ...givenParameters(),
  }),
  examples: [
    "openai-community/gpt2 --dictionary hub:jbloom/GPT2-Small-SAEs-Reformatted/blocks.8.hook_resid_pre --corpus wiki.txt",
    "path/to/model --dictionary path/to/sae --tokens-file ids.txt --json",
    "path/to/model --dictionary path/to/transcoders --layer 3 --corpus wiki.txt",
  ],
  needs: ["dictionary"],
  estimate: (outline, params) => {
    const corpus = corpusFor(params, outline);
    return corpus === undefined
      ? timesCost([])
      : timesCost([[sequenceCost(outline, usual(corpus, params)), 5 * sequences(corpus, params)]]);
  },
  estimateProvided: async (outline, params, provided) => await estimate(outline, params, provided),
  run,
  tables: dictionaryTables,
  tableKinds: DICTIONARY_TABLE_KINDS,
  answer: dictionaryAnswer,
  views: dictionaryViews,
});

type CorpusOfRun = ReturnType<typeof corpusOf>;

/** The corpus, where one is given. */
function corpusFor(
  params: DictionaryParameters,
  { model, vocabulary }: Pick<Outline, "model" | "vocabulary">,
): CorpusOfRun | undefined {
  const { corpus, tokensFile } = params;
  if (corpus === undefined && tokensFile === undefined) return undefined;
  return corpusOf(params, model.architecture, vocabulary);
}

const usual = ({ length }: CorpusOfRun, { maxTokens }: DictionaryParameters): number =>
  Math.min(length, maxTokens);

const sequences = (corpus: CorpusOfRun, params: DictionaryParameters): number =>
  Math.ceil(params.maxTokens / usual(corpus, params));

/** At most: for all of the tokens that are allowed. */
async function estimate(
  outline: Outline,
  params: DictionaryParameters,
  provided: Provided,
): Promise<Cost> {
  const { precision } = outline;
  const found = await outlineGiven(provided, params);
  const dictionary = onlyOf(singlesOf(found));
  const held = weightBytes(found, WIDTH[precision]);
  const corpus = corpusFor(params, outline);
  if (corpus === undefined) return timesCost([], 2 * held); // norms of a matrix are made of its squares
  const [length, count] = [usual(corpus, params), sequences(corpus, params)];
  return timesCost(
    [
      [sequenceCost(outline, length), 5 * count], // twice itself, spliced, zeroed, with the mean
      [encodeCost(dictionary, precision, length, { decoded: true }), count],
    ],
    held,
  );
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: DictionaryParameters,
): Promise<DictionaryResult> {
  const { engine, provided, signal } = subject;
  const found = await loadGiven(engine, provided, params, signal);
  try {
    return await measured(subject, onlyOf(singlesOf(found)), params);
  } finally {
    engine.free(found);
  }
}

async function measured<T extends Shaped>(
  { engine, model, vocabulary, signal, onProgress }: Subject<T>,
  dictionary: Dictionary<T>,
  params: DictionaryParameters,
): Promise<DictionaryResult> {
  const weights = await weightFacts(engine, dictionary);
  const dictionaryOf = dictionaryFacts(dictionary);
  const { corpus, tokensFile } = params;
  if (corpus === undefined && tokensFile === undefined) {
    return {
      ...computedResult("dictionary", engine, model, { warnings: dictionary.warnings }),
      ...{ dictionary: dictionaryOf, weights, corpus: null, tokens: null },
      ...{ l0: null, l0WithoutFirst: null, explainedVariance: null },
      ...{ explainedVarianceCentred: null, mse: null, cosine: null, l2Ratio: null },
      ...{ relativeReconstructionBias: null, loss: null, recovered: null },
      ...{ recoveredFromMean: null, kl: null, dead: null, density: null, formulas: FORMULAS },
    };
  }
  const read = reading(corpusOf(params, model.architecture, vocabulary), params.maxTokens, signal);
  const texts: (readonly number[])[] = [];
  for await (const text of read.texts()) texts.push(text);
  const {
    loss,
    warnings,
    site: _,
    ...got
  } = await evaluateDictionary(engine, model, dictionary, texts, {
    signal,
    onProgress: (progress) => onProgress({ ...progress, of: "text" }),
  });
  return {
    ...computedResult("dictionary", engine, model, {
      warnings: [...warnings, ...read.warnings()],
    }),
    ...{ dictionary: dictionaryOf, weights, corpus: read.facts(), tokens: got.tokens },
    l0: got.l0,
    l0WithoutFirst: got.l0WithoutFirst,
    explainedVariance: defined(got.explainedVariance),
    explainedVarianceCentred: defined(got.explainedVarianceCentred),
    mse: got.mse,
    cosine: defined(got.cosine),
    l2Ratio: defined(got.l2Ratio),
    relativeReconstructionBias: defined(got.relativeReconstructionBias),
    loss: Number.isNaN(loss.model) ? null : loss,
    recovered: defined(got.recovered),
    recoveredFromMean: defined(got.recoveredFromMean),
    kl: got.kl,
    dead: got.dead,
    density: got.density,
    formulas: got.formulas,
  };
}

/** A ratio of which the divisor was 0 is not defined. */
function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/**
 * The one that is measured.
 *
 * @throws InputError `dictionary/several`
 */
function onlyOf<T extends Shaped>(found: readonly Dictionary<T>[]): Dictionary<T> {
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  throw new InputError({
    code: "dictionary/several",
    message: `One dictionary is measured at a time, and there are ${found.length}.`,
    remedy: "Name one, or, where there is one for each layer, which: --layer 3.",
    details: { got: found.length },
  });
}
