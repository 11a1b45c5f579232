import type { Dtype } from "@resolvent/weights";
import type { MethodName } from "./method.ts";

/** A model's part in an output tensor. */
export interface PlannedInput {
  readonly model: string;
  /** Its name in that model, where it is another than the output's. */
  readonly tensor?: string;
  /** The parameters of this input; absent where the method has none, and for the base. */
  readonly parameters?: PlannedParameters;
  /** It is subtracted, or where `t` is 0. */
  readonly base?: true;
}

export type PlannedParameters = Readonly<Record<string, number | boolean | null>>;

/** How an output tensor is made. */
export interface PlannedTensor {
  readonly parameters: PlannedParameters;
  readonly inputs: readonly PlannedInput[];
  /** What it is stored as, where that is not the plan's. */
  readonly dtype?: Dtype;
  /** Where it stands in the gradients of its slice, where that is not 0. */
  readonly position?: number;
  /** Its rows are brought to the result's vocabulary first. */
  readonly aligned?: true;
}

/** Where the row of a token comes from in a model that lacks it, or in all where it is forced. */
export interface PlannedToken {
  readonly source?:
    | { readonly kind: "zero" }
    | { readonly kind: "row"; readonly model: string; readonly row: number };
  readonly force: boolean;
}

export interface PlannedTokenizer {
  /** As the configuration has it: `union`, `base`, or a model. */
  readonly source: string;
  /** Tokens to ids. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Rows of the result's embedding. */
  readonly rows: number;
  readonly tokens: Readonly<Record<string, PlannedToken>>;
}

/**
 * Over what ties takes the largest entries of what training changed: each tensor, as mergekit does, or all tensors of a
 * model, as its paper does.
 */
export type Trimming = "tensor" | "model";

/** All that a merge will do, as plain data, before any number is read. */
export interface MergePlan {
  readonly method: MethodName;
  readonly base: string | null;
  /** The model whose config, tokenizer and other files the result gets. */
  readonly donor: string;
  readonly layers: number;
  /** Fields of the result's config.json that are not the donor's. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: PlannedTokenizer | null;
  /** As the configuration has it; null keeps the donor's. */
  readonly chat_template: string | null;
  /** Absent: each tensor is trimmed by itself. */
  readonly trimming?: "model";
  /** Paths in the configuration of what has no effect. */
  readonly ignored: readonly string[];
  /** Tensors of inputs that hold no weights, and that the result does not have; absent where there are none. */
  readonly leftOut?: readonly { readonly model: string; readonly tensor: string }[];
  readonly dtype: Dtype;
  /** By the names in the result, in its order: embeddings, layers, final norm, unembedding. */
  readonly tensors: Readonly<Record<string, PlannedTensor>>;
}
