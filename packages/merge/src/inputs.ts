import { InternalError } from "@resolvent/tensor";
import { bytesPerEntry, type Dtype, decodeNumbers, type ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "./model.ts";
import { modelNamed } from "./result-files.ts";

/** An input of a tensor, from which any stretch can be read. */
export interface Input {
  /** What errors call it. */
  readonly name: string;
  /** F64, F32, F16 or BF16. */
  readonly dtype: Dtype;
  /** Fills `into` with the entries from `start` on. */
  read(start: number, into: Uint8Array, options: ReadOptions): Promise<void>;
}

/** A tensor of a model. Whole numbers are given as F64. */
export function inputOf(
  models: ReadonlyMap<string, OpenMergeModel>,
  model: string,
  tensor: string,
): Input {
  const { checkpoint } = modelNamed(models, model);
  const info = checkpoint.info(tensor);
  const source = checkpoint.files.get(info.file)?.source;
  if (source === undefined) throw noFile(checkpoint.name, info.file);
  const { dtype } = info;
  const width = bytesPerEntry(dtype);
  const name = `${tensor} of ${model}`;
  if (["F64", "F32", "F16", "BF16"].includes(dtype)) {
    return {
      ...{ name, dtype },
      read: async (start, into, options) => {
        const from = info.start + start * width;
        if (source.readInto !== undefined) await source.readInto(from, into, options);
        else into.set(await source.read(from, from + into.byteLength, options));
      },
    };
  }
  return {
    ...{ name, dtype: "F64" },
    read: async (start, into, options) => {
      const [from, count] = [info.start + start * width, into.byteLength / 8];
      const bytes = await source.read(from, from + count * width, options);
      const numbers = decodeNumbers({ dtype, shape: [count], bytes }, "f64", name);
      into.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    },
  };
}

function noFile(folder: string, file: string): InternalError {
  return new InternalError({
    code: "merge/no-file",
    message: `${folder}: ${file} is none of its files.`,
    details: { folder, file },
  });
}
