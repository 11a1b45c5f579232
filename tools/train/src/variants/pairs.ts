import { combineModels, linearPath, lossBarrier, type ModelPart } from "@resolvent/merge/measure";
import type { Shaped, SyncEngine } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { type MeasuredModel, measureModel, type Trial } from "./measuring.ts";

/** The loss on a path between two models. */
interface MeasuredBarrier {
  /** On held-out tales, nats. */
  readonly tales: number;
  /** On a quarter of the texts of each kind, together. */
  readonly all: number;
}

/** What was measured of two models and of merges of them. */
export interface MeasuredPair {
  readonly first: string;
  readonly second: string;
  /** Along `(1−α)·first + α·second`, at 11 points. */
  readonly barrier: MeasuredBarrier;
  /** `first / 2 + second / 2` */
  readonly mean: MeasuredModel;
  /** Task arithmetic with `TASK_WEIGHT`: `tales + w (first − tales) + w (second − tales)`; of fine-tunes. */
  readonly tasks?: MeasuredModel;
}

/** Which pairs are measured: one that merges well, one that interferes, and a hopeless one. */
export const PAIRS: readonly (readonly [first: string, second: string])[] = [
  ["tales-colours", "tales-rows"],
  ["tales-colours", "tales-recoloured"],
  ["tales", "tales-other-seed"],
  ["tales", "tales-permuted"],
];

/** The weight of each fine-tune in task arithmetic. */
export const TASK_WEIGHT = 0.7;

/** Measures two of the models. */
export async function measurePair<T extends Shaped>(
  engine: SyncEngine<T>,
  models: ReadonlyMap<string, Model<T>>,
  [first, second]: readonly [string, string],
  trial: Trial,
): Promise<MeasuredPair> {
  const of = (name: string): Model<T> => models.get(name) as Model<T>; // `PAIRS` names those that there are
  const merged = (parts: readonly ModelPart<T>[]): MeasuredModel => {
    const model = combineModels(engine, parts);
    try {
      return measureModel(engine, model, trial);
    } finally {
      engine.free(model);
    }
  };
  const path = linearPath(engine, of(first), of(second));
  const barrier = async (rows: readonly (readonly number[])[]): Promise<number> =>
    (await lossBarrier(engine, path, rows)).barrier;
  const quarters = Object.values(trial.texts).flatMap((rows) =>
    rows.slice(0, Math.ceil(rows.length / 4)),
  );
  const tuned = first !== "tales";
  return {
    ...{ first, second },
    barrier: {
      tales: await barrier(trial.texts.tales),
      all: await barrier(quarters),
    },
    mean: merged([
      { model: of(first), factor: 0.5 },
      { model: of(second), factor: 0.5 },
    ]),
    ...(tuned && {
      tasks: merged([
        { model: of("tales"), factor: 1 - 2 * TASK_WEIGHT },
        { model: of(first), factor: TASK_WEIGHT },
        { model: of(second), factor: TASK_WEIGHT },
      ]),
    }),
  };
}
