import { type Engine, type Half, InputError, type Shape, type Shaped } from "@resolvent/tensor";
import {
  type ByteSource,
  bitsInto,
  type Dtype,
  decodeInto,
  decodeNumbers,
  nearestNames,
  openSafetensors,
  type RawTensor,
  type ReadOptions,
  readTensor,
} from "@resolvent/weights";
import { openNpz } from "@resolvent/weights/npz";
import { isTorchTensor, openTorch, type TorchTensor } from "@resolvent/weights/torch";
import { badConfig, badShape } from "./refuse.ts";

/** Tensors of a file by name, whatever its format. */
export interface Stored {
  readonly name: string;
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: Dtype; readonly shape: readonly number[] }
  >;
  read(tensor: string, options?: ReadOptions): Promise<RawTensor>;
}

export async function storedSafetensors(
  source: ByteSource,
  options?: ReadOptions,
): Promise<Stored> {
  const file = await openSafetensors(source, options);
  return {
    name: source.name,
    tensors: file.tensors,
    read: async (tensor, readOptions) => await readTensor(file, tensor, readOptions),
  };
}

export async function storedNpz(source: ByteSource, options?: ReadOptions): Promise<Stored> {
  const { tensors, read } = await openNpz(source, options);
  return { name: source.name, tensors, read };
}

/** The tensors of a state dict that torch has saved. */
export async function storedTorch(source: ByteSource, options?: ReadOptions): Promise<Stored> {
  const { value, read } = await openTorch(source, options);
  const tensors = new Map<string, TorchTensor>();
  for (const [key, tensor] of value instanceof Map ? value : []) {
    if (typeof key !== "string" || !isTorchTensor(tensor)) {
      const parts = value instanceof Map ? [...value.keys()].slice(0, 6).map(String) : [];
      throw badConfig(
        source.name,
        String(key),
        `is no tensor, among ${parts.join(", ")}: this is a checkpoint of a run that goes on, not a state dict.`,
      );
    }
    tensors.set(key, tensor);
  }
  if (tensors.size === 0)
    throw badConfig(source.name, "state dict", "is missing: the file holds no dict of tensors.");
  return {
    name: source.name,
    tensors,
    read: async (tensor, readOptions) =>
      await read(tensors.get(tensor) as TorchTensor, readOptions), // it is asked for by its own name
  };
}

/** Puts tensors of a file into an engine, each checked against the shape that it has to have. */
export interface Taking<T> {
  /** Whether only shapes are wanted: what is taken has no numbers to read back. */
  readonly shapes: boolean;
  has(tensor: string): boolean;
  /** Sizes of a tensor that has to be there, without reading it. */
  sizes(tensor: string): readonly number[];
  /** Its numbers in the engine, under the axes of `shape`, whose order is that in the file. */
  take(tensor: string, shape: Shape): Promise<T>;
  /** The same, changed on the way. */
  mapped(tensor: string, shape: Shape, change: (value: number) => number): Promise<T>;
  /** Its numbers on the host. */
  numbers(tensor: string, sizes: readonly number[]): Promise<Float64Array>;
  /** What nobody has taken means that the file is not what its config says. */
  finish(): void;
}

/** How tensors are taken. */
export interface TakeOptions extends ReadOptions {
  /** Whether matrices of F16 and BF16 take the engine's precision; default true. */
  readonly widen?: boolean;
  /** Hears of each tensor that is put into the engine, so that a dictionary that is refused leaves nothing there. */
  readonly taken?: (tensor: unknown) => void;
  /** Only shapes are wanted: large tensors are not read, and the engine makes none. */
  readonly shapes?: boolean;
}

/**
 * @throws InputError from what it gives: `dictionary/missing-tensor`, `dictionary/shape`, `dictionary/not-finite`,
 * `dictionary/unexpected-tensor`, `weights/unsupported-dtype`
 */
