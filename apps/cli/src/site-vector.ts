import type { SiteVector, TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { decodeNumbers, memorySource, openSafetensors, readTensor } from "@resolvent/weights";
import { usageError } from "./failure.ts";

/** Bytes of a file with one vector at most: a million numbers, written out. */
const MAX_BYTES = 32 * 2 ** 20;

/**
 * `L1.mlp.after=FILE`, or `L1.mlp.after=FILE:-2`, as a site, the numbers of the file, and how many times they are meant.
 *
 * @throws InputError `cli/usage` for words of another form; `cli/unreadable`; `cli/bad-vector`
 */
export async function readSiteVector(
  flag: string,
  word: string,
  fileOf: (path: string) => TextFile,
): Promise<SiteVector> {
  const [, site, rest = ""] = /^([^=]+)=(.+)$/s.exec(word.trim()) ?? [];
  if (site === undefined) {
    throw usageError(
      `${flag} takes a site and a file, got "${word}".`,
      `Such as ${flag} L1.mlp.after=vector.json, or, twice the vector, ${flag} L1.mlp.after=vector.json:2.`,
    );
  }
  const [, path = rest, times] =
    /^(.+):([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i.exec(rest) ?? [];
  const vector = await vectorIn(fileOf(path));
  return { site, vector, ...(times !== undefined && { scale: Number(times) }) };
}

async function vectorIn(file: TextFile): Promise<number[]> {
  const bytes = await bytesOf(file);
  // A safetensors file has its header, a JSON object, behind eight bytes of length.
  return bytes[8] === OPEN_BRACE
    ? await fromSafetensors(bytes, file.name)
    : fromJson(bytes, file.name);
}

const OPEN_BRACE = 0x7b;

async function bytesOf(file: TextFile): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of file.stream()) {
    size += part.byteLength;
    if (size > MAX_BYTES) {
      throw badVector(file.name, `has more than ${MAX_BYTES} bytes, which no vector takes`);
    }
    parts.push(part);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

function fromJson(bytes: Uint8Array, name: string): number[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badVector(name, "is neither JSON nor safetensors", cause);
  }
  if (!Array.isArray(value)) throw badVector(name, "is JSON, but no array");
  const list: readonly unknown[] = value;
  const odd = list.findIndex((entry) => typeof entry !== "number");
  if (odd < 0) return list as number[]; // each has been looked at
  throw badVector(
    name,
    `has ${JSON.stringify(list[odd])?.slice(0, 40)} at ${odd}, which is no number`,
  );
}

async function fromSafetensors(bytes: Uint8Array, name: string): Promise<number[]> {
  const file = await openSafetensors(memorySource(bytes, name));
  const names = [...file.tensors.keys()];
  const [only] = names;
  if (only === undefined || names.length > 1) {
    throw badVector(name, `has ${names.length} tensors; a vector is one`);
  }
  return Array.from(decodeNumbers(await readTensor(file, only), "f64", only));
}

function badVector(name: string, what: string, cause?: unknown): InputError {
  return new InputError({
    code: "cli/bad-vector",
    message: `${name} ${what}.`,
    remedy: "Give a JSON array of numbers, or safetensors with one tensor of them.",
    details: { file: name },
    ...(cause !== undefined && { cause }),
  });
}
