import { type Engine, InputError, type Shaped, using } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { ReadOptions } from "@resolvent/weights";
import type { Dictionary } from "../dictionary.ts";
import { siteText } from "../site.ts";
import { stateFrom, stateTensors, type TrainingCheckpoint } from "./checkpoint.ts";
import type { LossReport } from "./gradients.ts";
import { resample } from "./resample.ts";
import { rateAt, sparsityAt } from "./schedule.ts";
import { type Settled, settled, type TrainingSettings, warmedUp } from "./settings.ts";
import { type HostRows, shuffleBuffer } from "./shuffle-buffer.ts";
import { startWeights } from "./start-weights.ts";
import { freshState, type TrainingState, trainingStep } from "./step.ts";
import { type Factors, trainedDictionary } from "./trained-dictionary.ts";
import { type VectorSource, vectorSource } from "./vectors.ts";
import type { TrainingRows } from "./weights.ts";

/** What is told after each step. */
export interface TrainingProgress extends Omit<LossReport, "fired" | "smallestKept"> {
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  /** Rows that have been trained on. */
  readonly tokens: number;
  /** Features that have not been active for `deadAfter` tokens. */
  readonly dead: number;
  readonly rate: number;
  /** What coefficients of sparsity were multiplied with. */
  readonly sparsity: number;
  /** batchtopk's threshold after the step. */
  readonly threshold?: number;
}

export interface TrainDictionaryOptions extends TrainingSettings, Pick<ReadOptions, "signal"> {
  /** Where it gives a promise, that is waited for. */
  readonly onProgress?: (progress: TrainingProgress) => unknown;
  /** Steps between checkpoints; default none are made. */
  readonly checkpointEvery?: number;
  /** Is waited for. Where `signal` ends the training, it gets one more, of all steps that were taken. */
  readonly onCheckpoint?: (checkpoint: TrainingCheckpoint) => void | Promise<void>;
  /** Where to go on: the same settings, model and texts, or it is refused. */
  readonly from?: TrainingCheckpoint;
}

/** A dictionary, and the last that was told of its training. */
export interface TrainedDictionary<T extends Shaped> {
  /** Reads vectors as they are in the model; the caller frees it. */
  readonly dictionary: Dictionary<T>;
  /** Undefined where no step was left to take. */
  readonly last: TrainingProgress | undefined;
}

/**
 * Trains a dictionary on a site of a model: an autoencoder, or with `target` a transcoder. Activations are streamed from
 * texts, as token ids, through a buffer that shuffles; texts come again in another order when all have been read.
 *
 * ```ts
 * const { dictionary } = await trainDictionary(cpu, model, texts, {
 *   site: "L1.mlp.after",
 *   loss: { kind: "topk", k: 16, auxiliary: { weight: 1 / 32, k: 64 } },
 *   features: 1024,
 *   steps: 10_000,
 * });
 * ```
 *
 * What comes out depends on the settings, the seed, the model and the texts alone; a training that goes on from a
 * checkpoint gives the same bits as one that was not interrupted. Where it ends early, nothing stays in the engine.
 *
 * @throws InputError `dictionary/bad-setting`, `dictionary/not-savable`, `dictionary/no-site`, `dictionary/no-tokens`,
 * `dictionary/other-training`, `dictionary/diverged`, and what `run` throws
 */
export async function trainDictionary<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  texts: readonly (readonly number[])[],
  options: TrainDictionaryOptions,
): Promise<TrainedDictionary<T>> {
  const { signal, onProgress, from, checkpointEvery, onCheckpoint } = options;
  const source = vectorSource(engine, model, texts, options);
  const settings = settled(options, source.transcoder);
  const belongsTo = identity(engine, model, source, options, settings);
  if (from !== undefined && from.belongsTo !== belongsTo) throw otherTraining(from, belongsTo);

  const { objective, steps, batch, seed, deadAfter, beta1, beta2, clip } = settings;
  const size = Math.max(settings.buffer, batch);
  const buffer = await shuffleBuffer(source, { size, seed }, from?.buffer, signal);
  const first = from === undefined ? await buffer.all() : undefined;
  const factors = from?.factors ?? factorsOf(first as HostRows, settings); // one of the two
  const idle = from?.idle.slice() ?? new Float64Array(settings.features);
  let state =
    from === undefined
      ? startState(engine, settings, source, first as HostRows, factors)
      : stateFrom(engine, from);
  let last: TrainingProgress | undefined;
  const oneStep = async (
    rows: TrainingRows<T>,
    rate: number,
    sparsity: number,
  ): Promise<LossReport> => {
    const dead = deadOf(idle, deadAfter);
    const how = { rate, beta1, beta2, clip, dead };
    const moved = await trainingStep(engine, state, warmedUp(objective, sparsity), rows, how);
    state = moved.state;
    return moved.report;
  };
  const checkpoint = async (): Promise<void> => {
    if (onCheckpoint === undefined) return;
    const tensors = await stateTensors(engine, state);
    const { step, threshold } = state;
    await onCheckpoint({
      ...{ belongsTo, step, threshold, factors, tensors },
      idle: idle.slice(),
      buffer: buffer.state(),
    });
  };
  /** The rows of the next step; an end of the training that comes here finds nothing half done. */
  const nextRows = async (): Promise<HostRows> => {
    try {
      signal?.throwIfAborted();
      return await buffer.take(batch);
    } catch (error) {
      if (signal?.aborted) await checkpoint();
      throw error;
    }
  };
  try {
    while (state.step < steps) {
      const host = await nextRows();
      const step = state.step + 1;
      const [rate, sparsity] = [rateAt(step, settings), sparsityAt(step, settings)];
      const told = await using(
        engine,
        () => rowsOf(engine, host, factors),
        async (rows) => {
          const { fired, smallestKept: _, ...report } = await oneStep(rows, rate, sparsity);
          for (const [f, count] of fired.entries())
            idle[f] = count > 0 ? 0 : (idle[f] as number) + batch; // one for each feature
          const anew = begunAnew(settings, step, idle);
          if (anew.length > 0) {
            state = await resample(engine, state, objective.subtractsBias, rows, anew, seed);
            for (const f of anew) idle[f] = 0;
          }
          return report;
        },
      );
      last = {
        ...told,
        step,
        steps,
        tokens: step * batch,
        dead: deadOf(idle, deadAfter).length,
        rate,
        sparsity,
        ...(objective.loss.kind === "batchtopk" && { threshold: state.threshold }),
      };
      if (!Number.isFinite(told.loss)) throw diverged(last);
      await onProgress?.(last);
      if (checkpointEvery !== undefined && step % checkpointEvery === 0) {
        await checkpoint();
      }
    }
    const { input, output, transcoder } = source;
    const dictionary = trainedDictionary(engine, state, objective, factors, {
      name: siteText(input),
      ...{ input, output, transcoder },
      positions: options.positions,
    });
    return { dictionary, last };
  } finally {
    engine.free([state.weights, state.first, state.second]);
  }
}

