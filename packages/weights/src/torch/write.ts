import type { Dtype } from "../dtype.ts";
import { checkSize } from "../write.ts";
import { type ZipFile, zipChunks } from "../zip/write.ts";
import { ORDERED_DICT, REBUILD_TENSOR, STORAGES } from "./globals.ts";

/** A tensor to be written: its bytes, last axis fastest, or what gives them when it is their turn. */
export interface TorchTensorToWrite {
  readonly kind: "tensor";
  /** Of those that torch has storages for. */
  readonly dtype: Exclude<Dtype, "U16" | "U32" | "U64">;
  readonly shape: readonly number[];
  readonly bytes: ZipFile["bytes"];
}

/** What can be written as `torch.save` writes it: a Map becomes a dict, an array a list. */
export type TorchToWrite =
  | null
  | boolean
  | number
  | string
  | TorchTensorToWrite
  | readonly TorchToWrite[]
  | ReadonlyMap<string | number, TorchToWrite>;

/**
 * A file as `torch.save` writes it, piece by piece, one tensor held at a time: `torch.load` opens it, with
 * `weights_only=True` too. Whole numbers are written as integers. The same value gives the same bytes.
 *
 * @throws InputError `weights/file-too-large` from 4 GiB on, `weights/size-mismatch`, `weights/too-many-tensors`
 */
export function torchChunks(value: TorchToWrite): AsyncGenerator<Uint8Array> {
  const tensors: TorchTensorToWrite[] = [];
  const pickle = Uint8Array.from([0x80, 2, ...pickled(value, tensors), ...ascii(".")]);
  return zipChunks([
    { name: "archive/data.pkl", bytes: pickle },
    { name: "archive/byteorder", bytes: Uint8Array.from(ascii("little")) },
    ...tensors.map((tensor, key) => ({
      name: `archive/data/${key}`,
      bytes: () => bytesOf(tensor, `tensor ${key}`),
    })),
    { name: "archive/version", bytes: Uint8Array.from(ascii("3\n")) },
  ]);
}

async function bytesOf(tensor: TorchTensorToWrite, name: string): Promise<Uint8Array> {
  const bytes = await (typeof tensor.bytes === "function" ? tensor.bytes() : tensor.bytes);
  checkSize({ ...tensor, name }, bytes.byteLength);
  return bytes;
}

/** Operations of pickles, protocol 2, that push a value; a tensor's numbers get the next place among the files. */
function pickled(value: TorchToWrite, tensors: TorchTensorToWrite[]): number[] {
  if (value === null) return ascii("N");
  if (typeof value === "boolean") return [value ? 0x88 : 0x89];
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return text(value);
  if (value instanceof Map) {
    const items = [...value].flatMap(([key, inner]) => [
      ...pickled(key, tensors),
      ...pickled(inner, tensors),
    ]);
    return [...ascii("}("), ...items, ...ascii("u")];
  }
  if (isTensor(value)) return tensor(value, tensors.push(value) - 1);
  const items = [...(value as readonly TorchToWrite[])]; // nothing else is left
  return [...ascii("]("), ...items.flatMap((inner) => pickled(inner, tensors)), ...ascii("e")];
}

function isTensor(value: object): value is TorchTensorToWrite {
  return "kind" in value && value.kind === "tensor";
}

/** `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())` */
function tensor({ dtype, shape }: TorchTensorToWrite, key: number): number[] {
  const size = shape.reduce((product, length) => product * length, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const [storage = ""] = [...STORAGES].find(([, own]) => own === dtype) ?? [];
  const id = [text("storage"), global(storage), text(String(key)), text("cpu"), number(size)];
  return [
    ...global(REBUILD_TENSOR),
    ...tuple([
      [...tuple(id), ...ascii("Q")],
      number(0),
      tuple(shape.map(number)),
      tuple(strides.map(number)),
      [0x89],
      [...global(ORDERED_DICT), ...ascii(")R")],
    ]),
    ...ascii("R"),
  ];
}

function global(path: string): number[] {
  const dot = path.lastIndexOf(".");
  return ascii(`c${path.slice(0, dot)}\n${path.slice(dot + 1)}\n`);
}

function tuple(parts: readonly (readonly number[])[]): number[] {
  return [...ascii("("), ...parts.flat(), ...ascii("t")];
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  const head = new DataView(new ArrayBuffer(5));
  head.setUint8(0, 0x58);
  head.setUint32(1, bytes.length, true);
  return [...new Uint8Array(head.buffer), ...bytes];
}

/** An integer of 32 bits where it is one, of 64 where it is larger, else a float64. */
function number(value: number): number[] {
  const view = new DataView(new ArrayBuffer(10));
  const bytes = (count: number): number[] => [...new Uint8Array(view.buffer, 0, count)];
  if (!Number.isSafeInteger(value)) {
    view.setUint8(0, 0x47);
    view.setFloat64(1, value, false);
    return bytes(9);
  }
  if (value === (value | 0)) {
    view.setUint8(0, 0x4a);
    view.setInt32(1, value, true);
    return bytes(5);
  }
  view.setUint16(0, 0x088a, true); // of 8 bytes
  view.setBigInt64(2, BigInt(value), true);
  return bytes(10);
}

function ascii(words: string): number[] {
  return [...words].map((letter) => letter.charCodeAt(0));
}
