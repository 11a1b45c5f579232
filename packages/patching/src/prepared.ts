import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import { type Model, meanOverPositions, tokenIds } from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";
import type { PromptPair } from "./pairs.ts";
import { type PatchRun, patchRun } from "./patch-run.ts";
import { modelOf, type PromptModels } from "./prompt-models.ts";
import type { PatchReference, PatchSetting } from "./setting.ts";

/** The runs of a pair, and by how far sources are moved. */
export interface PreparedPair<T> {
  readonly clean: PatchRun<T>;
  readonly corrupt: PatchRun<T> | undefined;
  /** The run that is patched: the clean one to noise, the corrupt one to denoise. */
  readonly run: PatchRun<T>;
  /** What sources write in the reference: `source, pos, d_model`. */
  readonly reference: T;
  /** `δ_s`: the reference's writes less the run's, `source, pos, d_model`. */
  readonly deltas: T;
  /** The reference run's residual stream less the run's: `pos, d_model`; undefined for zero and mean. */
  readonly shift: T | undefined;
}

/**
 * Runs both prompts of a pair, and finds the reference.
 *
 * @param means what `meanWrites` gave, for the reference mean
 */
export function preparePair<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T> | PromptModels<T>,
  graph: PatchGraph,
  pair: PromptPair,
  {
    reference,
    direction,
  }: { readonly reference: PatchReference; readonly direction: PatchSetting["direction"] },
  means: T | undefined,
): PreparedPair<T> {
  const runOf = (prompt: readonly number[]): PatchRun<T> =>
    patchRun(ops, modelOf(model, prompt), tokenIds(prompt), graph);
  const clean = runOf(pair.clean);
  const corrupt = pair.corrupt && runOf(pair.corrupt);
  if (reference.kind === "run" && corrupt !== undefined) {
    const [run, other] = direction === "noise" ? [clean, corrupt] : [corrupt, clean];
    const [from, to] = [run, other].map(({ streams }) => streams.at(-1) as T); // a run has its end
    const shift = ops.sub(to as T, from as T); // of two
    const deltas = ops.sub(other.writes, run.writes);
    return { clean, corrupt, run, reference: other.writes, deltas, shift };
  }
  const zeros = ops.fill(clean.writes.shape, 0);
  const writes = means === undefined ? zeros : ops.add(zeros, means);
  const deltas = ops.sub(writes, clean.writes);
  return { clean, corrupt, run: clean, reference: writes, deltas, shift: undefined };
}

/**
 * What sources write in the mean over all positions of some prompts: `source, d_model`.
 *
 * @throws InputError `transformer/no-reference` where they have no tokens
 */
export function meanWrites<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  graph: PatchGraph,
  prompts: readonly (readonly number[])[],
): T {
  const of = (ids: Ids): readonly [T] => [patchRun(ops, model, ids, graph).writes];
  return meanOverPositions(ops, prompts, of)[0] as T; // one of one
}
