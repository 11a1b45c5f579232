import type { MethodName } from "./method.ts";

/** A number, or numbers along the layers of a slice. Truth values count as 0 and 1. */
export type Gradient = number | boolean | readonly (number | boolean)[];

/** A value for the tensors whose name contains `filter`; for all where it is absent or `*`. */
export interface Filtered {
  readonly filter?: string;
  readonly value: Gradient;
}

/** A parameter: one value, a gradient, or a list of which the first entry whose filter matches counts. */
export type Setting = Gradient | readonly Filtered[];

/** Parameters by name. Which there are, and what they mean: `METHODS`. */
export type Parameters = Readonly<Record<string, Setting | null>>;

/** A model by its path or name, `NAME@REVISION`; or the same in parts. */
export type ModelReference =
  | string
  | { readonly model: string | { readonly path: string; readonly revision?: string } };

export interface ModelInput {
  readonly model: ModelReference;
  readonly parameters?: Parameters;
}

export interface SliceSource extends ModelInput {
  /** First layer, and the one after the last, counted in this model. */
  readonly layer_range: readonly [start: number, end: number];
}

export interface Slice {
  /** One stretch of layers of each model, all of the same length. */
  readonly sources: readonly SliceSource[];
  readonly parameters?: Parameters;
  readonly base_model?: ModelReference;
  /** Read and without effect, as in mergekit. */
  readonly residual_weight?: number;
}

export interface Module {
  readonly models?: readonly ModelInput[];
  readonly slices?: readonly Slice[];
  readonly parameters?: Parameters;
}

/** Where the row of a token comes from in models that lack it. */
export type TokenSource =
  | ModelReference
  | { readonly kind: "zero" }
  | {
      readonly kind: "model_token";
      readonly model: ModelReference;
      readonly token?: string;
      readonly token_id?: number;
    };

export interface TokenizerConfig {
  /** `union`, `base`, or a model; default `union`. */
  readonly source?: string;
  readonly tokens?: Readonly<
    Record<string, { readonly source?: TokenSource; readonly force?: boolean }>
  >;
  readonly pad_to_multiple_of?: number;
}

/** A merge, as mergekit's YAML has it. Exactly one of `models`, `slices`, `modules` is given. */
export interface MergeConfig {
  readonly merge_method: MethodName;
  readonly models?: readonly ModelInput[];
  readonly slices?: readonly Slice[];
  readonly modules?: { readonly default: Module };
  readonly base_model?: ModelReference;
  readonly parameters?: Parameters;
  /** What the result is stored as; default as the donor's tensors are. Nothing is rounded before that. */
  readonly dtype?: "float32" | "float16" | "bfloat16";
  /** The same, and before `dtype`. */
  readonly out_dtype?: "float32" | "float16" | "bfloat16";
  readonly tokenizer_source?: string;
  readonly tokenizer?: TokenizerConfig;
  readonly chat_template?: string;
  /** Read and without effect, as in mergekit. */
  readonly name?: string;
}
