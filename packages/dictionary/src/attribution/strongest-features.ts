import { pullBack } from "@resolvent/paths";
import { type Engine, type Shaped, sumOf } from "@resolvent/tensor";
import type { ActiveFeature } from "./active-features.ts";
import { tilesOf } from "./graph-sources.ts";
import { type ChosenLogit, explainedBy } from "./logits.ts";
import type { ReplacedRun } from "./replaced-run.ts";
import { logitTargets } from "./targets.ts";

/**
 * The features with the largest effects on the logits, by an estimate that needs one sweep: `Σ_v p_v |e_v|`, `e_v` what
 * logit v gets from the feature along all paths, through other features as well, the gates held.
 *
 * @returns as many as were asked for, in their order, and the others
 */
export async function strongestFeatures<T extends Shaped>(
  engine: Engine<T>,
  replaced: ReplacedRun<T>,
  logits: readonly ChosenLogit[],
  active: readonly ActiveFeature[],
  most: number,
): Promise<{ readonly chosen: ActiveFeature[]; readonly others: ActiveFeature[] }> {
  if (active.length <= most) return { chosen: [...active], others: [] };
  const { run, model, replacements } = replaced;
  const likely = logits.filter(({ probability }) => probability > 0);
  const weights = likely.map(({ probability }) => probability);
  const size = new Float64Array(active.length);
  const targets = engine.scope(() => logitTargets(engine, replaced, explainedBy(likely)));
  const places = new Map(replacements.map(({ layer }) => [layer, [] as number[]]));
  active.forEach(({ layer }, i) => {
    places.get(layer)?.push(i);
  });
  const stages = [...model.stages];
  const at = run.positions - 1;
  let state = engine.scope(() => {
    const ones = Array.from({ length: run.positions }, (_, pos) => (pos === at ? 1 : 0));
    const last = engine.constant({ pos: run.positions }, ones);
    return engine.arrange(engine.mul(targets.covectors, last), ["target", "pos", "d_model"]);
  });
  try {
    for (let stage = stages.length - 1; stage >= 0; stage--) {
      const own = replacements.find((one) => one.stage === stage);
      const indices = (own && places.get(own.layer)) ?? [];
      const tiles =
        own &&
        engine.scope(() =>
          tilesOf(
            engine,
            own,
            indices.flatMap((i) => active[i] ?? []),
          ),
        );
      if (tiles !== undefined) {
        const products = engine.scope(() => {
          const ids = {
            shape: { tile: tiles.positions.length },
            data: Int32Array.from(tiles.positions),
          };
          const there = engine.take(state, "pos", ids);
          return engine.matmul(there, tiles.values, ["d_model"], ["target", "tile", "unit"]);
        });
        const { data } = await engine.read(products);
        engine.free([products, tiles.values]);
        tiles.of.forEach((place, i) => {
          const feature = indices[place];
          if (feature === undefined) return;
          weights.forEach((weight, v) => {
            const effect = data[v * tiles.of.length + i] ?? 0;
            size[feature] = (size[feature] ?? 0) + weight * Math.abs(effect);
          });
        });
      }
      const after = state;
      state = engine.scope(() => {
        const pulled = (stages[stage] ?? []).map(
          (weights) =>
            pullBack(engine, run, { weights, part: undefined }, { values: after, at: undefined })
              .values,
        );
        return engine.arrange(sumOf(engine, [after, ...pulled]), ["target", "pos", "d_model"]);
      });
      engine.free(after);
    }
  } finally {
    engine.free([targets, state]);
  }
  const ranked = Array.from(size.keys()).sort((a, b) => (size[b] ?? 0) - (size[a] ?? 0) || a - b);
  const kept = new Set(ranked.slice(0, most));
  return {
    chosen: active.filter((_, i) => kept.has(i)),
    others: active.filter((_, i) => !kept.has(i)),
  };
}
