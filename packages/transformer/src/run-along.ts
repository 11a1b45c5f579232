import { foldOver, type Ids, type Ops, type Shaped } from "@resolvent/tensor";
import { embed } from "./embedding.ts";
import type { Block, Model } from "./model.ts";
import { afterStage } from "./residual-stream.ts";
import { noteRun, sharedRun } from "./shared-runs.ts";
import { plainSites, recording, type Site } from "./sites.ts";

/** What goes along with a run. */
export interface Companion<T, S> {
  /** @param embedding `x0`, which what is made of it copies */
  start(embedding: T): S;
  /** @param trace what was kept of this stage, at least; it is freed when the next begins */
  step(state: S, stage: readonly Block<T>[], trace: ReadonlyMap<Site, T>): S;
}

/**
 * A plain run with something that goes along, stage by stage, so that what it needs of the run, such as the gates of a
 * block, is there for the time of that block only: at 1,024 positions the patterns of GPT-2 small are 600 MB.
 *
 * @param chosen sites that `step` gets
 * @returns the final residual stream, and what went along
 */
export function runAlong<T extends Shaped, S>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  chosen: (site: Site) => boolean,
  { start, step }: Companion<T, S>,
): { readonly residual: T; readonly state: S } {
  return ops.scope(() => {
    // A run that is shared has been kept whole.
    const withStart = (site: Site): boolean => site === "embed" || chosen(site);
    const shared = sharedRun(ops, model, ids, withStart);
    if (shared !== undefined) {
      const { residual, trace } = shared;
      const first = start(trace.get("embed") as T); // it was chosen
      // Others may have asked for more, which must not be held here.
      const own = new Map([...trace].filter(([site]) => chosen(site)));
      const state = foldOver(ops, model.stages, first, (before, stage) => step(before, stage, own));
      return { residual: ops.scale(residual, 1), state };
    }
    const embedding = embed(ops, model, ids, plainSites());
    const first = { residual: embedding, state: start(embedding) };
    const end = foldOver(ops, model.stages, first, ({ residual, state }, stage) => {
      const trace = new Map<Site, T>();
      const sites = recording(plainSites<T>(), chosen, trace);
      return {
        residual: afterStage(ops, stage, residual, sites),
        state: step(state, stage, trace),
      };
    });
    noteRun(model, ids, withStart);
    return end;
  });
}
