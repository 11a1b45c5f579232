import { type Engine, readNumber, type Shaped, using } from "@resolvent/tensor";
import { type Model, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";
import { combineModels } from "./combine-models.ts";
import { batchesOf } from "./rows.ts";

/** A way between two models: `θ(0)` is the first, `θ(1)` the second. Its models are new tensors of the engine. */
export type ModelPath<T extends Shaped> = (alpha: number) => Model<T>;

/** A point of a path. */
export interface BarrierPoint {
  readonly alpha: number;
  /** Mean next-token loss in nats. */
  readonly loss: number;
  /** `L(θ_α) − ((1−α)L(θ₀) + αL(θ₁))` */
  readonly excess: number;
}

/** The loss along a path between two models. */
export interface Barrier {
  readonly points: readonly BarrierPoint[];
  /** The largest excess; never below 0, which it is at both ends. */
  readonly barrier: number;
  /** Where it is. */
  readonly at: number;
  /** How far the largest loss is above that of the worse end; 0 where it is at an end. */
  readonly aboveWorseEnd: number;
}

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export interface BarrierOptions extends MeasureOptions {
  /** Points of the path, rising from 0 to 1; default 11, evenly. */
  readonly alphas?: readonly number[];
}

/** `θ(α) = (1−α)θ₀ + αθ₁`. */
export function linearPath<T extends Shaped>(
  engine: Engine<T>,
  first: Model<T>,
  second: Model<T>,
): ModelPath<T> {
  return (alpha) =>
    combineModels(engine, [
      { model: first, factor: 1 - alpha },
      { model: second, factor: alpha },
    ]);
}

/**
 * The loss barrier on a path between two models (Frankle et al. 2020, arXiv 1912.05671; Entezari et al. 2022, arXiv
 * 2110.06296): `max_α L(θ_α) − ((1−α)L(θ₀) + αL(θ₁))`, over points that have both ends.
 *
 * ```ts
 * const { barrier, at } = await lossBarrier(cpu, linearPath(cpu, a, b), rows);
 * ```
 *
 * @throws InputError `merge/alphas`, `merge/no-rows`, what a run throws; the signal's reason where it is aborted
 */
export async function lossBarrier<T extends Shaped>(
  engine: Engine<T>,
  path: ModelPath<T>,
  rows: readonly (readonly number[])[],
  options: BarrierOptions = {},
): Promise<Barrier> {
  const { alphas = Array.from({ length: 11 }, (_, i) => i / 10), signal, onProgress } = options;
  const rising = alphas.every((alpha, i) => i === 0 || alpha > (alphas[i - 1] ?? 0));
  if (alphas[0] !== 0 || alphas.at(-1) !== 1 || !rising) {
    throw refuse(
      "alphas",
      `Points of a path should rise from 0 to 1, got ${alphas.slice(0, 6).join(", ")}${alphas.length > 6 ? ", …" : ""}.`,
      "Without both ends there is nothing that a loss could be above.",
      { got: alphas },
    );
  }
  const losses: number[] = [];
  for (const alpha of alphas) {
    signal?.throwIfAborted();
    losses.push(
      await using(
        engine,
        () => path(alpha),
        (model) => meanLoss(engine, model, rows, { signal }),
      ),
    );
    onProgress?.({ done: losses.length, total: alphas.length });
  }
  const [start = Number.NaN, end = Number.NaN] = [losses[0], losses.at(-1)];
  const points = alphas.map((alpha, i): BarrierPoint => {
    const loss = losses[i] as number; // one for each
    const ends = i === 0 || i === alphas.length - 1; // exactly 0, whatever rounding says
    return { alpha, loss, excess: ends ? 0 : loss - ((1 - alpha) * start + alpha * end) };
  });
  const { excess: barrier, alpha: at } = points.reduce((a, b) => (b.excess > a.excess ? b : a));
  return { points, barrier, at, aboveWorseEnd: Math.max(...losses) - Math.max(start, end) };
}

/** Losses of `base + u (a − base) + v (b − base)`: `losses[i][j]` at `u[i]`, `v[j]`. */
export interface LossGrid {
  readonly u: readonly number[];
  readonly v: readonly number[];
  readonly losses: readonly (readonly number[])[];
}

/**
 * The loss over a grid of two task vectors.
 *
 * @throws InputError `merge/no-rows`, what a run throws; the signal's reason where it is aborted
 */
export async function lossGrid<T extends Shaped>(
  engine: Engine<T>,
  models: { readonly base: Model<T>; readonly first: Model<T>; readonly second: Model<T> },
  rows: readonly (readonly number[])[],
  options: MeasureOptions & { readonly u?: readonly number[]; readonly v?: readonly number[] } = {},
): Promise<LossGrid> {
  const { u = [0, 0.25, 0.5, 0.75, 1], v = u, signal, onProgress } = options;
  const { base, first, second } = models;
  const losses: number[][] = [];
  for (const [i, along] of u.entries()) {
    const row: number[] = [];
    losses.push(row);
    for (const across of v) {
      signal?.throwIfAborted();
      const parts = [
        { model: base, factor: 1 - along - across },
        { model: first, factor: along },
        { model: second, factor: across },
      ];
      row.push(
        await using(
          engine,
          () => combineModels(engine, parts),
          (model) => meanLoss(engine, model, rows, { signal }),
        ),
      );
      onProgress?.({ done: i * v.length + row.length, total: u.length * v.length });
    }
  }
  return { u, v, losses };
}

/**
 * Mean next-token loss in nats over all predicted positions of all rows.
 *
 * @throws InputError `merge/no-rows`, `transformer/too-short` for a row of one token, and what a run throws
 */
export async function meanLoss<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number> {
  let sum = 0;
  let count = 0;
  for (const batch of batchesOf(rows, model.architecture.vocab)) {
    signal?.throwIfAborted();
    const predicted = batch.reduce((many, row) => many + row.length - 1, 0);
    const loss = await using(
      engine,
      () => nextTokenLoss(engine, run(engine, model, batch).logits, tokenIds(batch)),
      (mean) => readNumber(engine, mean),
    );
    sum += loss * predicted;
    count += predicted;
  }
  return sum / count;
}
