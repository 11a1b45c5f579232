import { InputError, onceMade } from "@resolvent/tensor";
import { type Checkpoint, openCheckpoint, SINGLE_FILE } from "../checkpoint.ts";
import { encodeNumbers } from "../encode.ts";
import type { Folder } from "../folder.ts";
import { MAX_PACKED_BYTES } from "../limits.ts";
import { checkpointSha256 } from "../sha256.ts";
import { type ByteSource, memorySource, type ReadOptions } from "../source.ts";
import { type TensorToWrite, writeSafetensors } from "../write.ts";
import { badPacked, PACKED_FILE, PACKED_FORMAT, rowsOf, scaleName } from "./format.ts";

export interface UnpackOptions {
  /** What the folder is called; default the packed one's name. */
  readonly name?: string;
  /** The folder of the model that a difference is added to, which also has all files that the packed one has not. */
  readonly base: Folder;
}

/**
 * The folder of a packed model as any other: its `model.safetensors`, in float32, is put together in memory when it is
 * first opened. An entry is `base + scale · whole number`, in float64, rounded once.
 *
 * ```ts
 * const folder = unpackedFolder(folderOf("tales-rows"), { base: folderOf("tales") });
 * const checkpoint = await openCheckpoint(folder);
 * ```
 *
 * Opening that file throws `weights/packed-base` where the base is not the one that was packed against,
 * `weights/bad-packed`, `weights/packed-too-large`, and what `openCheckpoint` throws.
 */
export function unpackedFolder(
  packed: Folder,
  { base, name = packed.name }: UnpackOptions,
): Folder {
  const whole = onceMade(
    async (options?: ReadOptions) =>
      await unpacked(packed, base, `${name}/${SINGLE_FILE}`, options),
  );
  return {
    name,
    open: async (file, options) => {
      if (file !== SINGLE_FILE) {
        return (await packed.open(file, options)) ?? (await base.open(file, options));
      }
      return await whole(options);
    },
  };
}

async function unpacked(
  packed: Folder,
  base: Folder,
  name: string,
  options?: ReadOptions,
): Promise<ByteSource> {
  const source = await packed.open(PACKED_FILE, options);
  if (source === undefined) throw badPacked(packed.name, `has no ${PACKED_FILE}.`);
  const checkpoint = await openCheckpoint(source, options);
  const metadata = checkpoint.files.get(source.name)?.metadata ?? {};
  if (metadata.format !== PACKED_FORMAT) {
    const says = `says that its format is ${JSON.stringify(metadata.format)}, not ${PACKED_FORMAT}.`;
    throw badPacked(source.name, says, { format: metadata.format, expected: PACKED_FORMAT });
  }
  const before = await baseOf(metadata.base_sha256, base, source.name, options);
  checkSize(checkpoint, before);
  const tensors = namesOf(checkpoint, before).map(
    (tensor): TensorToWrite => ({
      name: tensor,
      dtype: "F32",
      shape: (before ?? checkpoint).info(tensor).shape,
      bytes: async () =>
        encodeNumbers(await numbers(checkpoint, before, tensor, options), "F32", tensor),
    }),
  );
  const bytes = await writeSafetensors(tensors, { ...options, metadata: { format: "pt" } });
  return memorySource(bytes, name);
}

/** The base, where the packed numbers are a difference, checked to be the one that they were taken from. */
async function baseOf(
  expected: string | undefined,
  folder: Folder,
  name: string,
  options?: ReadOptions,
): Promise<Checkpoint | undefined> {
  if (expected === undefined) return undefined;
  const base = await openCheckpoint(folder, options);
  const got = await checkpointSha256(base, options);
  if (got === expected) return base;
  throw new InputError({
    code: "weights/packed-base",
    message: `${name} is what a model differs by from one with SHA-256 ${expected}; ${folder.name} has ${got}.`,
    remedy: "Give the model that it was packed against.",
    details: { name, base: folder.name, expected, got },
  });
}

/** The tensors of the model; throws where a packed one is of no use. */
function namesOf(packed: Checkpoint, base: Checkpoint | undefined): readonly string[] {
  const { names } = packed;
  const own = names.filter((name) => packed.info(name).dtype !== "F32");
  const scaled = own.filter((name) => packed.info(name).dtype === "I8");
  const scales = new Set(scaled.map(scaleName));
  const odd =
    names.find((name) => packed.info(name).dtype === "F32" && !scales.has(name)) ??
    own.find((name) => base !== undefined && !base.has(name));
  if (odd === undefined) return base?.names ?? own;
  throw badPacked(packed.name, `has a tensor ${JSON.stringify(odd)} that belongs to none.`, {
    tensor: odd,
  });
}

async function numbers(
  packed: Checkpoint,
  base: Checkpoint | undefined,
  tensor: string,
  options?: ReadOptions,
): Promise<Float64Array> {
  const before = await base?.numbers(tensor, "f64", options);
  if (!packed.has(tensor)) return before ?? new Float64Array(); // `namesOf` has it of one of them
  const { dtype, shape } = packed.info(tensor);
  const expected = base?.info(tensor).shape ?? shape;
  const refuse = (says: string, details: object): never => {
    throw badPacked(packed.name, `${JSON.stringify(tensor)}: ${says}`, { tensor, ...details });
  };
  if (shape.join() !== expected.join()) {
    refuse(`expected [${expected.join(", ")}], got [${shape.join(", ")}].`, { shape, expected });
  }
  const values = Float64Array.from(await packed.numbers(tensor, "f64", options));
  if (dtype === "I8") {
    const rows = rowsOf(shape);
    const name = scaleName(tensor);
    if (!packed.has(name)) refuse("there are no scales of its rows.", { scales: name });
    const scales = await packed.numbers(name, "f64", options);
    if (scales.length !== rows) {
      refuse(`${rows} rows have ${scales.length} scales.`, { rows, scales: scales.length });
    }
    const width = values.length / rows;
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] as number) * (scales[Math.floor(i / width)] as number); // one for each row
    }
  } else if (dtype !== "F16") {
    refuse(`its dtype is ${dtype}; packed numbers are I8 or F16.`, { dtype });
  }
  return before ? values.map((x, i) => x + (before[i] as number)) : values; // same shapes
}

/** Entries are counted before memory is asked for them. */
function checkSize(packed: Checkpoint, base: Checkpoint | undefined): void {
  const of = base ?? packed;
  const entries = of.names.reduce(
    (sum, name) => sum + of.info(name).shape.reduce((n, size) => n * size, 1),
    0,
  );
  if (4 * entries <= MAX_PACKED_BYTES) return;
  throw new InputError({
    code: "weights/packed-too-large",
    message: `${packed.name}: unpacked it takes ${4 * entries} bytes; the limit is ${MAX_PACKED_BYTES}.`,
    remedy: "Store a model of this size as it is.",
    details: { name: packed.name, bytes: 4 * entries, limit: MAX_PACKED_BYTES },
  });
}
