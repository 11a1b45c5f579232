import { type Progress, pause } from "@resolvent/analysis";
import {
  type Cost,
  type Engine,
  InputError,
  type Precision,
  type Priced,
  priced,
  type Shaped,
} from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { JacobianLens } from "./jacobian-lens.ts";
import {
  type JacobianOptions,
  jacobianRows,
  promptJacobians,
  rowsAtOnce,
  SKIPPED,
  stageStreams,
} from "./prompt-jacobians.ts";

/** What has been added up of a fit: plain data, from which it goes on. */
export interface JacobianSums {
  readonly prompts: number;
  /** Sums over these prompts by layer, as in `JacobianLens`. */
  readonly sums: ReadonlyMap<number, Float64Array>;
}

export interface FitJacobianOptions extends JacobianOptions {
  /** Goes on from what was added up before: its prompts are passed over. */
  readonly from?: JacobianSums | undefined;
  /** Awaited after each prompt, and where one is interrupted, with what there is so far. */
  readonly onPrompt?: (sums: JacobianSums) => void | Promise<void>;
  readonly onProgress?: (progress: Omit<Progress, "of">) => void;
}

/**
 * Fits a Jacobian lens: the mean of the Jacobians of some prompts (`promptJacobians`), in float64 on the host.
 *
 * ```ts
 * const lens = await fitJacobianLens(cpu, model, prompts);
 * const { points } = await logitLens(cpu, model, ids, { through: { ...lens, name: "mine" } });
 * ```
 *
 * @throws InputError what `promptJacobians` throws; `expansion/no-prompts`; the signal's reason where it is aborted
 */
export async function fitJacobianLens<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  prompts: readonly (readonly number[])[],
  options: FitJacobianOptions = {},
): Promise<JacobianLens> {
  const { from, onPrompt, onProgress, signal } = options;
  if (prompts.length === 0) {
    throw new InputError({
      code: "expansion/no-prompts",
      message: "A Jacobian lens is a mean over prompts, got none.",
      remedy: "Give at least one.",
    });
  }
  const sums = new Map<number, Float64Array>(
    [...(from?.sums ?? [])].map(([layer, sum]) => [layer, sum.slice()]),
  );
  for (const [at, tokens] of prompts.entries()) {
    if (at < (from?.prompts ?? 0)) continue;
    const found = await promptJacobians(engine, model, tokens, options).catch(async (error) => {
      if (signal?.aborted && at > 0) await onPrompt?.({ prompts: at, sums });
      throw error;
    });
    for (const [layer, own] of found) {
      const sum = sums.get(layer);
      if (sum === undefined) sums.set(layer, own);
      else for (let i = 0; i < own.length; i++) sum[i] = (sum[i] ?? 0) + (own[i] ?? 0);
    }
    await onPrompt?.({ prompts: at + 1, sums });
    onProgress?.({ done: at + 1, total: prompts.length });
    await pause(signal);
  }
  return {
    d_model: model.architecture.d_model,
    prompts: prompts.length,
    jacobians: new Map(
      [...sums]
        .sort(([a], [b]) => a - b)
        .map(([layer, sum]) => [layer, sum.map((x) => x / prompts.length)]),
    ),
  };
}

/** What `fitJacobianLens` would take, from shapes alone: for prompts of one length. */
export function jacobianLensCost(
  { model, precision }: { readonly model: Model<Priced>; readonly precision: Precision },
  options: { readonly length: number; readonly prompts: number; readonly skip?: number },
): Cost {
  const { length, prompts, skip = SKIPPED } = options;
  const { d_model, layers } = model.architecture;
  const tokens = new Array<number>(Math.max(length, skip + 2)).fill(0);
  const one = priced(precision, (ops) => {
    const streams = stageStreams(ops, model, tokens);
    for (const rows of rowsAtOnce(precision, model, streams, { skip })) {
      ops.scope(() => void jacobianRows(ops, model, streams, { rows, skip }));
    }
  });
  const times = (x: number): number => x * prompts;
  return {
    flops: times(one.flops),
    matmulFlops: times(one.matmulFlops),
    bytesMoved: times(one.bytesMoved),
    // Beside the engine: the sums, and what is added to them.
    peakBytes: one.peakBytes + 2 * 8 * d_model * d_model * (layers - 1),
    calls: Object.fromEntries(Object.entries(one.calls).map(([name, n]) => [name, times(n)])),
  };
}
