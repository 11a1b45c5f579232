import {
  type Analysis,
  type ByParameter,
  defineAnalysis,
  modelIdentity,
  modelOf,
  namedTarget,
  type Prompt,
  type Subject,
  type TokenName,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  modelParameter,
  numberParameter,
  parameters,
  promptParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import type { Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { checkSameShape } from "../measure/index.ts";
import { openMergeModel } from "../model.ts";
import { compareCost } from "./compare-cost.ts";
import type { ComparisonResult } from "./compare-result.ts";
import { type ComparedModels, compareModels, comparisonError } from "./compare-run.ts";
import { COMPARE_TABLE_KINDS, compareTables } from "./compare-tables.ts";
import { compareAnswer, compareViews } from "./compare-views.ts";
import {
  type CorpusParameters,
  corpusOutline,
  corpusParameters,
  readCorpus,
} from "./measured-corpus.ts";

interface CompareParameters extends CorpusParameters {
  readonly other: string;
  readonly prompt: Prompt;
  readonly merge?: string | undefined;
  readonly alpha: number;
  readonly base?: string | undefined;
  readonly target?: readonly TokenName[] | undefined;
  readonly level: ComparisonResult["level"];
  readonly top: number;
  readonly threshold: number;
  readonly maxDegree?: number | undefined;
}

/** Two models of one shape, and their merge, beside each other. */
export const compareAnalysis: Analysis<CompareParameters, ComparisonResult> = defineAnalysis<
  CompareParameters,
  ComparisonResult
>({
  name: "compare",
  summary: "two models of one shape, and their merge: by degree, path, block, head and tensor",
  description:
    "Compares MODEL with another of its shape, and both with their merge: at which path degrees the merge is the merge of its parts, which paths appear, vanish or flip, how far each block's and head's activations are from the mean, and by tensor angle, norm ratio and sign conflict. Without a merge, the mean of the weights at alpha is made in memory.",
  params: parameters({
    other: modelParameter("the second model", { argument: true }),
    prompt: promptParameter("text to read"),
    merge: modelParameter("a merge of the two; default: the mean of their weights at alpha", {
      optional: true,
    }),
    alpha: numberParameter("how much of the second model is in the merge", { default: 0.5 }),
    base: modelParameter("the model that both were trained from, for what training changed", {
      optional: true,
    }),
    target: targetParameter(),
    level: choiceParameter("steps of a path: whole blocks, or heads and MLPs", ["block", "head"], {
      default: "block",
      title: "level",
    }),
    top: countParameter("number of largest paths of each model", {
      ...{ default: 20, most: 10_000, title: "n" },
    }),
    threshold: numberParameter(
      "a path is there where its effect is at least this share of the largest in that model",
      { default: 0.01, least: 0, below: 1, title: "share" },
    ),
    maxDegree: countParameter("highest degree told apart; default: all", {
      ...{ optional: true, title: "k" },
    }),
    ...corpusParameters("what blocks and heads are compared on in place of the prompt"),
  }),
  examples: [
    'path/to/a path/to/b --prompt "Once upon a time"',
    "path/to/a path/to/b --base path/to/start --merge path/to/merge --alpha 0.5 --tokens 1,403,407 --json",
  ],
  needs: ["layers", "folders"],
  float64: true,
  estimate: ({ model, vocabulary, precision, models }, params) => {
    const named = Object.values(models ?? {});
    checkSameShape(model, ...named);
    const { level, maxDegree, merge, target } = params;
    if (target !== undefined) namedTarget(model, target, vocabulary);
    const prompt = vocabulary.encode(params.prompt);
    const rows = hasCorpus(params)
      ? corpusOutline(params, model.architecture, vocabulary)
      : { length: prompt.length, sequences: 1 };
    const made = merge === undefined;
    return compareCost({ model, precision }, prompt, { level, maxDegree, made, rows });
  },
  run,
  tables: compareTables,
  tableKinds: COMPARE_TABLE_KINDS,
  answer: compareAnswer,
  views: compareViews,
});

function hasCorpus({ corpus, tokensFile }: CompareParameters): boolean {
  return corpus !== undefined || tokensFile !== undefined;
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: CompareParameters,
): Promise<ComparisonResult> {
  const { engine, model, models, folders, vocabulary, signal, onProgress, inFloat64 } = subject;
  const { level, top, threshold, maxDegree, base } = params;
  const prompt = vocabulary.encode(params.prompt);
  const files = {
    first: await openMergeModel(modelOf(folders, "model")),
    second: await openMergeModel(modelOf(folders, "other")),
    base: base === undefined ? undefined : await openMergeModel(modelOf(folders, "base")),
  };
  const corpus = hasCorpus(params)
    ? await readCorpus(params, model.architecture, vocabulary, {
        signal,
        onSequence: (found) => onProgress({ done: found, total: found, of: "sequence" }),
      })
    : undefined;
  const target = params.target && namedTarget(model, params.target, vocabulary);
  const own = {
    ...compared(model, models, params),
    base: base === undefined ? undefined : modelIdentity(modelOf(models, "base")),
  };
  return await compareModels(
    engine,
    own,
    files,
    { prompt, corpus, vocabulary },
    {
      ...{ target, level, top, threshold, maxDegree, signal, onProgress },
      ...(inFloat64 !== undefined && {
        certify: (chosen) =>
          inFloat64((engine64, model64, models64) =>
            comparisonError(engine64, compared(model64, models64, params), prompt, chosen, {
              ...{ maxDegree, signal, onProgress },
            }),
          ),
      }),
    },
  );
}

function compared<T extends Shaped>(
  first: Model<T>,
  models: ByParameter<Model<T>> | undefined,
  { merge, alpha }: CompareParameters,
): ComparedModels<T> {
  return {
    first,
    second: modelOf(models, "other"),
    merge: merge === undefined ? undefined : modelOf(models, "merge"),
    alpha,
  };
}