export function taking<T extends Shaped>(
  engine: Engine<T>,
  stored: Stored,
  options?: TakeOptions,
): Taking<T> {
  const { name } = stored;
  const used = new Set<string>();
  const has = (tensor: string): boolean => stored.tensors.has(tensor);
  const infoOf = (tensor: string): { readonly dtype: Dtype; readonly shape: readonly number[] } => {
    const info = stored.tensors.get(tensor);
    if (info !== undefined) return info;
    const near = nearestNames(tensor, stored.tensors.keys());
    throw new InputError({
      code: "dictionary/missing-tensor",
      message: `${name} has no tensor ${tensor}.`,
      remedy: `It has ${[...stored.tensors.keys()].slice(0, 12).join(", ")}: check that its config and its layout are those meant.`,
      details: { name, tensor, near },
    });
  };
  const check = (tensor: string, sizes: readonly number[]): Dtype => {
    const { shape, dtype } = infoOf(tensor);
    used.add(tensor);
    if (shape.length !== sizes.length || shape.some((size, i) => size !== sizes[i])) {
      throw badShape(name, tensor, sizes, shape);
    }
    return dtype;
  };
  const fetch = async (tensor: string, sizes: readonly number[]): Promise<RawTensor> => {
    check(tensor, sizes);
    return await stored.read(tensor, options);
  };
  const mapped = async (
    tensor: string,
    shape: Shape,
    change: ((value: number) => number) | undefined,
  ): Promise<T> => {
    const dtype = check(tensor, Object.values(shape));
    if (!/^B?F\d/.test(dtype)) throw wholeNumbers(name, tensor, dtype);
    if (options?.shapes) return engine.written(shape, () => {});
    const raw = await stored.read(tensor, options);
    const half = options?.widen === false && change === undefined ? halfOf(raw) : undefined;
    if (half !== undefined) {
      const kept = engine.writtenHalf(shape, half, (bits) => {
        bitsInto(raw, bits, `${name}: ${tensor}`);
        checkFiniteBits(name, tensor, bits, half);
      });
      options?.taken?.(kept);
      return kept;
    }
    const made = engine.written(shape, (numbers) => {
      decodeInto(raw, numbers, `${name}: ${tensor}`);
      if (change !== undefined)
        for (const [i, value] of numbers.entries()) numbers[i] = change(value);
      checkFinite(name, tensor, numbers);
    });
    options?.taken?.(made);
    return made;
  };
  return {
    shapes: options?.shapes === true,
    has,
    sizes: (tensor) => infoOf(tensor).shape,
    take: async (tensor, shape) => await mapped(tensor, shape, undefined),
    mapped,
    numbers: async (tensor, sizes) => {
      const numbers = decodeNumbers(await fetch(tensor, sizes), "f64", `${name}: ${tensor}`);
      checkFinite(name, tensor, numbers);
      return numbers;
    },
    finish: () => {
      const odd = [...stored.tensors.keys()].filter((tensor) => !used.has(tensor));
      if (odd.length === 0) return;
      throw new InputError({
        code: "dictionary/unexpected-tensor",
        message: `${name} holds ${odd.slice(0, 6).join(", ")}, which a dictionary of this kind has no place for.`,
        remedy:
          "Leaving them out would give another function; check what its config says of its kind.",
        details: { name, tensors: odd },
      });
    },
  };
}

function wholeNumbers(name: string, tensor: string, dtype: Dtype): InputError {
  return new InputError({
    code: "weights/unsupported-dtype",
    message: `${name}: ${tensor} is stored as ${dtype}: weights are floats, and the scales of quantized ones are not read.`,
    remedy: "Use the dictionary before quantization, or dequantize it.",
    details: { name, tensor, dtype },
  });
}

/** How a matrix may be kept in 16 bits; vectors are small. */
function halfOf({ dtype, shape }: RawTensor): Half | undefined {
  if (shape.length < 2) return undefined;
  return dtype === "BF16" ? "bf16" : dtype === "F16" ? "f16" : undefined;
}

/** The bits of the exponent: all are set in what is NaN or infinite. */
const EXPONENT: Readonly<Record<Half, number>> = { f16: 0x7c00, bf16: 0x7f80 };

function checkFiniteBits(name: string, tensor: string, bits: Uint16Array, half: Half): void {
  const mask = EXPONENT[half];
  const index = bits.findIndex((entry) => (entry & mask) === mask);
  if (index < 0) return;
  const entry = bits[index] as number; // it has been found
  const infinite = entry & 0x8000 ? -Infinity : Infinity;
  throw notFinite(name, tensor, index, (entry & ~mask & 0x7fff) > 0 ? Number.NaN : infinite);
}

function checkFinite(name: string, tensor: string, numbers: Float32Array | Float64Array): void {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += (numbers[i] as number) * 0; // NaN of what is not finite
  if (sum === 0) return;
  const index = numbers.findIndex((value) => !Number.isFinite(value));
  throw notFinite(name, tensor, index, numbers[index]);
}

function notFinite(
  name: string,
  tensor: string,
  index: number,
  value: number | undefined,
): InputError {
  return new InputError({
    code: "dictionary/not-finite",
    message: `${name}: entry ${index} of ${tensor} is ${value}.`,
    remedy: "Its training has diverged, or the file is damaged: all that it encodes would be NaN.",
    details: { name, tensor, index, value: String(value) },
  });
}
