import {
  type Engine,
  inOrder,
  type LinearAlgebra,
  reference,
  type Shaped,
  sizeAlong,
  type Tensor,
  type Top,
  tensor,
  using,
} from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Circuit } from "./circuit.ts";
import { readoutOf, type WeightProcessing } from "./processing.ts";

/** A circuit as `Σ left[:, rank] · values[rank] · right[:, rank]ᵀ`. */
export interface CircuitSvd {
  /** Singular values, descending: `rank`. */
  readonly values: Tensor;
  /** What goes in (of QK: the query side), orthonormal: `d_model, rank`. */
  readonly left: Tensor;
  /** What comes out (of QK: the key side), orthonormal: `d_model, rank`. */
  readonly right: Tensor;
}

/**
 * The singular value decomposition of a circuit, through those of its two factors and a `d_head × d_head` core:
 * `left = U₁ S₁ V₁ᵀ`, `right = U₂ S₂ V₂ᵀ`, and `S₁ V₁ᵀ V₂ S₂ = X S Yᵀ` give `(U₁ X) S (U₂ Y)ᵀ`. In float64. The
 * largest entry of each direction that goes in is positive: which sign a decomposition gives depends on who computes it.
 */
export async function circuitSvd<T extends Shaped>(
  engine: Engine<T>,
  linear: LinearAlgebra,
  circuit: Circuit<T>,
): Promise<CircuitSvd> {
  const side = async (factor: T, rank: string): Promise<{ U: Tensor; SV: Tensor }> => {
    const { U, S, V } = linear.svd(await engine.read(factor), "d_model", "d_head", rank);
    return { U, SV: reference.mul(V, S) };
  };
  const left = await side(circuit.left, "left");
  const right = await side(circuit.right, "right");
  const core = linear.svd(reference.matmul(left.SV, right.SV, ["d_head"]), "left", "right", "rank");
  const into = inOrder(reference.matmul(left.U, core.U, ["left"]), ["rank", "d_model"]);
  const out = reference.matmul(right.U, core.V, ["right"]);
  const signs = signsOf(into);
  return {
    values: core.S,
    left: inOrder(reference.mul(into, signs), ["d_model", "rank"]),
    right: inOrder(reference.mul(out, signs), ["d_model", "rank"]),
  };
}

/** For each row of a matrix of `rank, d_model`, in that order, the sign of its largest entry. */
function signsOf({ data, shape }: Tensor): Tensor {
  const [rank, width] = [
    sizeAlong(shape, "rank", "circuitSvd"),
    sizeAlong(shape, "d_model", "circuitSvd"),
  ];
  const signs = Array.from({ length: rank }, (_, i) => {
    let largest = 0;
    for (const entry of data.subarray(i * width, (i + 1) * width))
      if (Math.abs(entry) > Math.abs(largest)) largest = entry;
    return largest < 0 ? -1 : 1;
  });
  return tensor({ rank }, signs);
}

/** A token and how far it lies along a direction. */
export interface TokenScore {
  readonly id: number;
  readonly score: number;
}

/** The tokens at both ends of a direction: the signs of singular vectors mean nothing by themselves. */
export interface TokenEnds {
  /** By descending score. */
  readonly positive: readonly TokenScore[];
  /** By ascending score. */
  readonly negative: readonly TokenScore[];
}

export interface TokenEndsOptions {
  /** How many tokens at each end; default 8. */
  readonly top?: number;
}

/**
 * The tokens whose embeddings lie furthest along directions of the stream: `W_E · direction`, positions left out.
 *
 * @param directions `d_model, rank`
 */
export async function tokensRead<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  directions: Tensor,
  options: TokenEndsOptions = {},
): Promise<TokenEnds[]> {
  const { shape, data } = directions;
  return endsOf(
    engine,
    () => engine.matmul(model.embed.W_E, engine.constant(shape, data), ["d_model"]),
    options,
  );
}

/**
 * The tokens whose logits a direction of the stream raises and lowers most: `direction · W_U`, through the final
 * norm's scale as `processing` says, its denominator left out, centred over the vocabulary.
 *
 * @param directions `d_model, rank`
 */
export async function tokensWritten<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  directions: Tensor,
  processing: WeightProcessing,
  options: TokenEndsOptions = {},
): Promise<TokenEnds[]> {
  const { shape, data } = directions;
  return endsOf(
    engine,
    () => {
      const seen = readoutOf(engine, model.final, engine.constant(shape, data), processing);
      return engine.center(engine.matmul(seen, model.final.W_U, ["d_model"]), "vocab");
    },
    options,
  );
}

/** @param scores `rank, vocab`, in any memory order */
async function endsOf<T extends Shaped>(
  engine: Engine<T>,
  scores: () => T,
  { top = 8 }: TokenEndsOptions,
): Promise<TokenEnds[]> {
  const ends = (): { positive: T; negative: T } => {
    const positive = scores();
    return { positive, negative: engine.scale(positive, -1) };
  };
  return using(engine, ends, async ({ positive, negative }) => {
    const count = Math.min(top, sizeAlong(positive.shape, "vocab", "endsOf"));
    const ranks = { length: sizeAlong(positive.shape, "rank", "endsOf") };
    if (count === 0) return Array.from(ranks, () => ({ positive: [], negative: [] }));
    const [most, least] = [
      await engine.top(positive, "vocab", count),
      await engine.top(negative, "vocab", count),
    ];
    const named = ({ indices, values }: Top, rank: number, sign: number): TokenScore[] =>
      Array.from(indices.data.subarray(rank * count, (rank + 1) * count), (id, i) => ({
        id,
        score: sign * (values.data[rank * count + i] as number), // as many values as indices
      }));
    return Array.from(ranks, (_, rank) => ({
      positive: named(most, rank, 1),
      negative: named(least, rank, -1),
    }));
  });
}
