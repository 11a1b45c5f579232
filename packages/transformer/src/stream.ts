import type { Block, Stages } from "./model.ts";

/**
 * Stages that are read, layer by layer, when they are reached, and freed when the next layer is asked for or
 * the one who asks stops.
 *
 * @param length how many stages all layers have
 */
export function streamed<T>(
  read: (layer: number) => readonly (readonly Block<T>[])[],
  layers: number,
  length: number,
  free: (stage: readonly Block<T>[]) => void,
): Stages<T> {
  return {
    length,
    *[Symbol.iterator]() {
      for (let layer = 0; layer < layers; layer++) {
        const stages = read(layer);
        try {
          yield* stages;
        } finally {
          stages.forEach(free);
        }
      }
    },
  };
}
