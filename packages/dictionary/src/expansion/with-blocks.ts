import type { Shaped } from "@resolvent/tensor";
import type { Block, Model } from "@resolvent/transformer";

/** The model with other blocks in the places of some. */
export function withBlocks<T extends Shaped>(
  model: Model<T>,
  others: ReadonlyMap<string, Block<T>>,
): Model<T> {
  const stages = [...model.stages].map((stage) =>
    stage.map((block) => others.get(block.name) ?? block),
  );
  return { ...model, stages };
}