/** The features that begin anew after a step. */
function begunAnew(
  { resampleEvery, steps, deadAfter }: Settled,
  step: number,
  idle: Float64Array,
): Int32Array {
  const due = resampleEvery !== undefined && step % resampleEvery === 0 && step < steps;
  return due ? deadOf(idle, deadAfter) : new Int32Array(0);
}

function deadOf(idle: Float64Array, after: number): Int32Array {
  return Int32Array.from([...idle.keys()].filter((f) => (idle[f] as number) >= after)); // its places
}

/** Rows on the host as a batch, scaled. */
function rowsOf<T extends Shaped>(
  engine: Engine<T>,
  { rows, input, target }: HostRows,
  factors: Factors,
): TrainingRows<T> {
  const matrix = (data: Float64Array, axis: string, factor: number): T => {
    const made = engine.constant({ row: rows, [axis]: data.length / rows }, data);
    return factor === 1 ? made : engine.scale(made, factor);
  };
  return {
    input: matrix(input, "d_in", factors.input),
    target: matrix(target ?? input, "d_out", factors.target),
  };
}

function factorsOf({ input, target, rows }: HostRows, { scaled }: Settled): Factors {
  if (!scaled) return { input: 1, target: 1 };
  const own = factorOf(input, rows);
  return { input: own, target: target === undefined ? own : factorOf(target, rows) };
}

/** `√d / mean ‖x‖` */
function factorOf(vectors: Float64Array, rows: number): number {
  const width = vectors.length / rows;
  let total = 0;
  for (let row = 0; row < rows; row++)
    total += Math.hypot(...vectors.subarray(row * width, (row + 1) * width));
  return total > 0 ? (Math.sqrt(width) * rows) / total : 1;
}

function startState<T extends Shaped>(
  engine: Engine<T>,
  { objective, features, skip, threshold, seed }: Settled,
  { transcoder }: VectorSource,
  { rows, input, target = input }: HostRows,
  factors: Factors,
): TrainingState<T> {
  const [d_in, d_out] = [input.length / rows, target.length / rows];
  const mean = new Float64Array(d_out);
  for (const [i, value] of target.entries())
    mean[i % d_out] = (mean[i % d_out] as number) + (value * factors.target) / rows; // below d_out
  return engine.scope(() =>
    freshState(
      engine,
      startWeights(engine, objective, {
        ...{ features, d_in, d_out, transcoder, skip, threshold, seed, mean },
      }),
    ),
  );
}

/** What a checkpoint has to agree with, as a text. */
function identity<T extends Shaped>(
  engine: Engine<T>,
  { sha256 }: Model<T>,
  { input, output, texts }: VectorSource,
  { positions }: TrainingSettings,
  settings: Settled,
): string {
  let mark = 0x811c9dc5; // FNV-1a
  const mix = (value: number): void => {
    mark = Math.imul(mark ^ value, 0x01000193);
  };
  for (const text of texts) {
    mix(text.length);
    for (const id of text) mix(id);
  }
  const { precision } = engine;
  return JSON.stringify({
    ...{ site: siteText(input), target: siteText(output), positions: positions ?? null },
    ...settings,
    ...{ model: sha256 ?? null, precision, texts: [texts.length, mark >>> 0] },
  });
}

function otherTraining({ belongsTo }: TrainingCheckpoint, own: string): InputError {
  return new InputError({
    code: "dictionary/other-training",
    message: `The checkpoint is of another training: it has ${belongsTo}, and this one ${own}.`,
    remedy:
      "Go on with the settings, the model, the texts and the precision that it was begun with.",
    details: { checkpoint: belongsTo, own },
  });
}

function diverged(last: TrainingProgress): InputError {
  return new InputError({
    code: "dictionary/diverged",
    message: `Step ${last.step}: loss ${last.loss}, gradient norm ${last.gradientNorm}.`,
    remedy: "Lower the learning rate, or warm up longer.",
    details: { step: last.step, loss: last.loss, gradientNorm: last.gradientNorm },
  });
}
