import { computedResult } from "@resolvent/analysis";
import type { Engine, Precision, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { countsOf, type Sample } from "./corpus.ts";
import { degreeDistances } from "./degrees.ts";
import { curvatureOf, defectOf } from "./local.ts";
import type { Pair, SitePair } from "./pairs.ts";
import { klOf, lossOf, sufficesOf, top1Of } from "./readout.ts";
import type { AffineMap } from "./regression.ts";
import {
  type BlockLinearity,
  type BlockMeasure,
  type LinearityResult,
  RESIDUAL_LABELS,
} from "./result.ts";
import { scoresOf } from "./score.ts";
import { bootstrap, type Estimate, type Estimator, type Tally } from "./tally.ts";
import { warningsOf } from "./warnings.ts";

/** What was measured, as a result. */
export function reportOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  {
    pairs,
    maps,
    between,
    tally,
    settings,
    sample,
    input,
    fit,
    scored,
  }: {
    readonly pairs: readonly Pair[];
    readonly maps: ReadonlyMap<Pair, AffineMap>;
    readonly between: readonly SitePair[];
    readonly tally: Tally;
    readonly settings: LinearityResult["settings"];
    readonly sample: Sample;
    readonly input: Pick<LinearityResult["input"], "corpus" | "length" | "maxTokens">;
    readonly fit: Sample["sequences"];
    readonly scored: Sample["sequences"];
  },
): LinearityResult {
  const estimate = bootstrap(tally, scored.length, settings);
  const counts = { fit: countsOf(fit), scored: countsOf(scored) };
  const kinds = (kind: Pair["kind"]): Pair[] => pairs.filter((pair) => pair.kind === kind);
  const ranks = (pair: Pair): Pick<AffineMap, "rank" | "effectiveRank"> => {
    const { rank, effectiveRank } = maps.get(pair) as AffineMap; // one for each pair
    return { rank, effectiveRank };
  };
  const { found, cut, short } = sample;
  const blocks = kinds("block").map((pair) => ({
    block: pair.name,
    ...shown(measuresOf(pair, estimate, engine.precision)),
    ...ranks(pair),
  })) satisfies BlockLinearity[];
  const warnings = warningsOf({
    split: settings.split,
    d_model: model.architecture.d_model,
    ...counts,
    sample,
    length: input.length,
    blocks,
  });
  return {
    ...computedResult("linearity", engine, model, { warnings }),
    tokens: counts.scored.tokens,
    labels: RESIDUAL_LABELS,
    input: { ...input, found, cut, short, ...counts },
    settings,
    loss: estimate(lossOf("model")).value,
    blocks,
    layers: kinds("layer").map((pair, layer) => ({
      layer,
      ...shown({ ...scoresOf(pair, estimate, engine.precision) }),
      ...ranks(pair),
    })),
    between: kinds("between").map((pair, i) => ({
      from: between[i]?.from ?? pair.from, // by the names that were given
      to: between[i]?.to ?? pair.name,
      ...shown({ ...scoresOf(pair, estimate, engine.precision) }),
      ...ranks(pair),
    })),
    degrees: degreeDistances(estimate, settings.maxDegree + 1).map(({ degree, ...distances }) => ({
      degree,
      ...shown(distances),
    })),
  };
}

function measuresOf(
  pair: Pair,
  estimate: Estimator,
  precision: Precision,
): Record<BlockMeasure, Estimate> {
  const { name, from } = pair;
  const [loss, replaced] = [lossOf("model"), lossOf(`${name} replaced`)];
  return {
    ...scoresOf(pair, estimate, precision),
    superpositionDefect: estimate(defectOf(name)),
    stepToMean: estimate(curvatureOf(name, "mean", precision)),
    stepToToken: estimate(curvatureOf(name, "token", precision)),
    lossChange: estimate((sums) => {
      const [after, before] = [replaced(sums), loss(sums)];
      return after === null || before === null ? null : after - before;
    }),
    replacedKl: estimate(klOf(`${name} replaced`)),
    replacedTop1: estimate(top1Of(`${name} replaced`)),
    replacedSuffices: estimate(sufficesOf(`${name} replaced`)),
    logitLensKl: estimate(klOf(`${from} logit`)),
    logitLensTop1: estimate(top1Of(`${from} logit`)),
    affineLensKl: estimate(klOf(`${from} affine`)),
    affineLensTop1: estimate(top1Of(`${from} affine`)),
    tunedLensKl: estimate(klOf(`${from} tuned`)),
    tunedLensTop1: estimate(top1Of(`${from} tuned`)),
  };
}

/** Estimates as their values, and their intervals under the same names. */
export function shown<K extends string>(
  estimates: Readonly<Record<K, Estimate>>,
): Record<K, number | null> & { intervals: Record<K, Estimate["interval"]> } {
  const part = <V>(of: (estimate: Estimate) => V): Record<K, V> =>
    Object.fromEntries(
      Object.entries<Estimate>(estimates).map(([name, one]) => [name, of(one)]),
    ) as Record<K, V>; // the same names
  return { ...part(({ value }) => value), intervals: part(({ interval }) => interval) };
}
