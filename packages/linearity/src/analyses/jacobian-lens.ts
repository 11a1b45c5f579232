import {
  type Analysis,
  type Checkpoint,
  computedResult,
  corpusOf,
  defineAnalysis,
  type NewFile,
  type Outline,
  type Subject,
  type Warning,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  newFileParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import {
  type FitJacobianOptions,
  fitJacobianLens,
  type JacobianLens,
  type JacobianSums,
  jacobianLensChunks,
  jacobianLensCost,
  type LensDtype,
} from "@resolvent/expansion";
import { type Cost, InputError, priced, type Shaped } from "@resolvent/tensor";
import { plainSites, residualStream, tokenIds, unembed } from "@resolvent/transformer";
import { countsOf, type Sample, splitOf } from "../corpus.ts";
import type { JacobianLensResult } from "../jacobian/result.ts";
import { scoreJacobianLens } from "../jacobian/score-jacobian-lens.ts";
import { jacobianAnswer, jacobianTables, jacobianViews } from "../jacobian/tables.ts";
import { summed } from "../linearity-cost.ts";
import { checkState, digest } from "../state.ts";
import { counted, cutSequences, fewSequences } from "../warnings.ts";
import { drawn, type SampleParameters, sampleParameters } from "./sample-parameters.ts";

interface Parameters extends SampleParameters {
  readonly skip: number;
  readonly out?: NewFile | undefined;
  readonly dtype: LensDtype;
}

/** Milliseconds between two states that are kept, at least. */
const KEEP_EVERY = 10_000;

/** What states of this work begin with. */
const STATE = { kind: "jacobian-lens-state", version: 1 } as const;

/** What an interrupted fit goes on from. */
interface FitState {
  readonly kind: "jacobian-lens-state";
  readonly version: 1;
  /** What it belongs to: model, prompts, positions. */
  readonly of: string;
  readonly fitted: JacobianSums;
}

/** A Jacobian lens fitted on a corpus, measured beside the logit lens, and saved: `fitJacobianLens` as an analysis. */
export const jacobianLens: Analysis<Parameters, JacobianLensResult> = defineAnalysis<
  Parameters,
  JacobianLensResult
>({
  name: "jacobian-lens",
  summary: "fit a Jacobian lens: what streams become at the end, to first order, on average",
  description:
    "Fits a Jacobian lens of MODEL on a corpus: for each layer but the last the mean Jacobian from the stream behind it to the final stream, nothing frozen. Measures on other sequences how near what it reads is to the model's predictions, beside the logit lens, and writes it in the format of jlens. The command lens reads a prompt through it.",
  params: parameters({
    ...sampleParameters(),
    skip: countParameter("positions at the start of each sequence that are left out of the fit", {
      default: 16,
    }),
    out: newFileParameter("write the lens, as jlens saves it (.pt)"),
    dtype: choiceParameter("dtype of the file", ["f16", "f32"], { default: "f16" }),
  }),
  examples: [
    "tales --corpus tales.txt --max-tokens 4096 --out lens.pt",
    "path/to/model --corpus wiki.txt --max-tokens 25600 --out lens.pt --resume lens.state",
  ],
  needs: ["layers"], // Jacobians go backward
  resumable: true,
  estimate,
  run: fitted,
  tables: jacobianTables,
  tableKinds: ["jacobian-layer"],
  answer: jacobianAnswer,
  views: jacobianViews,
});

function estimate({ model, vocabulary, precision }: Outline, params: Parameters): Cost {
  const corpus = corpusOf(params, model.architecture, vocabulary);
  const { split, skip, maxTokens } = params;
  const length = Math.min(corpus.length, maxTokens);
  const prompts = Math.max(1, Math.floor((maxTokens / length) * (split === "half" ? 0.5 : 1)));
  const { layers } = model.architecture;
  const scoring = priced(precision, (ops) => {
    const ids = tokenIds(new Array<number>(length).fill(0));
    const stream = residualStream(ops, model, ids, plainSites());
    for (let i = 0; i < 2 * layers - 1; i++) {
      ops.scope(() => void unembed(ops, model, stream, plainSites()));
    }
  });
  return summed([
    [jacobianLensCost({ model, precision }, { length, prompts, skip }), 1],
    [scoring, prompts],
  ]);
}

async function fitted<T extends Shaped>(
  subject: Subject<T>,
  params: Parameters,
): Promise<JacobianLensResult> {
  const { engine, model, vocabulary, signal, onProgress } = subject;
  const { architecture } = model;
  const { split, skip, seed, draws, maxTokens, out, dtype } = params;
  const sample = await drawn(params, architecture, vocabulary, signal, (done) =>
    onProgress({ done, total: done, of: "sequence" }),
  );
  const { name: corpus, length } = corpusOf(params, architecture, vocabulary);
  const { fit: all, scored } = splitOf(sample.sequences, split);
  const fit = longEnough(all, skip);
  const total = fit.length + scored.length;
  const of = [model.sha256 ?? model.name, engine.precision, skip, digestOf(fit)].join(" ");
  const lens = await fitJacobianLens(engine, model, fit, {
    ...{ skip, signal },
    ...keeping(subject, of),
    onProgress: ({ done }) => onProgress({ done, total, of: "sequence" }),
  });
  const layers = await scoreJacobianLens(engine, model, lens, scored, {
    ...{ draws, seed, signal },
    onSequence: (done) => onProgress({ done: fit.length + done, total, of: "sequence" }),
  });
  if (out !== undefined) await written(lens, out, dtype);
  const leftOut = all.length - fit.length;
  const warnings = warningsOf({ split, skip, leftOut, scored, sample, length });
  return {
    ...computedResult("jacobian-lens", engine, model, { warnings }),
    input: {
      ...{ corpus, found: sample.found, length, maxTokens },
      ...{ fit: countsOf(fit), scored: countsOf(scored), leftOut },
    },
    settings: { split, seed, draws, skip },
    layers,
    saved: out === undefined ? null : { file: out.name, dtype },
  };
}

/** Sequences with a position that counts. */
function longEnough(sequences: Sample["sequences"], skip: number): Sample["sequences"] {
  const long = sequences.filter(({ length }) => length >= skip + 2);
  if (long.length > 0) return long;
  const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
  throw new InputError({
    code: "linearity/short-sequences",
    message: `The longest sequence to fit has ${longest} tokens; without the first ${skip} and the last none is left.`,
    remedy: "Give longer sequences (--length), or leave out fewer positions (--skip).",
    details: { longest, skip },
  });
}

/** Goes on from what was kept, and keeps what there is every ten seconds, and at an interruption. */
function keeping(
  {
    checkpoint,
    signal,
  }: { readonly checkpoint?: Checkpoint | undefined; readonly signal: AbortSignal },
  of: string,
): Pick<FitJacobianOptions, "from" | "onPrompt"> {
  if (checkpoint === undefined) return {};
  const saved = checkState<FitState>(checkpoint.saved, { ...STATE, of });
  let kept = performance.now();
  return {
    from: saved?.fitted,
    onPrompt: async (fitted) => {
      if (performance.now() - kept < KEEP_EVERY && !signal.aborted) return;
      await checkpoint.save({ ...STATE, of, fitted } satisfies FitState);
      kept = performance.now();
    },
  };
}

function digestOf(sequences: Sample["sequences"]): string {
  return digest(sequences.flatMap((ids) => [ids.length, ...ids]));
}

async function written(lens: JacobianLens, out: NewFile, dtype: LensDtype): Promise<void> {
  const { jacobians, d_model } = lens;
  const bytes = jacobians.size * d_model * d_model * (dtype === "f16" ? 2 : 4);
  await out.write(jacobianLensChunks(lens, dtype), bytes);
}

function warningsOf({
  split,
  skip,
  leftOut,
  scored,
  sample,
  length,
}: {
  readonly split: Parameters["split"];
  readonly skip: number;
  readonly leftOut: number;
  readonly scored: Sample["sequences"];
  readonly sample: Sample;
  readonly length: number;
}): Warning[] {
  const same = {
    code: "same-tokens",
    message: "Scored on the tokens that the lens was fit on (split none): it comes out too good.",
  };
  const short = {
    code: "short-sequences",
    message: `${counted(leftOut, "sequence")} left out of the fit: with ${skip + 1} tokens or fewer none has a position that counts.`,
  };
  return [
    ...(split === "none" ? [same] : []),
    ...fewSequences(countsOf(scored)),
    ...(leftOut > 0 ? [short] : []),
    ...cutSequences(sample, length),
  ];
}
