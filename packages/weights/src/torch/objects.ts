import { isCount } from "../dtype.ts";
import { MAX_RANK } from "../limits.ts";
import { badPickle } from "./bad-pickle.ts";
import { ORDERED_DICT, REBUILD_PARAMETER, REBUILD_TENSOR, STORAGES } from "./globals.ts";
import {
  isTorchTensor,
  type TorchName,
  type TorchRecord,
  type TorchStorage,
  type TorchTensor,
  type TorchValue,
} from "./value.ts";

/** What lies on a pickle's stack; lists and maps may still grow. */
export type Pickled = TorchValue | Pickled[] | Map<Pickled, Pickled>;

function isName(value: Pickled | undefined): value is TorchName {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "name";
}

function isStorage(value: Pickled | undefined): value is TorchStorage {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "storage";
}

function isCounts(value: Pickled | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}

/** Pairs of keys and values into a dict; keys are text or numbers, as in every state dict. */
export function setItems(name: string, dict: Pickled, items: readonly Pickled[]): void {
  if (!(dict instanceof Map)) throw badPickle(name, "sets an item of what is no dict.");
  if (items.length % 2 !== 0) throw badPickle(name, "sets a key without a value.");
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    if (typeof key !== "string" && typeof key !== "number") {
      throw badPickle(name, "has a dict with a key that is neither text nor a number.");
    }
    if (dict.has(key)) throw badPickle(name, `has the key ${JSON.stringify(key)} twice in a dict.`);
    dict.set(key, items[i + 1] as Pickled); // even
  }
}

/** The storage that a persistent id names: `('storage', torch.FloatStorage, key, device, count)`. */
export function stored(name: string, id: Pickled): TorchStorage {
  const [what, type, key, device, count] = Array.isArray(id) ? id : [];
  const dtype = isName(type) ? STORAGES.get(type.path) : undefined;
  const told = what === "storage" && typeof key === "string" && typeof device === "string";
  if (told && dtype !== undefined && isCount(count)) return { kind: "storage", dtype, key, count };
  throw badPickle(name, "has a persistent id that is not that of a storage.");
}

/** What a call in a pickle stands for. */
export function make(name: string, callee: Pickled, given: Pickled): Pickled {
  if (!isName(callee) || !Array.isArray(given)) throw badPickle(name, "calls what is no name.");
  switch (callee.path) {
    case ORDERED_DICT:
      return orderedDict(name, given);
    case REBUILD_TENSOR:
      return tensorOf(name, given);
    case REBUILD_PARAMETER:
      if (isTorchTensor(given[0] as TorchValue)) return given[0] as TorchTensor; // just seen
      throw badPickle(name, "has a parameter that is no tensor.");
  }
  if (STORAGES.has(callee.path))
    throw badPickle(name, `calls ${callee.path}, which is only named.`);
  // It is one of `records`: the list is closed.
  return { kind: "record", type: callee.path, args: [...given] as TorchValue[], state: null };
}

function orderedDict(name: string, given: readonly Pickled[]): Map<Pickled, Pickled> {
  const dict = new Map<Pickled, Pickled>();
  const [pairs = [], ...more] = given;
  if (more.length > 0 || !Array.isArray(pairs)) throw badPickle(name, "has an odd OrderedDict.");
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw badPickle(name, "has an odd OrderedDict.");
    setItems(name, dict, pair);
  }
  return dict;
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`, its extent checked. */
function tensorOf(
  name: string,
  [storage, offset, shape, strides]: readonly Pickled[],
): TorchTensor {
  const told = isStorage(storage) && isCount(offset) && isCounts(shape) && isCounts(strides);
  if (!told || shape.length !== strides.length) throw badPickle(name, "has an odd tensor.");
  const size = shape.reduce((product, length) => product * length, 1);
  const last = shape.reduce((at, length, axis) => at + (length - 1) * (strides[axis] ?? 0), offset);
  // Entries that share memory would make a short file a large tensor.
  const fits = size === 0 ? isCount(offset) : last < storage.count && size <= storage.count;
  if (!fits) {
    throw badPickle(
      name,
      `has a tensor [${shape.join(", ")}] with the strides [${strides.join(", ")}] from entry ${offset} of a storage of ${storage.count}.`,
      { shape, strides, offset, count: storage.count },
    );
  }
  // Copies: what was just checked is not to change with a list that the pickle goes on with.
  const { dtype } = storage;
  return { kind: "tensor", dtype, shape: [...shape], strides: [...strides], offset, storage };
}

/** State put into an object: that of a state dict is a note of versions, which nothing needs. */
export function build(name: string, object: Pickled, state: Pickled): Pickled {
  if (object instanceof Map) return object;
  if (!isRecord(object)) throw badPickle(name, "puts state into what has none.");
  // In place, as Python does: what the pickle recalls later is the same object.
  return Object.assign(object, { state });
}

function isRecord(value: Pickled): value is TorchRecord {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "record";
}
