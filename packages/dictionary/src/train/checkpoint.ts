import { type Engine, InputError, type Shape, type Shaped, type Tensor } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import {
  decodeNumbers,
  encodeNumbers,
  type Folder,
  openSafetensors,
  type ReadOptions,
  readTensor,
  safetensorsChunks,
  type TensorToWrite,
} from "@resolvent/weights";
import { configOf } from "../config.ts";
import { badConfig } from "../refuse.ts";
import type { WriteFile } from "../save.ts";
import type { BufferState } from "./shuffle-buffer.ts";
import type { TrainingState } from "./step.ts";
import type { Factors } from "./trained-dictionary.ts";
import { type TrainedWeights, WEIGHT_NAMES, weightEntries } from "./weights.ts";

/** All that a training needs to go on as if it had not been interrupted: plain numbers, on the host. */
export interface TrainingCheckpoint {
  /** Settings, model and texts that it belongs to. */
  readonly belongsTo: string;
  readonly step: number;
  readonly threshold: number;
  readonly factors: Factors;
  /** Tokens since each feature was active. */
  readonly idle: Float64Array;
  readonly buffer: BufferState;
  /** Weights and Adam's moments: `weights.W_enc`, `first.W_enc`, `second.W_enc`, … */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const PARTS = ["weights", "first", "second"] as const;

/** The tensors of a state, on the host. */
export async function stateTensors<T extends Shaped>(
  engine: Engine<T>,
  state: TrainingState<T>,
): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const part of PARTS) {
    for (const [name, weight] of weightEntries(state[part]))
      tensors.set(`${part}.${name}`, await engine.read(weight));
  }
  return tensors;
}

/** A state from the tensors of a checkpoint. */
export function stateFrom<T extends Shaped>(
  engine: Engine<T>,
  { tensors, step, threshold }: TrainingCheckpoint,
): TrainingState<T> {
  return engine.scope(() => {
    const weights = (part: string): TrainedWeights<T> => {
      const found = WEIGHT_NAMES.flatMap((name) => {
        const tensor = tensors.get(`${part}.${name}`);
        return tensor === undefined ? [] : [[name, engine.constant(tensor.shape, tensor.data)]];
      });
      return Object.fromEntries(found) as unknown as TrainedWeights<T>; // those that were there
    };
    return {
      weights: weights("weights"),
      first: weights("first"),
      second: weights("second"),
      step,
      threshold,
    };
  });
}

const NUMBERS = "training.json";
const TENSORS = "training.safetensors";

/** Writes a checkpoint as two files, `training.json` and `training.safetensors`; nothing is rounded. */
export async function writeCheckpoint(
  checkpoint: TrainingCheckpoint,
  write: WriteFile,
): Promise<void> {
  const { tensors, idle, buffer, ...others } = checkpoint;
  const axes = Object.fromEntries(
    [...tensors].map(([name, { shape }]) => [name, Object.keys(shape)]),
  );
  const numbers = { ...others, buffer: { round: buffer.round, read: buffer.read }, axes };
  const stored: TensorToWrite[] = [...tensors].map(([name, { shape, data }]) => {
    const dtype = data instanceof Float32Array ? "F32" : "F64";
    return {
      name,
      dtype,
      shape: Object.values(shape),
      bytes: () => encodeNumbers(data, dtype, name),
    };
  });
  const plain = (name: string, data: ArrayLike<number>): TensorToWrite => ({
    name,
    dtype: "F64",
    shape: [data.length],
    bytes: () => encodeNumbers(data, "F64", name),
  });
  stored.push(plain("idle", idle), plain("origins", buffer.origins));
  await write(TENSORS, safetensorsChunks(stored));
  await write(NUMBERS, once(new TextEncoder().encode(`${JSON.stringify(numbers, null, 2)}\n`)));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * A checkpoint from its two files.
 *
 * @throws InputError `dictionary/no-checkpoint`, `dictionary/bad-config`, and what the readers of files throw
 */
export async function readCheckpoint(
  folder: Folder,
  options: ReadOptions = {},
): Promise<TrainingCheckpoint> {
  const numbers = await readJson(folder, NUMBERS, options);
  const source = await folder.open(TENSORS, options);
  if (numbers === undefined || source === undefined) {
    throw new InputError({
      code: "dictionary/no-checkpoint",
      message: `${folder.name} has no ${numbers === undefined ? NUMBERS : TENSORS}.`,
      remedy: "Name the folder that a checkpoint of a training was written to.",
      details: { folder: folder.name },
    });
  }
  const config = configOf(numbers, `${folder.name}/${NUMBERS}`);
  const needed = (from: typeof config, name: string): number => {
    const value = from.number(name);
    if (value === undefined) throw badConfig(from.name, name, "is missing.");
    return value;
  };
  const file = await openSafetensors(source, options);
  const read = async (name: string): Promise<Float64Array> =>
    decodeNumbers(await readTensor(file, name, options), "f64", `${source.name}: ${name}`);
  const axes = config.inside("axes");
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, dtype }] of file.tensors) {
    if (name === "idle" || name === "origins") continue;
    const named = axes.get(name);
    if (!Array.isArray(named) || named.length !== shape.length)
      throw badConfig(axes.name, name, "does not name the axes of its tensor.");
    const own: Shape = Object.fromEntries(shape.map((size, i) => [String(named[i]), size]));
    const values = await read(name);
    tensors.set(name, { shape: own, data: dtype === "F32" ? Float32Array.from(values) : values });
  }
  const [buffer, factors] = [config.inside("buffer"), config.inside("factors")];
  return {
    belongsTo: config.text("belongsTo") ?? "",
    step: needed(config, "step"),
    threshold: needed(config, "threshold"),
    factors: { input: needed(factors, "input"), target: needed(factors, "target") },
    idle: await read("idle"),
    buffer: {
      round: needed(buffer, "round"),
      read: needed(buffer, "read"),
      origins: Int32Array.from(await read("origins")),
    },
    tensors,
  };
}
