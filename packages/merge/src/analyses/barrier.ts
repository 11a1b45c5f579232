import {
  type Analysis,
  computedResult,
  defineAnalysis,
  modelIdentity,
  modelOf,
  type Outline,
  type Subject,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  modelParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import { type Cost, priced, type Shaped } from "@resolvent/tensor";
import { nextTokenLoss, run as runModel, tokenIds } from "@resolvent/transformer";
import {
  checkSameShape,
  combineModels,
  linearPath,
  lossBarrier,
  lossGrid,
  type ModelPath,
  readWeights,
  storedPath,
} from "../measure/index.ts";
import { batchSize } from "../measure/rows.ts";
import { nuslerp, slerp } from "../methods/index.ts";
import { openMergeModel } from "../model.ts";
import { type BarrierResult, PATH_METHODS, type PathMethod } from "./barrier-result.ts";
import {
  BARRIER_TABLE_KINDS,
  barrierAnswer,
  barrierTables,
  barrierViews,
} from "./barrier-tables.ts";
import { costs, weightBytes } from "./cost.ts";
import {
  type CorpusParameters,
  corpusOutline,
  corpusParameters,
  readCorpus,
} from "./measured-corpus.ts";

interface BarrierParameters extends CorpusParameters {
  readonly other: string;
  readonly points: number;
  readonly method: PathMethod;
  readonly base?: string | undefined;
  readonly grid?: number | undefined;
}

/** Points of a grid along each task vector, where nothing is said. */
const GRID = 5;

/** The loss barrier on a path between two models, and over a grid of two task vectors. */
export const barrierAnalysis: Analysis<BarrierParameters, BarrierResult> = defineAnalysis<
  BarrierParameters,
  BarrierResult
>({
  name: "barrier",
  summary: "the loss along a path between two models, and the barrier on it",
  description:
    "Measures on a corpus the next-token loss of merges between MODEL and another of its shape, from all of the first to all of the second, and how far it rises above the line between the ends. With the model that both were trained from, also the loss over a grid of their two task vectors.",
  params: parameters(
    {
      other: modelParameter("the second model", { argument: true }),
      ...corpusParameters("corpus that losses are measured on"),
      points: countParameter("points of the path, both ends included", {
        ...{ default: 11, least: 2, most: 1001, title: "n" },
      }),
      method: choiceParameter("how a point of the path is merged from the two", PATH_METHODS, {
        default: "linear",
      }),
      base: modelParameter("the model that both were trained from: adds a grid of task vectors", {
        optional: true,
      }),
      grid: countParameter(`points of that grid along each task vector; default: ${GRID}`, {
        ...{ optional: true, least: 2, most: 101, title: "n" },
      }),
    },
    [
      {
        parameter: "grid",
        passes: ({ grid, base }) => grid === undefined || base !== undefined,
        message: "A grid of task vectors needs the model that both were trained from (--base)",
      },
    ],
  ),
  examples: [
    "path/to/a path/to/b --tokens-file ids.txt --points 11",
    "path/to/a path/to/b --corpus tales.txt --method slerp --json",
    "path/to/a path/to/b --tokens-file ids.txt --base path/to/start --grid 5 --html barrier.html",
  ],
  needs: ({ method }) => (method === "linear" ? ["layers"] : ["layers", "folders"]),
  mayNeed: ["folders"],
  estimate,
  run,
  tables: barrierTables,
  tableKinds: BARRIER_TABLE_KINDS,
  answer: barrierAnswer,
  views: barrierViews,
});

function estimate(
  { model, models, vocabulary, precision }: Outline,
  params: BarrierParameters,
): Cost {
  checkSameShape(model, ...Object.values(models ?? {}));
  const { length, sequences } = corpusOutline(params, model.architecture, vocabulary);
  const { points, method, base, grid = GRID } = params;
  const size = Math.min(sequences, batchSize(length, model.architecture.vocab));
  const batch = Array.from({ length: size }, () => new Array<number>(length).fill(0));
  const passes = priced(precision, (ops) =>
    nextTokenLoss(ops, runModel(ops, model, batch).logits, tokenIds(batch)),
  );
  const mean = (many: number): Cost =>
    priced(precision, (ops) =>
      combineModels(
        ops,
        Array.from({ length: many }, () => ({ model, factor: 1 / many })),
      ),
    );
  const over = base === undefined ? 0 : grid ** 2;
  // Beside the engine, by other methods: all numbers of both models in float64.
  const stored = method === "linear" ? 0 : 2 * weightBytes(model, "f64");
  const held = weightBytes(model, precision) + stored;
  return costs(
    [
      [passes, (points + over) * (sequences / size)],
      [{ ...mean(2), peakBytes: 0 }, points],
      ...(over === 0 ? [] : [[{ ...mean(3), peakBytes: 0 }, over] as const]),
    ],
    held,
  );
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: BarrierParameters,
): Promise<BarrierResult> {
  const { engine, model, models, vocabulary, signal, onProgress } = subject;
  const second = modelOf(models, "other");
  const corpus = await readCorpus(params, model.architecture, vocabulary, {
    signal,
    onSequence: (found) => onProgress({ done: found, total: found, of: "sequence" }),
  });
  const { points: count, method, base: named, grid: many = GRID } = params;
  const work = (of: string) => ({
    signal,
    onProgress: (progress: { readonly done: number; readonly total: number }) =>
      onProgress({ ...progress, of }),
  });
  const along = await pathOf(subject, method);
  const found = await lossBarrier(engine, along, corpus.rows, {
    ...work("point"),
    alphas: evenly(count),
  });
  const losses = found.points.map(({ loss }) => loss);
  const [first, last] = [losses[0], losses.at(-1)] as [number, number]; // two points at least
  const best = found.points.reduce((least, point) => (point.loss < least.loss ? point : least));
  const base = named === undefined ? undefined : modelOf(models, "base");
  const grid =
    base === undefined
      ? null
      : await lossGrid(engine, { base, first: model, second }, corpus.rows, {
          ...work("point of the grid"),
          u: evenly(many),
        });
  return {
    ...computedResult("barrier", engine, model, { warnings: corpus.warnings }),
    other: modelIdentity(second),
    method,
    corpus: corpus.facts,
    ...found,
    ends: { first, second: last },
    best: {
      alpha: best.alpha,
      loss: best.loss,
      belowBetterEnd: Math.min(first, last) - best.loss,
    },
    grid: grid === null || base === undefined ? null : { ...grid, base: modelIdentity(base) },
  };
}

/** From 0 to 1. */
function evenly(points: number): number[] {
  return Array.from({ length: points }, (_, i) => i / (points - 1));
}

async function pathOf<T extends Shaped>(
  { engine, model, models, folders, signal }: Subject<T>,
  method: PathMethod,
): Promise<ModelPath<T>> {
  if (method === "linear") return linearPath(engine, model, modelOf(models, "other"));
  const weights = async (name: string) =>
    await readWeights(await openMergeModel(modelOf(folders, name)), { signal });
  const [a, b] = [await weights("model"), await weights("other")];
  return storedPath(engine, a, b, (x, y, alpha) => {
    if (method === "slerp") return slerp(x, y, alpha);
    const both = [
      { x, weight: 1 - alpha },
      { x: y, weight: alpha },
    ] as const;
    return nuslerp(both, { shape: [x.length] });
  });
}
