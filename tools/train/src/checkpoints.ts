import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { InputError, type Shaped, type SyncEngine } from "@resolvent/tensor";
import { openCheckpoint } from "@resolvent/weights";
import {
  fileSource,
  holdFolder,
  isHold,
  removeLeft,
  writeSafetensorsFile,
} from "@resolvent/weights/node";
import { adamWStart } from "./adam-w.ts";
import type { KeptTraining } from "./kept-training.ts";
import type { Parameters } from "./parameters.ts";
import { replaceFolder } from "./replaced-folder.ts";
import { jsonText, type Shapes, tensorsOf } from "./stored.ts";
import { type Trained, trainSteps } from "./training.ts";

/** Whose checkpoints a folder holds. */
const RECIPE = "recipe.json";
/** What training goes on from: parameters and moments, after the last checkpoint. */
const STATE = "state.safetensors";
const PARTS = ["parameters", "first", "second"] as const;

/** The folder of a checkpoint, whose name tells its step: `step-128`. */
export function checkpointName(step: number): string {
  return `step-${step}`;
}

/**
 * Steps of which checkpoints are kept: from the first to the last, both of them among these, evenly spaced on a scale of
 * powers of two as far as whole numbers are.
 */
export function logSteps(first: number, last: number, perDoubling: number): number[] {
  const count = Math.ceil(Math.log2(last / first) * perDoubling);
  const steps = Array.from({ length: count }, (_, i) => Math.round(first * 2 ** (i / perDoubling)));
  return [...new Set([...steps.filter((step) => step < last), last])];
}

/**
 * Trains, and keeps checkpoints in a folder: `step-128/config.json`, `model.safetensors` and the files that go with it.
 * A training that was interrupted goes on after its last checkpoint, and learns the same to the last bit; one that has
 * the last of the steps is done.
 *
 * @param steps of which checkpoints are kept; training ends with the last
 * @throws InputError `train/other-training` where the folder holds checkpoints of another training,
 *   `train/other-files` where it holds anything else, `train/busy` where another process trains into it; what `train` throws
 */
export async function keepCheckpoints<T extends Shaped>(
  engine: SyncEngine<T>,
  folder: string,
  training: KeptTraining<T>,
  steps: readonly number[],
): Promise<void> {
  const letGo = await holdFolder(folder);
  if (letGo === undefined) {
    throw new InputError({
      code: "train/busy",
      message: `Another process trains into ${folder}.`,
      remedy: "Wait until it has ended, or name another folder.",
      details: { folder },
    });
  }
  try {
    await removeLeft(folder);
    await claimed(folder, training);
    await goOn(engine, folder, training, steps);
  } finally {
    await letGo();
  }
}

async function goOn<T extends Shaped>(
  engine: SyncEngine<T>,
  folder: string,
  training: KeptTraining<T>,
  steps: readonly number[],
): Promise<void> {
  const last = Math.max(...steps);
  const fresh = training.start();
  const shapes: Shapes = new Map([...fresh].map(([name, { shape }]) => [name, shape]));
  const saved = await savedIn(folder, engine, shapes);
  if (saved !== undefined) engine.free(fresh);
  let at = saved ?? { step: 0, state: adamWStart(engine, fresh) };
  try {
    if (at.step >= last) return;
    for (const next of trainSteps(engine, at, training.batches(), training.options)) {
      at = next;
      await setImmediate(); // others are to see that we are at work
      if (!steps.includes(at.step)) continue;
      await writeCheckpoint(folder, engine, at, { training, shapes });
      await writeState(folder, engine, at, shapes);
      if (at.step >= last) return;
    }
  } finally {
    engine.free(at.state);
  }
}

/** Makes the folder this training's, unless it is that already. */
async function claimed<T>(folder: string, { recipe }: KeptTraining<T>): Promise<void> {
  const own = jsonText(recipe);
  const [names, found] = await Promise.all([
    readdir(folder),
    readFile(join(folder, RECIPE), "utf8").catch(() => undefined), // it has none
  ]);
  const files = names.filter((name) => !isHold(name));
  if (found === own) return;
  if (found === undefined && files.length === 0) return await writeFile(join(folder, RECIPE), own);
  throw new InputError({
    code: found === undefined ? "train/other-files" : "train/other-training",
    message: `${folder} holds ${found === undefined ? `${files[0]}, and no ${RECIPE}` : "checkpoints by another recipe"}.`,
    remedy: "Name a folder of its own.",
    details: { folder, files },
  });
}

async function writeCheckpoint<T extends Shaped>(
  folder: string,
  engine: SyncEngine<T>,
  { step, state }: Trained<T>,
  {
    training: { options, files },
    shapes,
  }: { readonly training: KeptTraining<T>; readonly shapes: Shapes },
): Promise<void> {
  const tensors = tensorsOf(engine, state.parameters, { shapes });
  // A checkpoint is there as a whole or not at all.
  await replaceFolder(join(folder, checkpointName(step)), async (fresh) => {
    await writeSafetensorsFile(join(fresh, "model.safetensors"), tensors, {
      metadata: { format: "pt" },
    });
    for (const [name, value] of Object.entries({ "config.json": options.config, ...files })) {
      await writeFile(join(fresh, name), jsonText(value));
    }
  });
}

async function writeState<T extends Shaped>(
  folder: string,
  engine: SyncEngine<T>,
  { step, state }: Trained<T>,
  shapes: Shapes,
): Promise<void> {
  const tensors = PARTS.flatMap((part) =>
    tensorsOf(engine, state[part], { prefix: `${part}/`, shapes }),
  );
  await writeSafetensorsFile(join(folder, STATE), tensors, {
    metadata: { step: String(step) },
    overwrite: true,
  });
}

/** What a folder's training goes on from; undefined where it has no checkpoint yet. */
async function savedIn<T extends Shaped>(
  folder: string,
  engine: SyncEngine<T>,
  shapes: Shapes,
): Promise<Trained<T> | undefined> {
  if (!(await readdir(folder)).includes(STATE)) return undefined;
  const stored = await openCheckpoint(fileSource(join(folder, STATE)));
  const [file] = stored.files.values();
  const partOf = async (part: (typeof PARTS)[number]): Promise<Parameters<T>> => {
    const values = new Map<string, T>();
    for (const [name, shape] of shapes) {
      const numbers = await stored.numbers(`${part}/${name}`, "f32");
      values.set(name, engine.constant(shape, numbers));
    }
    return values;
  };
  return {
    step: Number(file?.metadata.step),
    state: {
      parameters: await partOf("parameters"),
      first: await partOf("first"),
      second: await partOf("second"),
    },
  };
}
