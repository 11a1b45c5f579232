/**
 * An activation function divided by its input, `g(z) = φ(z) / z`, so that `φ(z) = g(z)·z` and `g` can be frozen.
 *
 * | kind | g(z) | φ |
 * |---|---|---|
 * | `relu` | 1 where z > 0, else 0 | ReLU |
 * | `gelu` | ½(1 + erf(z/√2)) | GELU |
 * | `gelu_tanh` | ½(1 + tanh(√(2/π)(z + 0.044715 z³))) | GELU's tanh form |
 * | `quick_gelu` | σ(1.702 z) | |
 * | `silu` | σ(z) | SiLU / swish |
 */
export type GateKind = "relu" | "gelu" | "gelu_tanh" | "quick_gelu" | "silu";
