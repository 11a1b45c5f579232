import {
  certificateFor,
  type ModelIdentity,
  modelIdentity,
  promptResult,
  targetFacts,
  type Vocabulary,
  type Warning,
} from "@resolvent/analysis";
import { GATES } from "@resolvent/expansion";
import { pathsError } from "@resolvent/paths";
import type { Engine, Shaped } from "@resolvent/tensor";
import { likeliestTarget, type Model, run, type Target } from "@resolvent/transformer";
import {
  combineModels,
  compareHeads,
  comparePaths,
  compareTensors,
  crossTaskLinearity,
  type DegreeLinearity,
  degreeLinearity,
  type MeasureOptions,
  type NamedTensorComparison,
} from "../measure/index.ts";
import type { Merged } from "../measure/merged.ts";
import type { OpenMergeModel } from "../model.ts";
import type { ComparedTensor, ComparisonResult } from "./compare-result.ts";
import type { MeasuredCorpus } from "./measured-corpus.ts";

/** Two models on an engine, and what they were merged to, where that is given. */
export interface ComparedModels<T extends Shaped> {
  readonly first: Model<T>;
  readonly second: Model<T>;
  readonly merge: Model<T> | undefined;
  readonly alpha: number;
  /** What both were trained from, where that is said. */
  readonly base?: ModelIdentity | undefined;
}

/** The files of the models. */
export interface ComparedFiles {
  readonly first: OpenMergeModel;
  readonly second: OpenMergeModel;
  readonly base?: OpenMergeModel | undefined;
}

export interface CompareOptions {
  readonly target: Target | undefined;
  readonly level: ComparisonResult["level"];
  readonly top: number;
  readonly threshold: number;
  readonly maxDegree: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { done: number; total: number; of: string }) => void;
  /** The worst error of the sums in float64; default not asked for. */
  readonly certify?: (target: Target) => Promise<number | null>;
}

/**
 * Uses two models and their merge: the one that is given, or the mean of their weights, which is made for it and freed
 * afterwards.
 */
async function withMerge<T extends Shaped, R>(
  engine: Engine<T>,
  { first, second, merge, alpha }: ComparedModels<T>,
  use: (merged: Merged<T>) => Promise<R>,
): Promise<R> {
  if (merge !== undefined) return await use({ first, second, merge, alpha });
  const parts = [
    { model: first, factor: 1 - alpha },
    { model: second, factor: alpha },
  ];
  const mean = combineModels(engine, parts);
  try {
    return await use({ first, second, merge: mean, alpha });
  } finally {
    engine.free(mean);
  }
}

/** Everything that is said of two models of one shape and of their merge. */
export async function compareModels<T extends Shaped>(
  engine: Engine<T>,
  models: ComparedModels<T>,
  files: ComparedFiles,
  texts: {
    readonly prompt: readonly number[];
    readonly corpus: MeasuredCorpus | undefined;
    readonly vocabulary: Vocabulary;
  },
  options: CompareOptions,
): Promise<ComparisonResult> {
  const { first, second } = models;
  const { prompt, corpus, vocabulary } = texts;
  const { signal, level, threshold, top } = options;
  const work = (of: string): MeasureOptions => ({
    signal,
    onProgress: (progress) => options.onProgress({ ...progress, of }),
  });
  const tensors = await compareTensors(files.first, files.second, {
    ...work("tensor"),
    ...(files.base !== undefined && { base: files.base }),
  });
  return await withMerge(engine, models, async (merged) => {
    const rows = corpus?.rows ?? [prompt];
    const { embed, blocks, logits } = await crossTaskLinearity(
      engine,
      merged,
      rows,
      work("batch of blocks"),
    );
    const heads = await compareHeads(engine, merged, rows, work("batch of heads"));
    const { tree, paths } = await spectra(engine, merged, prompt, options);
    const target = options.target ?? (await likeliest(engine, first, prompt));
    const found = await comparePaths(engine, first, second, prompt, {
      ...work("model"),
      ...{ target, level, top, threshold, text: vocabulary.text },
      merge: { model: merged.merge, alpha: merged.alpha },
    });
    const sums = { first: found.first, second: found.second, merge: found.merge ?? found.first };
    const errors = [
      ...[tree, paths].flatMap(({ relativeError }) => Object.values(relativeError)),
      ...Object.values(sums).map(({ relativeError }) => relativeError),
    ];
    const float64 = engine.precision === "f64" ? null : ((await options.certify?.(target)) ?? null);
    const identity = models.merge === undefined ? null : modelIdentity(models.merge);
    const value = sums.first.total + sums.first.constant;
    return {
      ...promptResult("comparison", engine, first, prompt, {
        ...{ text: vocabulary.text, freeze: GATES },
        warnings: [...(corpus?.warnings ?? []), ...searched(sums)],
      }),
      certificate: certificateFor(engine.precision, worstOf(errors), { float64 }),
      other: modelIdentity(second),
      base: models.base ?? null,
      merge: {
        name: identity?.name ?? null,
        sha256: identity?.sha256 ?? null,
        alpha: merged.alpha,
      },
      tensorsOf: files.base === undefined ? "weights" : "deltas",
      tensors: tensors.map(comparedTensor),
      corpus: corpus?.facts ?? null,
      embed,
      blocks: blocks.map(({ block, stream, write }) => ({ block, ...stream, write })),
      logits,
      heads,
      degrees: {
        tree: tree.degrees,
        paths: paths.degrees,
        above:
          tree.remainder === null || paths.remainder === null
            ? null
            : { tree: tree.remainder, paths: paths.remainder },
        total: paths.total,
      },
      target: targetFacts(target, value, vocabulary.text),
      ...{ level, threshold, paths: found.paths, sums },
    };
  });
}

