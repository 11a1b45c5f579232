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
  const { bos: token = 0 } = model.architecture;
  const { logits, residual } = run(engine, model, [token]);
  const { data } = await engine.read(logits);
  const { embed, final, stages } = model;
  engine.free({ embed, final, logits, residual });
  if (!stream) engine.free([...stages]); // others are freed as they are read
  let finite = 0;
  for (const logit of data) if (Number.isFinite(logit)) finite++;
  if (finite === data.length) return;
  throw refuse(
    "no-model",
    `${folder.name}: of the ${data.length} logits after the token ${token}, ${data.length - finite} are not finite. Its weights are finite, and what it computes is not.`,
    "Take smaller weights or a smaller lambda, or write bfloat16 or float32 where float16 was written; --no-verify writes it as it is.",
    { folder: folder.name, logits: data.length, finite },
  );
}
