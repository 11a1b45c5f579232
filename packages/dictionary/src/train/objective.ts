/**
 * What is made small beside the mean over rows of `‖y − x^‖²`, summed over the width.
 *
 * | kind | activations | added, means over rows |
 * |---|---|---|
 * | `l1` | relu | `λ Σ a`, `decoderNorms`: `λ Σ a_f ‖d_f‖` (Bricken et al. 2023; Anthropic, April 2024) |
 * | `topk` | the k largest of a row | AuxK: `α ‖e − ê‖²` (Gao et al. 2024, arXiv 2406.04093) |
 * | `batchtopk` | the `k·rows` largest of a batch | likewise; `groups`: `‖y − x^‖²` of each prefix of the features as well (2412.06410; Matryoshka 2503.17547) |
 * | `jumprelu` | `z` where `z > θ` | `λ Σ H(z − θ)` (Rajamanoharan et al. 2024, 2407.14435) |
 * | `jumprelu-tanh` | likewise | `λ Σ tanh(c a_f ‖d_f‖) + λ_p Σ max(θ − z, 0) ‖d_f‖` (Anthropic, January 2025) |
 * | `gated` | `1[π > 0]·max(m, 0)` | `λ Σ max(π, 0) + ‖y − (max(π, 0) @ W_dec + b_dec)‖²`, the last decoder held (2404.16014) |
 *
 * `coefficient` is λ, `bandwidth` the ε of JumpReLU's pseudo-derivatives, default 0.05.
 */
export type Loss =
  | { readonly kind: "l1"; readonly coefficient: number; readonly decoderNorms: boolean }
  | { readonly kind: "topk"; readonly k: number; readonly auxiliary?: Auxiliary }
  | {
      readonly kind: "batchtopk";
      readonly k: number;
      readonly auxiliary?: Auxiliary;
      /** Sizes of the groups of features, the first first; what they add up to is all of them. */
      readonly groups?: readonly number[];
    }
  | { readonly kind: "jumprelu"; readonly coefficient: number; readonly bandwidth?: number }
  | {
      readonly kind: "jumprelu-tanh";
      readonly coefficient: number;
      readonly bandwidth?: number;
      /** `c`; default 4. */
      readonly sharpness?: number;
      /** `λ_p`; default 3e-6. */
      readonly preActivation?: number;
    }
  | { readonly kind: "gated"; readonly coefficient: number };

/** What dead features are trained on: to make up for what the others leave, `e = y − x^`, which is held. */
export interface Auxiliary {
  /** `α` */
  readonly weight: number;
  /** How many dead features a row has, at most. */
  readonly k: number;
}

/** A loss, and how its dictionary is made. */
export interface Objective {
  readonly loss: Loss;
  /** `b_dec` is taken from the input first. */
  readonly subtractsBias: boolean;
  /** Decoder rows have length 1: gradients have no part along their rows, and each step renormalises. */
  readonly unitDecoder: boolean;
}
