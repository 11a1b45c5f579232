import { InputError } from "@resolvent/tensor";
import { DTYPES, type Dtype, isCount, isDtype, tensorBytes } from "./dtype.ts";
import { badJson, isObject, type JsonRules, parseJson, tooManyTensors } from "./json.ts";
import { MAX_RANK, MAX_TENSORS } from "./limits.ts";
import { truncated } from "./source.ts";

/** What is known of a tensor before it is read. */
export interface TensorInfo {
  readonly dtype: Dtype;
  /** Sizes, last axis fastest; empty for a scalar. */
  readonly shape: readonly number[];
  /** Where its bytes start and end, from the beginning of the file. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The `__metadata__` of the file; without a prototype, so every key is one of the file's own. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The key of the header that is not a tensor. */
export const METADATA_KEY: string = "__metadata__";

function fail(
  code: string,
  name: string,
  tensor: string,
  says: string,
  details: object,
): InputError {
  return new InputError({
    code,
    message: `${name}: tensor ${JSON.stringify(tensor)} ${says}`,
    remedy: "The file is damaged or was written wrongly: fetch it again, or write it again.",
    details: { name, tensor, ...details },
  });
}

function readMetadata(value: unknown, rules: JsonRules): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (value === undefined || value === null) return metadata; // an optional map to the format's library
  if (!isObject(value)) throw badJson(rules, `has a ${METADATA_KEY} that is not an object.`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw badJson(rules, `has a ${METADATA_KEY} whose ${JSON.stringify(key)} is not a string.`);
    }
    metadata[key] = text;
  }
  return metadata;
}

function readInfo(tensor: string, value: unknown, dataStart: number, rules: JsonRules): TensorInfo {
  const { name } = rules;
  const shown = (): string => JSON.stringify(tensor);
  if (!isObject(value)) throw badJson(rules, `has a tensor ${shown()} that is not an object.`);
  const own = (key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined);
  const dtype = own("dtype");
  const shape = own("shape");
  const offsets = own("data_offsets");
  if (typeof dtype !== "string") throw badJson(rules, `has a tensor ${shown()} without a dtype.`);
  if (!isDtype(dtype)) {
    throw new InputError({
      code: "weights/unsupported-dtype",
      message: `${name}: tensor ${shown()} has the dtype ${JSON.stringify(dtype.slice(0, 40))}; supported are ${DTYPES.join(", ")}.`,
      remedy: "Convert the file to one of these.",
      details: { name, tensor, dtype },
    });
  }
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount)) {
    throw fail(
      "weights/bad-shape",
      name,
      tensor,
      `has no shape of up to ${MAX_RANK} sizes, each a whole number from 0 to 2^53 − 1.`,
      {},
    );
  }
  if (!Array.isArray(offsets) || offsets.length !== 2) {
    throw fail("weights/bad-offsets", name, tensor, "has no data_offsets of two numbers.", {});
  }
  const [start, end]: unknown[] = offsets;
  if (!isCount(start) || !isCount(end) || start > end || !isCount(dataStart + end)) {
    throw fail(
      "weights/bad-offsets",
      name,
      tensor,
      `has the data_offsets [${String(start)}, ${String(end)}]; expected whole numbers, start ≤ end.`,
      { start, end },
    );
  }
  const bytes = tensorBytes(dtype, shape);
  if (bytes !== end - start) {
    const needs = bytes === undefined ? "more than 2^53 − 1" : bytes;
    throw fail(
      "weights/size-mismatch",
      name,
      tensor,
      `is ${dtype} [${shape.join(", ")}], which takes ${needs} bytes; its offsets span ${end - start}.`,
      { dtype, shape, expected: bytes, got: end - start },
    );
  }
  return { dtype, shape, start: dataStart + start, end: dataStart + end };
}

/** Checks that the tensors, in order, cover the data without holes and without sharing a byte. */
function checkLayout(
  name: string,
  sorted: readonly (readonly [string, TensorInfo])[],
  dataStart: number,
  size: number,
): void {
  let at = dataStart;
  let before = "";
  for (const [tensor, { start, end }] of sorted) {
    if (start < at) {
      throw fail(
        "weights/overlap",
        name,
        tensor,
        `starts at byte ${start}, inside ${JSON.stringify(before)}, which ends at ${at}.`,
        { other: before, start, end: at },
      );
    }
    if (start > at && end > size) {
      throw fail(
        "weights/bad-offsets",
        name,
        tensor,
        `spans bytes ${start} to ${end} of a file of ${size}.`,
        { start, end, size },
      );
    }
    if (start > at) {
      throw fail(
        "weights/gap",
        name,
        tensor,
        `starts at byte ${start}, and nothing covers the bytes from ${at} on.`,
        { from: at, to: start },
      );
    }
    at = end;
    before = tensor;
  }
  if (at > size) throw truncated(name, at, size);
  if (at < size) {
    throw new InputError({
      code: "weights/gap",
      message: `${name}: the tensors end at byte ${at}, the file at ${size}.`,
      remedy: "The format allows no bytes that belong to no tensor: write the file again.",
      details: { name, from: at, to: size },
    });
  }
}

/**
 * The tensors and metadata that a safetensors header lists.
 *
 * `text`: the header without its length; `dataStart`: where the data start in the file; `size`: bytes of the file.
 * Throws `weights/bad-header`, `weights/duplicate-name`, `weights/too-many-tensors`, `weights/unsupported-dtype`,
 * `weights/bad-shape`, `weights/bad-offsets`, `weights/size-mismatch`, `weights/overlap`, `weights/gap`,
 * `weights/truncated`.
 */
export function parseHeader(
  text: Uint8Array,
  where: { readonly name: string; readonly dataStart: number; readonly size: number },
): Header {
  const { name, dataStart, size } = where;
  const rules = { name, what: "header", code: "weights/bad-header", maxDepth: 3, tensorDepth: 1 };
  if (text[0] !== 0x7b) throw badJson(rules, 'does not start with "{".');
  const value = parseJson(text, rules);
  if (!isObject(value)) throw badJson(rules, "is not an object.");
  const metadata = readMetadata(
    Object.hasOwn(value, METADATA_KEY) ? value[METADATA_KEY] : undefined,
    rules,
  );
  const infos: [string, TensorInfo][] = [];
  for (const [tensor, info] of Object.entries(value)) {
    if (tensor !== METADATA_KEY) infos.push([tensor, readInfo(tensor, info, dataStart, rules)]);
  }
  if (infos.length > MAX_TENSORS) throw tooManyTensors(name, infos.length);
  infos.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  checkLayout(name, infos, dataStart, size);
  return { tensors: new Map(infos), metadata };
}
