import { InputError } from "@resolvent/tensor";
import { type Folder, isFileName } from "./folder.ts";
import { badJson, isObject, type JsonRules, parseJson, tooManyTensors } from "./json.ts";
import { MAX_INDEX_BYTES, MAX_SHARDS, MAX_TENSORS, SHARDS_AT_ONCE } from "./limits.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import { type ByteSource, type ReadOptions, readExactly, sizeOfSource } from "./source.ts";

/** The file that says which shard holds which tensor, in Hugging Face's naming. */
export const INDEX_FILE: string = "model.safetensors.index.json";

/** A sharded checkpoint: its shards, opened, and which of them holds each tensor. */
export interface Shards {
  /** By file name, in the order of the names. */
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  /** The name of the file that holds a tensor. */
  readonly fileOf: ReadonlyMap<string, string>;
}

/** The `weight_map` of an index, every shard name checked to be a plain file name. */
function parseIndex(text: Uint8Array, name: string): Map<string, string> {
  const rules: JsonRules = {
    name,
    what: "index",
    code: "weights/bad-index",
    maxDepth: 16,
    tensorDepth: 2,
    python: true,
  };
  const value = parseJson(text, rules);
  const map = isObject(value) && Object.hasOwn(value, "weight_map") ? value.weight_map : undefined;
  if (!isObject(map)) throw badJson(rules, 'has no "weight_map" object.');
  const fileOf = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string") {
      throw badJson(rules, `gives no file name for ${JSON.stringify(tensor)}.`);
    }
    if (!isFileName(file)) {
      throw new InputError({
        code: "weights/shard-outside-folder",
        message: `${name}: tensor ${JSON.stringify(tensor)} is said to be in ${JSON.stringify(file.slice(0, 300))}, which is not a file in the checkpoint's folder.`,
        remedy: "Shards lie beside their index, under plain names: do not trust this index.",
        details: { name, tensor, file },
      });
    }
    fileOf.set(tensor, file);
  }
  if (fileOf.size === 0) throw badJson(rules, "lists no tensors.");
  if (fileOf.size > MAX_TENSORS) throw tooManyTensors(name, fileOf.size);
  return fileOf;
}

/** Which file holds which tensor, as an index says; throws what `openShards` throws about the index itself. */
export async function readIndex(
  source: ByteSource,
  options?: ReadOptions,
): Promise<Map<string, string>> {
  const size = await sizeOfSource(source, options);
  if (size > MAX_INDEX_BYTES) {
    throw new InputError({
      code: "weights/index-too-large",
      message: `${source.name}: the index has ${size} bytes; the limit is ${MAX_INDEX_BYTES}.`,
      remedy: "This is not an index of safetensors shards.",
      details: { name: source.name, size, limit: MAX_INDEX_BYTES },
    });
  }
  return parseIndex(await readExactly(source, 0, size, options), source.name);
}

/** The shards of an index by name, sorted; throws `weights/too-many-shards`. */
export function shardNames(fileOf: ReadonlyMap<string, string>, index: string): string[] {
  const names = [...new Set(fileOf.values())].sort();
  if (names.length <= MAX_SHARDS) return names;
  throw new InputError({
    code: "weights/too-many-shards",
    message: `${index}: lists ${names.length} shards; the limit is ${MAX_SHARDS}.`,
    remedy: "No known model has nearly that many: the index is damaged or hostile.",
    details: { name: index, count: names.length, limit: MAX_SHARDS },
  });
}

/** `weights/missing-shard`: an index names a file that is not there. */
export function missingShard(folder: string, file: string): InputError {
  return new InputError({
    code: "weights/missing-shard",
    message: `${folder}: the index names the shard ${JSON.stringify(file)}, and there is no such file.`,
    remedy: "The download is incomplete: fetch the missing shard.",
    details: { folder, file },
  });
}

async function openShard(
  folder: Folder,
  file: string,
  options?: ReadOptions,
): Promise<SafetensorsFile> {
  const source = await folder.open(file, options);
  if (source !== undefined) return await openSafetensors(source, options);
  throw missingShard(folder.name, file);
}

/**
 * The shards that an index lists, with their headers read and checked. Tensors that a shard has and the index
 * does not list are not part of the checkpoint.
 *
 * Throws `weights/bad-index`, `weights/index-too-large`, `weights/duplicate-name`, `weights/too-many-tensors`,
 * `weights/too-many-shards`, `weights/shard-outside-folder`, `weights/missing-shard`, `weights/missing-in-shard`,
 * and what `openSafetensors` throws.
 */
export async function openShards(
  folder: Folder,
  index: ByteSource,
  options?: ReadOptions,
): Promise<Shards> {
  const fileOf = await readIndex(index, options);
  const names = shardNames(fileOf, index.name);
  const files = new Map<string, SafetensorsFile>();
  for (let i = 0; i < names.length; i += SHARDS_AT_ONCE) {
    const some = names.slice(i, i + SHARDS_AT_ONCE);
    const opened = await Promise.all(some.map((file) => openShard(folder, file, options)));
    for (const [j, file] of some.entries()) files.set(file, opened[j] as SafetensorsFile); // one each
  }
  for (const [tensor, file] of fileOf) {
    if (!files.get(file)?.tensors.has(tensor)) {
      throw new InputError({
        code: "weights/missing-in-shard",
        message: `${folder.name}: the index says that ${JSON.stringify(tensor)} is in ${JSON.stringify(file)}, and it is not.`,
        remedy: "Index and shards do not belong together: fetch both again.",
        details: { folder: folder.name, tensor, file },
      });
    }
  }
  return { files, fileOf };
}
