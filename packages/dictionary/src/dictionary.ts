import type { Shaped } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { DictionarySite } from "./site.ts";

/** Whose layout a folder has. */
export type Layout =
  | "saelens"
  | "sparsify"
  | "dictionary_learning"
  | "gemma-scope"
  | "gemma-scope-2"
  | "llama-scope"
  | "circuit-tracer";

/**
 * How pre-activations `z` become activations `a`.
 *
 * | kind | a |
 * |---|---|
 * | `relu` | `max(z, 0)` |
 * | `tanh-relu` | `tanh(max(z, 0))` |
 * | `jumprelu` | `z` where `z > θ`, strictly (Rajamanoharan et al. 2024); `rectified`: and `z > 0` |
 * | `topk` | the `k` largest `z` of a row (Gao et al. 2024), of equal ones the first; `rectified`: those `> 0` |
 * | `groupmax` | features in `groups` of neighbours: the largest of each, where `> 0` |
 * | `gated` | `1[π > 0]·max(m, 0)` with `π = p + b_gate`, `m = p·exp(r_mag) + b_mag` of one product `p` (2404.16014) |
 */
export type Activation<T> =
  | { readonly kind: "relu" }
  | { readonly kind: "tanh-relu" }
  | { readonly kind: "jumprelu"; readonly threshold: T; readonly rectified: boolean }
  | { readonly kind: "topk"; readonly k: number; readonly rectified: boolean }
  | { readonly kind: "groupmax"; readonly groups: number }
  | { readonly kind: "gated"; readonly b_gate: T; readonly b_mag: T; readonly r_mag: T };

/**
 * What is done to each input vector first, and undone to the output: the names are SAELens'.
 *
 * | kind | x~ |
 * |---|---|
 * | `none` | x |
 * | `expected_average_only_in` | `factor·x` |
 * | `constant_norm_rescale` | `x·√d/‖x‖` |
 * | `layer_norm` | `(x − μ)/(s + 1e-5)`, s with d − 1; undone as `y·s + μ` |
 */
export type Normalization =
  | { readonly kind: "none" }
  | { readonly kind: "expected_average_only_in"; readonly factor: number }
  | { readonly kind: "constant_norm_rescale" }
  | { readonly kind: "layer_norm" };

/** What makes activations: `a = act(norms·((x~ − subtracted) @ W_enc + b_enc))`. */
export interface Encoder<T> {
  /** Number of features. */
  readonly features: number;
  readonly d_in: number;
  /** `d_in, feature`, in any memory order. */
  readonly W_enc: T;
  /** `feature`; absent where a gated dictionary has none. */
  readonly b_enc?: T;
  /** What is taken from the input, `d_in`: b_dec, where the dictionary does that. */
  readonly subtracted?: T;
  /** `feature`: what pre-activations are multiplied with, and activations divided by before they are decoded. */
  readonly norms?: T;
  readonly activation: Activation<T>;
  readonly normalization: Normalization;
}

/** What a config says of how a dictionary was trained, and on what: whoever runs it has to do likewise. */
export interface TrainedOn {
  readonly model?: string;
  /** The hooks as the config names them. */
  readonly hook?: string;
  readonly hookOut?: string;
  readonly prependBos?: boolean;
  readonly contextSize?: number;
  /** The stream was that of weights whose writing parts are centred, `center_writing_weights`. */
  readonly centred?: boolean;
}

/** A sparse autoencoder or a transcoder: `x^ = unnormalise(a·scale @ W_dec + b_dec) [+ x @ W_skip]`. */
export interface Dictionary<T extends Shaped> extends Encoder<T> {
  /** What error messages call it. */
  readonly name: string;
  readonly layout: Layout;
  /** As the config calls it: `jumprelu`, `BatchTopKSAE`. */
  readonly architecture: string;
  readonly d_out: number;
  /** `feature, d_out`, in any memory order. */
  readonly W_dec: T;
  /** `d_out` */
  readonly b_dec: T;
  /** `feature`: what activations are multiplied with in the decoder alone. */
  readonly scale?: T;
  /** `d_in, d_out`: added to the output from the input as it came. */
  readonly W_skip?: T;
  /** It predicts another value than it reads, and its output is not un-normalised. */
  readonly transcoder: boolean;
  /** Where it reads and what it stands for; absent where neither config, name nor caller says. */
  readonly input?: DictionarySite;
  readonly output?: DictionarySite;
  /** The positions that it was trained on, as Python's slice: start, stop, step. */
  readonly positions?: PositionSlice;
  /** Positions whose activations are none: the first, in circuit-tracer. */
  readonly zeroPositions: readonly number[];
  /** The input is centred first, and what was taken is put back where it is spliced. */
  readonly centred: boolean;
  readonly trainedOn: TrainedOn;
  /** What is to be known before its numbers are believed. */
  readonly warnings: readonly Warning[];
}

/** `start:stop:step` of Python; null where one is left out. */
export interface PositionSlice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/**
 * Transcoders whose features write to every later MLP (Ameisen et al. 2025):
 * `y_l = b_dec_l + Σ_{i ≤ l} a_i @ W_dec_i[:, l − i]`.
 */
export interface CrossLayerTranscoder<T extends Shaped> {
  readonly name: string;
  readonly layout: Layout;
  readonly features: number;
  readonly d_out: number;
  readonly layers: readonly CrossLayer<T>[];
  readonly zeroPositions: readonly number[];
  readonly trainedOn: TrainedOn;
  readonly warnings: readonly Warning[];
}

/** One layer of a cross-layer transcoder. */
export interface CrossLayer<T extends Shaped> extends Encoder<T> {
  /** `feature, target, d_out`: target 0 is its own layer. */
  readonly W_dec: T;
  /** `d_out` */
  readonly b_dec: T;
  readonly input?: DictionarySite;
  readonly output?: DictionarySite;
}
