import { sha256 } from "@noble/hashes/sha2.js";
import type { ByParameter } from "./by-parameter.ts";
import { describeParameters, type Parameter } from "./described.ts";
import type { TextFile } from "./file.ts";
import type { Values } from "./host.ts";
import type { DictionaryFiles } from "./needs.ts";
import type { ModelIdentity, Result } from "./result.ts";
import type { Parameters } from "./schema.ts";
import type { Prompt, Vocabulary } from "./subject.ts";
import type { TokenName } from "./token-notation.ts";

/** What a question is made of. */
export interface AskedQuestion<P = unknown> {
  /** By its schema, or by what was described of it (`describeParameters`). */
  readonly analysis: { readonly name: string } & (
    | { readonly params: Parameters<P> }
    | { readonly parameters: readonly Parameter[] }
  );
  /** As they were given: by parameter name, what is not given is as the analysis has it by default. */
  readonly values: Values;
  /** Absent where an analysis was run without a model. */
  readonly model?: Pick<ModelIdentity, "name" | "sha256"> | undefined;
  /** The models that parameters name. */
  readonly models?: ByParameter<Pick<ModelIdentity, "name" | "sha256">> | undefined;
  /** Reads prompts and tokens; absent as the model is. */
  readonly vocabulary?: Pick<Vocabulary, "encode" | "tokenId"> | undefined;
  /** Those that the analysis was given, in their order. */
  readonly dictionaries?: readonly Pick<DictionaryFiles, "name">[] | undefined;
}

/** Of how questions are written down: raised where the same question gets another hash. */
const VERSION = 1;

/** Bytes at the start of a file that tell which it is: more of a corpus may never be read. */
const FILE_BYTES = 2 ** 26;

/**
 * Which question a result answers: the SHA-256, in hexadecimal, of analysis, models and parameters. Models are told by
 * the hash of their weights, by name where there is none; prompts and tokens by their ids; files by the SHA-256 of their
 * first 64 MiB; dictionaries by name; what is not given is as it is by default. Engine, precision, threads, time and files
 * to write have no part in it: numbers of one question agree within rounding, not to the bit.
 */
export async function questionHash<P>(asked: AskedQuestion<P>): Promise<string> {
  const { analysis, values, model, dictionaries = [] } = asked;
  const described =
    "parameters" in analysis ? analysis.parameters : describeParameters(analysis.params);
  const parameters: Record<string, unknown> = {};
  for (const parameter of described) {
    const value = values[parameter.name] ?? parameter.default;
    if (value !== undefined) parameters[parameter.name] = await plain(parameter, value, asked);
  }
  const question = {
    ...{ question: VERSION, analysis: analysis.name, parameters },
    ...(model !== undefined && { model: modelWord(model) }),
    ...(dictionaries.length > 0 && { dictionaries: dictionaries.map(({ name }) => name) }),
  };
  return hex(sha256(new TextEncoder().encode(canonicalJson(question))));
}

/** A result that says which question it answers. */
export function withQuestion<R extends Result>(result: R, question: string): R {
  const entries = Object.entries(result).flatMap(([name, value]) => [
    [name, value],
    ...(name === "model" ? [["question", question]] : []),
  ]);
  return Object.fromEntries(entries) as R; // with one field more, which every result may have
}

function modelWord({ name, sha256: hash }: Pick<ModelIdentity, "name" | "sha256">): string {
  return hash === null ? name : `sha256:${hash}`;
}

/** A value of a parameter as plain data that is the same however it was written; undefined where it asks nothing. */
async function plain(
  { name, kind, ...parameter }: Parameter,
  value: unknown,
  { models = {}, vocabulary }: Pick<AskedQuestion, "models" | "vocabulary">,
): Promise<unknown> {
  const ids = (prompt: Prompt): unknown => ifReadable(prompt, () => vocabulary?.encode(prompt));
  const id = (token: TokenName): unknown => ifReadable(token, () => vocabulary?.tokenId(token));
  // What a schema has let pass is of the kind that it describes.
  switch (kind) {
    case "prompt":
      return ids(value as Prompt);
    case "prompts":
      return (value as readonly Prompt[]).map(ids);
    case "token":
      return id(value as TokenName);
    case "tokens":
    case "target":
      return (value as readonly TokenName[]).map(id);
    case "model": {
      const model = Object.hasOwn(models, name) ? models[name] : undefined;
      return model === undefined ? value : modelWord(model);
    }
    case "file":
      return await fileHash(value as TextFile);
    case "newFile":
    case "newFolder":
      return undefined;
    case "jsonLines":
      return String(value).replaceAll("\r\n", "\n").trimEnd();
    case "choices": {
      // Some of them, whatever their order.
      const choices = "choices" in parameter ? parameter.choices : [];
      return choices.filter((choice) => (value as readonly unknown[]).includes(choice));
    }
    default:
      return value;
  }
}

/** What something is read as; itself where it cannot be read, which the analysis has its own words for. */
function ifReadable<V>(value: V, read: () => unknown): unknown {
  try {
    return read() ?? value;
  } catch {
    return value;
  }
}

async function fileHash(file: TextFile): Promise<string> {
  const hash = sha256.create();
  let left = FILE_BYTES;
  for await (const piece of file.stream()) {
    hash.update(piece.subarray(0, left));
    left -= Math.min(left, piece.length);
    if (left === 0) break;
  }
  return `sha256:${hex(hash.digest())}`;
}

/** Plain data as JSON of one form: keys sorted, nothing between them. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const entries = Array.from(value as ArrayLike<unknown>, (entry) => canonicalJson(entry));
    return `[${entries.join(",")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
