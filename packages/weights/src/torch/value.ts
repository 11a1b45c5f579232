import type { Dtype } from "../dtype.ts";

/** Numbers of a torch archive, as a file of it holds them. */
export interface TorchStorage {
  readonly kind: "storage";
  readonly dtype: Dtype;
  /** The name of its file in the archive, below `data/`. */
  readonly key: string;
  /** Entries. */
  readonly count: number;
}

/** A tensor of a torch archive: a view of a storage. */
export interface TorchTensor {
  readonly kind: "tensor";
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Entries from one to the next along each axis, and before the first. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TorchStorage;
}

/** An object of a class that the reader was told to take as data: what stood in the pickle, and nothing that it does. */
export interface TorchRecord {
  readonly kind: "record";
  /** `module.Class` */
  readonly type: string;
  /** What it was to be made from. */
  readonly args: readonly TorchValue[];
  /** What was to be put into it. */
  readonly state: TorchValue;
}

/** A class that the reader was told to take as data, named by itself: `torch.float32`. */
export interface TorchName {
  readonly kind: "name";
  readonly path: string;
}

/** What a torch archive may hold. A Python dict is a Map, a tuple or list an array. */
export type TorchValue =
  | null
  | boolean
  | number
  | string
  | TorchTensor
  | TorchStorage
  | TorchRecord
  | TorchName
  | readonly TorchValue[]
  | ReadonlyMap<TorchValue, TorchValue>;

/** Whether a value is a tensor. */
export function isTorchTensor(value: TorchValue | undefined): value is TorchTensor {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "tensor";
}
