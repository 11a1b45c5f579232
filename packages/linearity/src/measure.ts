import { type Checkpoint, type Progress, pause } from "@resolvent/analysis";
import type { Engine, LinearAlgebra, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { batchesOf, type Sample, type Split, splitOf } from "./corpus.ts";
import { CUTOFF, fitBatch, solveFits, startFits } from "./fit.ts";
import { type Lenses, lensesFrom, trainLenses } from "./lenses.ts";
import { pairsOf, type SitePair } from "./pairs.ts";
import { reportOf } from "./report.ts";
import type { LinearityResult } from "./result.ts";
import { mapTensors } from "./score.ts";
import { type PairMaps, scoreSequences } from "./scoring.ts";
import { checkState, digest, type LinearityState } from "./state.ts";
import { Tally } from "./tally.ts";

/** What states of this work begin with. */
const STATE = { kind: "linearity-state", version: 2 } as const;

/** Sequences of one length are run together up to this many tokens. */
export const BATCH_TOKENS = 512;

export interface LinearityOptions {
  readonly linearAlgebra: LinearAlgebra;
  /** What the corpus is called in the result; default `tokens`. */
  readonly corpus?: string;
  /** Tokens of a sequence, and of the sample, at most: for the result; default those of the sample. */
  readonly length?: number;
  readonly maxTokens?: number;
  /** `half` (default): maps are fit on every other sequence and scored on the rest; `none`: on all of them. */
  readonly split?: Split;
  /** Of the bootstrap; default 0. */
  readonly seed?: number;
  /** Draws of the bootstrap; default 200. */
  readonly draws?: number;
  /** Further pairs of sites to score. */
  readonly between?: readonly SitePair[];
  /** The highest degree of which tree and path expansion are compared; default that of the longest path. */
  readonly maxDegree?: number | undefined;
  /** Passes over the fitted sequences that the tuned lens is trained for; default 4. */
  readonly lensPasses?: number;
  /** Its rate at the start, from where it falls to zero; default 1e-3. */
  readonly lensRate?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly checkpoint?: Checkpoint | undefined;
  /** Milliseconds between two states that are kept, at least; default 10 000. */
  readonly keepEvery?: number;
}

/**
 * How far from linear a model is on a sample of a corpus: every measure of every block, layer, and degree.
 *
 * Three passes: the maps are fit, the lenses are trained, everything is scored. What is held between batches does
 * not grow with their number.
 *
 * @throws InputError `linearity/too-few-sequences`, `linearity/no-site`, `linearity/bad-site`,
 * `linearity/other-state`
 */
export async function measureLinearity<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  sample: Sample,
  options: LinearityOptions,
): Promise<LinearityResult> {
  const { split = "half", seed = 0, draws = 200, between = [], lensPasses = 4 } = options;
  const { lensRate = 1e-3, linearAlgebra, corpus = "tokens" } = options;
  const { architecture } = model;
  const longest = sample.sequences.reduce((most, ids) => Math.max(most, ids.length), 0);
  const { length = longest, maxTokens = sample.tokens } = options;
  const maxDegree = Math.min(options.maxDegree ?? model.stages.length, model.stages.length);
  const cutoff = CUTOFF[engine.precision];
  const settings = { split, seed, draws, cutoff, lensPasses, lensRate, maxDegree };
  const { fit, scored } = splitOf(sample.sequences, split);
  const pairs = pairsOf(architecture, between);
  const of = [
    model.sha256 ?? model.name,
    engine.precision,
    JSON.stringify({ settings, between }),
    digest(sample.sequences.flatMap((ids) => [ids.length, ...ids])),
  ].join(" ");

  const saved = checkState<LinearityState>(options.checkpoint?.saved, { ...STATE, of });
  const tally = new Tally(saved?.tally);
  const fits = startFits(linearAlgebra, pairs, architecture.d_model, saved?.fits);
  let lenses: Lenses<T> | undefined;
  const fitted = [...batchesOf(fit, BATCH_TOKENS)];
  const lessons = Array.from({ length: lensPasses }, () => fitted).flat();
  const batches = { fit: fitted, lens: lessons, score: [...batchesOf(scored, BATCH_TOKENS)] };
  const walk = walkOf(options, saved, batches, async () => ({
    of,
    fits: new Map([...fits].map(([from, { rows, triangle }]) => [from, { rows, triangle }])),
    lenses: (await lenses?.numbers()) ?? new Map(),
    tally: tally.state,
  }));

  await walk("fit", ({ rows }) => fitBatch(engine, model, rows, pairs, fits));
  const solved = solveFits(pairs, fits, cutoff);
  const maps: PairMaps<T> = new Map(
    [...solved].map(([pair, map]) => [pair, mapTensors(engine, map)]),
  );
  try {
    lenses = lensesFrom(engine, maps, saved?.lenses);
    const learning = lenses;
    await walk("lens", ({ rows }, at) =>
      trainLenses(engine, model, rows, learning, {
        step: at + 1,
        rate: lensRate * (1 - at / lessons.length),
      }),
    );
    await walk("score", ({ rows, first }) =>
      scoreSequences(engine, model, rows, { maps, lenses: learning, maxDegree, tally, first }),
    );
  } finally {
    engine.free([maps, lenses?.all()]);
  }
  return reportOf(engine, model, {
    pairs,
    maps: solved,
    between,
    tally,
    settings,
    sample,
    input: { corpus, length, maxTokens },
    fit,
    scored,
  });
}

type Batch = ReturnType<typeof batchesOf> extends Generator<infer B> ? B : never;
type Phase = LinearityState["phase"];
const PHASES: readonly Phase[] = ["fit", "lens", "score"];

/**
 * Goes through the batches of a phase but those that an earlier run has done; after each says how far it is, keeps a
 * state where it is time, and heeds an interruption.
 */
function walkOf(
  options: Pick<LinearityOptions, "checkpoint" | "signal" | "onProgress" | "keepEvery">,
  saved: LinearityState | undefined,
  batches: Readonly<Record<Phase, readonly Batch[]>>,
  stateOf: () => Promise<Pick<LinearityState, "of" | "fits" | "lenses" | "tally">>,
): (phase: Phase, work: (batch: Batch, at: number) => Promise<void>) => Promise<void> {
  const { checkpoint, signal, onProgress, keepEvery = 10_000 } = options;
  const count = (phases: readonly Phase[]): number =>
    phases.reduce((sum, phase) => sum + batches[phase].length, 0);
  const total = count(PHASES);
  let kept = performance.now();
  let took = 0;
  return async (phase, work) => {
    const behind = count(PHASES.slice(0, PHASES.indexOf(phase)));
    const reached = saved === undefined ? 0 : PHASES.indexOf(saved.phase) - PHASES.indexOf(phase);
    const skip = saved === undefined || reached < 0 ? 0 : reached > 0 ? total : saved.done;
    for (const [at, batch] of batches[phase].entries()) {
      if (at < skip) continue;
      await work(batch, at);
      onProgress?.({ done: behind + at + 1, total, of: "batch" });
      await pause();
      // Keeping the state of a large model takes seconds itself: no more than a twentieth of the time.
      const due = performance.now() - kept >= Math.max(keepEvery, 20 * took);
      if (checkpoint !== undefined && (due || signal?.aborted === true)) {
        const start = performance.now();
        const state = { ...(await stateOf()), phase, done: at + 1 };
        await checkpoint.save({ ...STATE, ...state } satisfies LinearityState);
        kept = performance.now();
        took = kept - start;
      }
      signal?.throwIfAborted();
    }
  };
}
