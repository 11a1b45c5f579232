import { InputError } from "@resolvent/tensor";
import type { Checkpoint } from "../checkpoint.ts";
import { encodeNumbers } from "../encode.ts";
import { checkpointSha256 } from "../sha256.ts";
import type { ReadOptions } from "../source.ts";
import { type TensorToWrite, writeSafetensors } from "../write.ts";
import { PACKED_FORMAT, rowsOf, scaleName } from "./format.ts";

export interface PackOptions extends ReadOptions {
  /** Pack what the model differs by from this one, of the same shapes; default all of the model. */
  readonly base?: Checkpoint;
}

/**
 * A checkpoint as a file of about a quarter of its size in float32. Of each matrix, rows along the first axis are whole
 * numbers from −127 to 127 times a scale, the row's largest magnitude by 127; vectors are F16. With a base it holds the
 * differences, and the SHA-256 of the base; tensors that are the base's are left out. What comes back is what
 * `unpackedFolder` gives, not the numbers themselves: measure that.
 *
 * @throws InputError `weights/pack-shapes` where the base has other tensors, and what reading throws
 */
export async function packCheckpoint(
  checkpoint: Checkpoint,
  { base, ...options }: PackOptions = {},
): Promise<Uint8Array> {
  const tensors: TensorToWrite[] = [];
  if (base !== undefined) checkAlike(checkpoint, base);
  for (const name of checkpoint.names) {
    const { shape } = checkpoint.info(name);
    const numbers = await checkpoint.numbers(name, "f64", options);
    const before = await base?.numbers(name, "f64", options);
    const values = before ? numbers.map((x, i) => x - (before[i] as number)) : numbers; // same shapes
    if (base !== undefined && values.every((x) => x === 0)) continue;
    tensors.push(...packed(name, shape, values));
  }
  const metadata = {
    format: PACKED_FORMAT,
    ...(base !== undefined && { base_sha256: await checkpointSha256(base, options) }),
  };
  return await writeSafetensors(tensors, { ...options, metadata });
}

function packed(name: string, shape: readonly number[], values: Float64Array): TensorToWrite[] {
  if (shape.length < 2) {
    return [{ name, dtype: "F16", shape, bytes: encodeNumbers(values, "F16", name) }];
  }
  const rows = rowsOf(shape);
  const width = values.length / rows;
  const scales = new Float32Array(rows);
  const whole = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    const of = values.subarray(row * width, (row + 1) * width);
    const scale = Math.fround(of.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127);
    scales[row] = scale;
    if (scale === 0) continue;
    // The scale may have been rounded down: what is just above 127 of it is 127.
    for (const [i, x] of of.entries()) {
      whole[row * width + i] = Math.max(-127, Math.min(127, Math.round(x / scale)));
    }
  }
  return [
    { name, dtype: "I8", shape, bytes: encodeNumbers(whole, "I8", name) },
    {
      name: scaleName(name),
      dtype: "F32",
      shape: [rows],
      bytes: encodeNumbers(scales, "F32", name),
    },
  ];
}

function checkAlike(checkpoint: Checkpoint, base: Checkpoint): void {
  const shapes = ({ names, info }: Checkpoint): string[] =>
    names.map((name) => `${name} [${info(name).shape.join(", ")}]`);
  const [mine, theirs] = [shapes(checkpoint), shapes(base)];
  const odd =
    mine.find((one) => !theirs.includes(one)) ?? theirs.find((one) => !mine.includes(one));
  if (odd === undefined) return;
  throw new InputError({
    code: "weights/pack-shapes",
    message: `Only one of ${checkpoint.name} (${mine.length} tensors) and ${base.name} (${theirs.length}) has ${odd}.`,
    remedy: "Pack it without a base.",
    details: { model: checkpoint.name, base: base.name, tensor: odd },
  });
}
