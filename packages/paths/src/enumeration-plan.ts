import { type Priced, type Shaped, sizeOf } from "@resolvent/tensor";
import { type Level, type Model, mapWeights, runCost } from "@resolvent/transformer";
import { type EnumerationPlan, planEnumeration } from "./enumerate.ts";
import type { FrozenRun } from "./frozen-run.ts";
import type { Readout } from "./readout.ts";
import { type Sources, sourceIds } from "./sources.ts";
import { stepsOf } from "./step.ts";

/** Enumerations of so many operations are made in any case: about a second. */
const ALWAYS = 3e10;
/** Paths, and numbers of their two sides, up to which all paths are made. */
const PATHS_AT_MOST = 2 ** 28;
const NUMBERS_AT_MOST = 2 ** 27;

/** How all paths would be made, and whether that can be afforded. */
export function planOf<T extends Shaped>(
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  readout: Readout<T>,
  { level, flops }: { readonly level: Level; readonly flops: number },
): { readonly plan: EnumerationPlan; readonly affordable: boolean } {
  const sizes = stepsOf(model, level).map((stage) => stage.length);
  const plan = planEnumeration(sizes, groupSizes(sources), readout.before);
  const entries = sizeOf(run.embedding.shape);
  const paths = plan.prefixes * plan.suffixes;
  const affordable =
    2 * paths * entries <= Math.max(ALWAYS, flops) &&
    (plan.prefixes + plan.suffixes) * entries <= NUMBERS_AT_MOST &&
    paths <= PATHS_AT_MOST;
  return { plan, affordable };
}

function groupSizes<T extends Shaped>(
  sources: readonly Sources<T>[],
): { readonly enters: number; readonly count: number }[] {
  return sources.map((group) => ({ enters: group.enters, count: sourceIds(group).length }));
}

/** Floating-point operations of a forward pass on the tokens of a run. */
export function passFlops<T extends Shaped>(model: Model<T>, run: FrozenRun<T>): number {
  const outline = mapWeights<T, Priced>(model, ({ shape }) => ({ shape, bytes: 0 }));
  return runCost(outline, Array.from(run.ids.data)).flops;
}
