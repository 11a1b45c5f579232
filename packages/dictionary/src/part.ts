import type { Shaped } from "@resolvent/tensor";
import { type Model, type Site, stageOfLayer, upToStage } from "@resolvent/transformer";

/** The model without the layers that come after all of the sites. */
export function upTo<T extends Shaped>(model: Model<T>, sites: readonly Site[]): Model<T> {
  const { architecture } = model;
  const layers = sites.map((site) => Number(/^L(\d+)\./.exec(site)?.[1] ?? -1));
  const stages = stageOfLayer(architecture, Math.max(...layers) + 1);
  return upToStage(model, Math.min(stages, model.stages.length));
}
