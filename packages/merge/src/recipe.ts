import type { Dtype } from "@resolvent/weights";
import type { MethodName } from "./method.ts";
import type { Level } from "./setting.ts";

/** A model of a slice, or of a whole merge, with the parameters that are its own. */
export interface Source {
  /** As the configuration names it. */
  readonly model: string;
  /** First layer, and the one after the last; all of them where it is absent. */
  readonly layers?: readonly [start: number, end: number];
  readonly parameters: Level;
}

/** One stretch of layers of the result. */
export interface RecipeSlice {
  readonly sources: readonly Source[];
  readonly base?: string;
  /** Those of the slice, of its module, and of all, in the order in which they are asked. */
  readonly levels: readonly Level[];
}

/** Where the row of a token comes from. */
export type TokenRow =
  | { readonly kind: "model"; readonly model: string }
  | { readonly kind: "zero" }
  | { readonly kind: "model_token"; readonly model: string; readonly token: string | number };

export interface RecipeToken {
  readonly token: string;
  /** Where it stands in the configuration. */
  readonly path: string;
  readonly source?: TokenRow;
  readonly force: boolean;
}

export interface RecipeTokenizer {
  /** `union`, `base`, or a model. */
  readonly source: string;
  readonly tokens: readonly RecipeToken[];
  readonly multiple: number;
  readonly path: string;
}

/** A configuration, read and checked by itself; nothing is known of its models yet. */
export interface Recipe {
  readonly method: MethodName;
  /** Whether whole models are merged: then there is one slice, without stretches of layers. */
  readonly whole: boolean;
  readonly slices: readonly RecipeSlice[];
  readonly base?: string;
  readonly dtype?: Dtype;
  readonly tokenizer?: RecipeTokenizer;
  readonly chatTemplate?: string;
  /** Paths of what has no effect. */
  readonly ignored: readonly string[];
}
