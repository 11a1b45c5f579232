import type { Engine, Shaped } from "@resolvent/tensor";
import { loadModel, run } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { refuse } from "../refuse.ts";

/**
 * Loads a model's folder, one layer at a time, and runs one token: a result that does this is a model. For
 * `verify` of `writeMerge`.
 *
 * @throws InputError `merge/no-model` where a logit is not finite, and what `loadModel` throws
 */
export async function forwardCheck<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
): Promise<void> {
  const model = await loadModel(engine, folder, { stream: true, hash: false });
  const { logits, residual } = run(engine, model, [model.architecture.bos ?? 0]);
  const { data } = await engine.read(logits);
  engine.free({ embed: model.embed, final: model.final, logits, residual }); // layers are freed as they are read
  if (data.every(Number.isFinite)) return;
  throw refuse(
    "no-model",
    `${folder.name}: logits of a first token are not finite.`,
    "The merge is no model: its numbers are finite, and what it computes is not.",
    { folder: folder.name },
  );
}
