import type { ResultHead } from "@resolvent/analysis";
import type { MergePlan, Trimming } from "../plan.ts";

/** A model that a merge reads. */
export interface MergeInput {
  /** As the configuration names it. */
  readonly name: string;
  /** What the configuration makes of it: the base, whose config and tokenizer the result gets, an input. */
  readonly roles: readonly ("base" | "donor" | "input")[];
  /** Tensors of the result that it takes part in. */
  readonly tensors: number;
  /** How its weights are stored. */
  readonly dtypes: readonly string[];
  /** Of its files of weights. */
  readonly bytes: number;
}

/** Tensors of the result that are made alike. */
export interface MergeGroup {
  /** What their names have in common: `model.layers.0–3.mlp.*.weight`. */
  readonly tensors: string;
  readonly count: number;
  /** Bytes of them in the result. */
  readonly bytes: number;
  /** Parameters of the output: `t 0.5, normalize true`. */
  readonly parameters: string;
  /** The inputs with theirs: `models/a (weight 0.3), models/b (base)`. */
  readonly inputs: string;
}

/** What a merge takes, in bytes. */
export interface MergeCost {
  /** Of tensors that are read; of one that is taken several times, several times. */
  readonly read: number;
  /** Of tensors that are written. */
  readonly written: number;
  /** In memory while it is merged, about; what loads the result to check it takes more. */
  readonly memory: number;
}

/** What holds of a merge before and after it is done. */
interface MergeFacts {
  /** The folder that is written; null where none is named. */
  readonly folder: string | null;
  readonly inputs: readonly MergeInput[];
  readonly groups: readonly MergeGroup[];
  readonly cost: MergeCost;
  /** Of random masks. */
  readonly seed: number;
  /** What is kept of a sparsified task vector: its L1 norm, or its expectation. */
  readonly rescaling: "l1" | "probability";
  /** Over what ties takes the largest entries. */
  readonly trimming: Trimming;
}

/** What a merge would do. `model` is the one that it would make. */
export interface MergePlanned extends ResultHead<"merge-plan">, MergeFacts {
  readonly plan: MergePlan;
}

/** A file that a merge has written. */
interface MergeFile {
  readonly name: string;
  readonly bytes: number;
  /** Of files of weights, where they were hashed. */
  readonly sha256: string | null;
}

/** A merge that was done. `model` is the one that it has made. */
export interface Merge extends ResultHead<"merge">, MergeFacts {
  readonly folder: string;
  readonly method: MergePlan["method"];
  readonly base: string | null;
  readonly donor: string;
  readonly dtype: string;
  /** Paths in the configuration of what had no effect. */
  readonly ignored: readonly string[];
  /** Tensors of inputs without weights, which the result does not have. */
  readonly leftOut: NonNullable<MergePlan["leftOut"]>;
  /** SHA-256 of the weights of each input, by its name; null where they were not hashed. */
  readonly hashes: Readonly<Record<string, string | null>>;
  readonly files: readonly MergeFile[];
  /** Whether the result was loaded and has read a token. */
  readonly verified: boolean;
}