/** The worst error of the sums that a comparison claims, for its certificate. */
export async function comparisonError<T extends Shaped>(
  engine: Engine<T>,
  models: ComparedModels<T>,
  prompt: readonly number[],
  target: Target,
  options: Pick<CompareOptions, "maxDegree" | "signal" | "onProgress">,
): Promise<number | null> {
  return await withMerge(engine, models, async (merged) => {
    const { tree, paths } = await spectra(engine, merged, prompt, options);
    const errors = [tree, paths].flatMap(({ relativeError }) => Object.values(relativeError));
    for (const model of [merged.first, merged.second, merged.merge]) {
      options.signal.throwIfAborted();
      errors.push(await pathsError(engine, model, prompt, target));
    }
    return worstOf(errors);
  });
}

async function spectra<T extends Shaped>(
  engine: Engine<T>,
  merged: Merged<T>,
  prompt: readonly number[],
  { maxDegree, signal, onProgress }: Pick<CompareOptions, "maxDegree" | "signal" | "onProgress">,
): Promise<{ readonly tree: DegreeLinearity; readonly paths: DegreeLinearity }> {
  const common = { maxDegree, signal };
  const tree = await degreeLinearity(engine, merged, prompt, { ...common, freeze: [] });
  onProgress({ done: 1, total: 2, of: "expansion" });
  const paths = await degreeLinearity(engine, merged, prompt, common);
  onProgress({ done: 2, total: 2, of: "expansion" });
  return { tree, paths };
}

/** The largest of some errors; null where one has nothing to be relative to. What is not a number is larger than all. */
function worstOf(errors: readonly (number | null)[]): number | null {
  let worst = 0;
  for (const error of errors) {
    if (error === null) return null;
    if (!(error <= worst)) worst = error;
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}

async function likeliest<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  prompt: readonly number[],
): Promise<Target> {
  const { logits, residual } = run(engine, model, prompt);
  try {
    return await likeliestTarget(engine, logits);
  } finally {
    engine.free({ logits, residual });
  }
}

function comparedTensor({ name, deltas, ...own }: NamedTensorComparison): ComparedTensor {
  const { cosine, angle, normRatio, normFirst, normSecond, bothThere } = own;
  const { signConflict, signConflictWeighted } = own;
  const weights = { cosine, angle, normRatio };
  const by = {
    ...weights,
    ...{ normFirst, normSecond, both: bothThere, signConflict, signConflictWeighted },
  };
  if (deltas === null) {
    return { name, entries: own.entries, ...by, weights, slerpIsLinear: own.slerpIsLinear };
  }
  const { bothChanged: both, ...changed } = deltas;
  return {
    ...{ name, entries: own.entries, ...changed, both, weights },
    slerpIsLinear: own.slerpIsLinear,
  };
}

/** Which of the models' lists are not shown to have the largest paths. */
function searched(sums: ComparisonResult["sums"]): Warning[] {
  const some = Object.values(sums).filter(({ exhaustive }) => !exhaustive);
  if (some.length === 0) return [];
  return [
    {
      code: "not-exhaustive",
      message: `The paths of ${some.map(({ name }) => name).join(", ")} were found by search and are not shown to be the largest.`,
    },
  ];
}
