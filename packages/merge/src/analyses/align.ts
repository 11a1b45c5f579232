import type { NewFolder } from "@resolvent/analysis";
import { type Analysis, defineAnalysis, type Outline, type Subject } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  modelParameter,
  newFolderParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import { type Cost, priced, type Shaped, sizeOf } from "@resolvent/tensor";
import { mapWeights, nextTokenLoss, run as runModel, tokenIds } from "@resolvent/transformer";
import { checkSameShape } from "../measure/index.ts";
import { batchSize } from "../measure/rows.ts";
import type { AlignmentResult } from "./align-result.ts";
import { alignSubject, drawnOutline } from "./align-run.ts";
import { ALIGN_TABLE_KINDS, alignAnswer, alignTables, alignViews } from "./align-tables.ts";
import { costs, weightBytes } from "./cost.ts";
import {
  type CorpusParameters,
  corpusOutline,
  corpusParameters,
  readCorpus,
} from "./measured-corpus.ts";

interface AlignParameters extends CorpusParameters {
  readonly other: string;
  readonly by: AlignmentResult["by"];
  readonly signs: boolean;
  readonly rotations: boolean;
  readonly dtype?: "F32" | "F64" | undefined;
  readonly first: "residual" | "layers";
  readonly sweeps: number;
  readonly points: number;
  readonly out?: NewFolder | undefined;
}

/** One model brought near another by the symmetries that leave what it computes as it is. */
export const alignAnalysis: Analysis<AlignParameters, AlignmentResult> = defineAnalysis<
  AlignParameters,
  AlignmentResult
>({
  name: "align",
  summary: "puts a second model in the order in which it is nearest the first",
  description:
    "Finds the order of heads, neurons and residual basis in which another model is nearest MODEL, by its weights or by its activations on a corpus, and, as a second stage, rotations; shows by logits that it computes the same; and reports what that gained, in either direction: the objective by stage and, with a corpus, the loss barrier before and after.",
  params: parameters(
    {
      other: modelParameter("the model that is put in order", { argument: true }),
      by: choiceParameter(
        "what is matched: weights, or activations on a corpus",
        [...(["weights", "activations"] as const)],
        { default: "weights" },
      ),
      ...corpusParameters("corpus for activations, and for the barrier before and after"),
      signs: flagParameter("also match the signs of the residual basis, which RMSNorm leaves free"),
      rotations: flagParameter(
        "as a second stage, also turn bases: the residual stream's where the norms allow it, and those within heads",
      ),
      dtype: choiceParameter(
        "what tensors that rotations change are written in; default: each as it is stored",
        ["F32", "F64"],
        { optional: true },
      ),
      first: choiceParameter("what a sweep over the weights begins with", ["residual", "layers"], {
        default: "residual",
      }),
      sweeps: countParameter("most sweeps of a stage", {
        ...{ default: 100, least: 1, most: 10_000, title: "n" },
      }),
      points: countParameter("points of the path for the barrier, both ends included", {
        ...{ default: 11, least: 2, most: 1001, title: "n" },
      }),
      out: newFolderParameter("folder to write the aligned model to; default: it is not kept"),
    },
    [
      {
        parameter: "by",
        passes: ({ by, corpus, tokensFile }) =>
          by === "weights" || corpus !== undefined || tokensFile !== undefined,
        message: "Activations are matched on a corpus (--corpus or --tokens-file)",
      },
      {
        parameter: "dtype",
        passes: ({ dtype, rotations }) => dtype === undefined || rotations,
        message: "Only rotations change numbers: an order moves them as they are stored",
      },
    ],
  ),
  examples: [
    "path/to/a path/to/b",
    "path/to/a path/to/b --by activations --corpus tales.txt --out aligned",
    "path/to/a path/to/b --rotations --dtype F64 --tokens-file ids.txt --json",
  ],
  needs: ({ rotations }) =>
    rotations ? ["layers", "folders", "linearAlgebra"] : ["layers", "folders"],
  mayNeed: ["layers", "folders", "linearAlgebra"],
  float64: true,
  estimate,
  run,
  tables: alignTables,
  tableKinds: ALIGN_TABLE_KINDS,
  answer: alignAnswer,
  views: alignViews,
});

const hasCorpus = ({ corpus, tokensFile }: AlignParameters): boolean =>
  corpus !== undefined || tokensFile !== undefined;

/** Sweeps that a matching takes, mostly at most. */
const USUAL_SWEEPS = 10;

function estimate(
  { model, models, vocabulary, precision }: Outline,
  params: AlignParameters,
): Cost {
  checkSameShape(model, ...Object.values(models ?? {}));
  const { length, sequences } = hasCorpus(params)
    ? corpusOutline(params, model.architecture, vocabulary)
    : drawnOutline(model);
  const size = Math.min(sequences, batchSize(length, model.architecture.vocab));
  const batch = Array.from({ length: size }, () => new Array<number>(length).fill(0));
  const passes = priced(precision, (ops) =>
    nextTokenLoss(ops, runModel(ops, model, batch).logits, tokenIds(batch)),
  );
  // By plain loops or on the engine, a sweep multiplies each tensor with the other's along the residual basis, the heads and the neurons.
  let sweep = 0;
  mapWeights(model, (weight) => {
    const { d_model = 0, d_mlp = 0, kv_head = 0, group = 1 } = weight.shape;
    sweep += 2 * sizeOf(weight.shape) * (d_model + d_mlp + kv_head * group);
    return weight;
  });
  const matching = priced(precision, () => {});
  const swept = {
    ...matching,
    ...{ flops: sweep, matmulFlops: sweep, peakBytes: 0 },
  };
  const runs = hasCorpus(params) ? 2 * params.points + 2 : 2;
  const stages = (params.by === "weights" ? 1 : 0) + (params.rotations ? 1 : 0);
  // The aligned model: its file, on the engine, and, on the way, a merge with it.
  const held =
    weightBytes(model, params.rotations ? "f64" : "f32") + 2 * weightBytes(model, precision);
  return costs(
    [
      [swept, stages * Math.min(params.sweeps, USUAL_SWEEPS)],
      [passes, runs * (sequences / size)],
    ],
    held,
  );
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: AlignParameters,
): Promise<AlignmentResult> {
  const { model, vocabulary, signal, onProgress } = subject;
  const { by, signs, rotations, dtype, first, sweeps, points, seed, out } = params;
  const corpus = hasCorpus(params)
    ? await readCorpus(params, model.architecture, vocabulary, {
        signal,
        onSequence: (found) => onProgress({ done: found, total: found, of: "sequence" }),
      })
    : undefined;
  return await alignSubject(subject, corpus, {
    ...{ by, signs, rotations, dtype, first, sweeps, points, seed, out },
  });
}
