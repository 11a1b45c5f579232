import type { Engine, Shaped } from "@resolvent/tensor";
import { loadModel, run } from "@resolvent/transformer";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import { refuse } from "./refuse.ts";

/**
 * Loads a model's folder, one layer at a time where its files can be read while a computation waits, and runs one token: a
 * result that does this is a model. For `verify` of `writeMerge`.
 *
 * @throws InputError `merge/no-model` where a logit is not finite, and what `loadModel` throws
 */
export async function forwardCheck<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
): Promise<void> {
  const { files } = await openCheckpoint(folder);
  const stream = [...files.values()].every(({ source }) => source.readNow !== undefined);
  const model = await loadModel(engine, folder, { stream, hash: false });
  const { logits, residual } = run(engine, model, [model.architecture.bos ?? 0]);
  const { data } = await engine.read(logits);
  const { embed, final, stages } = model;
  engine.free({ embed, final, logits, residual });
  if (!stream) engine.free([...stages]); // others are freed as they are read
  if (data.every(Number.isFinite)) return;
  throw refuse(
    "no-model",
    `${folder.name}: logits of a first token are not finite.`,
    "The merge is no model: its numbers are finite, and what it computes is not.",
    { folder: folder.name },
  );
}
