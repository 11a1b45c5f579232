import {
  type Axis,
  axesOf,
  InputError,
  type Ops,
  type Shape,
  type Shaped,
} from "@resolvent/tensor";
import type { Fields } from "../fields.ts";
import { tokenList } from "../files.ts";
import type { Activation, Architecture, Block, Model, NormWeights } from "../model.ts";
import type { Warning } from "../warning.ts";
import type { FamilyKeys } from "./keys.ts";

/** How one family of checkpoints is read: what its config means and what its tensors are called. */
export interface Family {
  architecture(fields: Fields): Architecture;
  /** Tensors outside of the blocks. */
  ends<T extends Shaped>(
    get: Get<T>,
    fields: Fields,
    a: Architecture,
  ): Pick<Model<T>, "embed" | "final">;
  /** The start of the names of a layer's tensors: `h.3.`. */
  layerPrefix(layer: number): string;
  /** The blocks of a layer, by stage. */
  layer<T extends Shaped>(
    get: Get<T>,
    fields: Fields,
    a: Architecture,
    layer: number,
  ): Block<T>[][];
  /** Prefixes that all names of a checkpoint may have, `transformer.`; tried in order. */
  readonly prefixes: readonly string[];
  /** The names of embedding and unembedding where they may be one matrix, of which files then may hold either. */
  readonly tie?: { readonly embedding: string; readonly unembedding: string };
  /** Tensors that the family may have and this config denies: files that hold them are read without. */
  denied?(fields: Fields): RegExp | undefined;
  /** Tensors of parts that are no text model: files that hold them are read without. */
  readonly leftOut?: RegExp;
  /** The config of the text model within one of several models; what is given where there is one alone. */
  textConfig?(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** What of the fields is not certain to be meant as it is read. */
  doubts?(fields: Fields): readonly Warning[];
  /** The keys of config.json by `model_type`. */
  readonly keys: Readonly<Record<string, FamilyKeys>>;
  /** Second names of fields by `model_type`. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What absent fields of a `model_type` mean, as in its Hugging Face config class; null is not absent. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Names of tensors that hold no weights: masks, tables. */
  readonly ignored: RegExp;
}

/**
 * Gives a tensor of the checkpoint by name: checks its size against `shape` (in the file's order) and splits
 * axes as `into` says. Throws where the tensor is missing or has another size.
 */
export interface Get<T extends Shaped> {
  (name: string, shape: Shape, into?: Readonly<Record<Axis, Shape>>): T;
  has(name: string): boolean;
  readonly ops: Ops<T>;
}

export const activations: Readonly<Record<string, Activation>> = {
  relu: "relu",
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  gelu_accurate: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_python_tanh: "gelu_tanh",
  quick_gelu: "quick_gelu",
  silu: "silu",
  swish: "silu",
};

/** The head axes that `heads · d_head` entries of a query or of W_O split into. */
export function queryAxes(a: Architecture): Shape {
  return { kv_head: a.kv_heads, group: a.heads / a.kv_heads, d_head: a.d_head };
}

export function keyAxes(a: Architecture): Shape {
  return { kv_head: a.kv_heads, d_head: a.d_head };
}

/** A norm with the scale `NAME.weight`, and in a LayerNorm the bias `NAME.bias`. */
export function readNorm<T extends Shaped>(
  get: Get<T>,
  name: string,
  kind: "layer" | "rms",
  eps: number,
  shape: Shape,
): NormWeights<T> {
  return {
    kind,
    eps,
    scale: get(`${name}.weight`, shape),
    ...(kind === "layer" && { bias: get(`${name}.bias`, shape) }),
  };
}

/** Begin- and end-of-text ids. */
export function textEnds(fields: Fields): Pick<Architecture, "bos" | "eos"> {
  return {
    bos: tokenList(fields.raw("bos_token_id"))[0],
    eos: tokenList(fields.raw("eos_token_id")),
  };
}

/** Heads must share the key-value heads evenly. */
export function checkHeads(fields: Fields, heads: number, kv_heads: number): void {
  if (heads % kv_heads !== 0) {
    throw new InputError({
      code: "transformer/bad-config",
      message: `config.json: ${heads} heads cannot share ${kv_heads} key-value heads evenly.`,
      details: { family: fields.family, heads, kv_heads },
    });
  }
}

/** `heads · d_head` where a config gives no head size of its own. */
export function headSize(fields: Fields, d_model: number, heads: number, name?: string): number {
  if (name !== undefined && fields.has(name)) return fields.count(name);
  if (d_model % heads !== 0) {
    throw new InputError({
      code: "transformer/bad-config",
      message: `config.json: width ${d_model} cannot be divided by ${heads} heads.`,
      details: { family: fields.family, d_model, heads },
    });
  }
  return d_model / heads;
}

/** Names of the axes of a shape, for messages. */
export function showSizes(shape: Shape): string {
  return `[${axesOf(shape)
    .map((axis) => shape[axis])
    .join(", ")}]`;
}
