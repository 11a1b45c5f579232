import type { MergeModel } from "../model.ts";
import { mergeBytes } from "../output.ts";
import type { MergePlan } from "../plan.ts";
import type { MergeCost } from "./merge-result.ts";

/** Bytes of the blocks that are read ahead, computed and written at a time, on as many threads as are useful. */
const BLOCKS = 144 * 2 ** 20;

/** What a plan reads, writes and holds, from headers alone. */
export function mergeCost(plan: MergePlan, models: ReadonlyMap<string, MergeModel>): MergeCost {
  const { read, written } = mergeBytes(plan, models);
  return { read, written, memory: Math.min(BLOCKS, 2 * (read + written)) };
}
