import type { Dtype } from "../dtype.ts";

/** The storage classes of torch, and how their entries are stored. */
export const STORAGES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
]);

export const REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2";
export const REBUILD_PARAMETER = "torch._utils._rebuild_parameter";
export const ORDERED_DICT = "collections.OrderedDict";

/** All that a pickle may name: names, which stand for what this reader does itself. */
export const GLOBALS: ReadonlySet<string> = new Set([
  ...STORAGES.keys(),
  REBUILD_TENSOR,
  REBUILD_PARAMETER,
  ORDERED_DICT,
]);
