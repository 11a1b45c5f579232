import { pause, ratio, type WorkOptions } from "@resolvent/analysis";
import {
  type Engine,
  type LinearAlgebra,
  type Ops,
  reference,
  type Shape,
  type Shaped,
  sizeAlong,
  type Tensor,
  using,
} from "@resolvent/tensor";
import { stacked } from "./copying.ts";
import type { AttentionFactors } from "./head.ts";
import { readOnce } from "./reading.ts";

/** Products of factors are formed together up to this many numbers (64 MiB in float32). */
const AT_ONCE = 2 ** 24;

/** How a head reads what an earlier one writes. */
export type CompositionKind = "query" | "key" | "value";

/** The kinds, in the order of the axis `kind`. */
export const COMPOSITION_KINDS: readonly CompositionKind[] = ["query", "key", "value"];

const KINDS = COMPOSITION_KINDS.length;

/** `WᵀW` of each factor, over `d_model`: `layer, kv_head, group (W_Q and W_O), d_head, other`. */
export interface FactorGrams<T> {
  readonly W_Q: T;
  readonly W_K: T;
  readonly W_V: T;
  readonly W_O: T;
}

/** The Gram matrices of all heads' factors. */
export function factorGrams<T extends Shaped>(
  ops: Ops<T>,
  blocks: readonly AttentionFactors<T>[],
): FactorGrams<T> {
  return eachFactor((factor) =>
    stacked(ops, blocks, ({ [factor]: W }) =>
      ops.matmul(W, ops.rename(W, { d_head: "other" }), ["d_model"]),
    ),
  );
}

/** Something of each factor. */
export function eachFactor<V>(of: (factor: keyof FactorGrams<V>) => V): FactorGrams<V> {
  return { W_Q: of("W_Q"), W_K: of("W_K"), W_V: of("W_V"), W_O: of("W_O") };
}

/** `R` with `R Rᵀ = G` for each Gram matrix `G`: `…, d_head, rank`. */
function rootOf(linear: LinearAlgebra, gram: Tensor): Tensor {
  const { values, vectors } = linear.symmetricEigen(gram, "d_head", "other", "rank");
  // What rounding made negative is zero.
  const roots = Float64Array.from(values.data, (value) => Math.sqrt(Math.max(0, value)));
  return reference.mul(vectors, reference.constant(values.shape, roots));
}

/** Every head's circuits, each in one factor of the same Frobenius norm, of itself and of products with it. */
export interface ComposingFactors<T> {
  /** `R_Vᵀ W_O` for `W_OV` as what is written: `layer, head, rank, d_model`. */
  readonly writes: T;
  /** `W_Q R_K`, `W_K R_Q`, `W_V R_O` for `W_QK`, `W_QKᵀ`, `W_OV` as what reads: `layer, kind, head, rank, d_model`. */
  readonly reads: T;
}

/**
 * The factors that compositions are products of. `‖V O Q Kᵀ‖ = ‖R_Vᵀ O Q R_K‖` where `R_V R_Vᵀ = VᵀV` and
 * `R_K R_Kᵀ = KᵀK`, so that a pair of heads takes one `d_head × d_head` product.
 */
export function composingFactors<T extends Shaped>(
  ops: Ops<T>,
  blocks: readonly AttentionFactors<T>[],
  roots: FactorGrams<T>,
): ComposingFactors<T> {
  const byHead = (W: T): T => ops.join(W, ["kv_head", "group"], "head");
  const factor = (W: T, root: T, layer: number): T => {
    const own = ops.sum(ops.slice(root, "layer", layer, layer + 1), ["layer"]);
    return byHead(ops.matmul(W, own, ["d_head"], ["kv_head", "group", "rank", "d_model"]));
  };
  const layers = (of: (block: AttentionFactors<T>, layer: number) => T): T =>
    ops.concat(
      blocks.map((block, layer) => ops.scope(() => ops.broadcast(of(block, layer), { layer: 1 }))),
      "layer",
    );
  return ops.scope(() => ({
    writes: layers(({ W_O }, layer) => factor(W_O, roots.W_V, layer)),
    reads: layers(({ W_Q, W_K, W_V }, layer) =>
      ops.concat(
        [
          factor(W_Q, roots.W_K, layer),
          factor(W_K, roots.W_Q, layer),
          factor(W_V, roots.W_O, layer),
        ].map((part) => ops.broadcast(part, { kind: 1 })),
        "kind",
      ),
    ),
  }));
}

/**
 * Compositions of the heads of one layer with all heads of later ones, in few products: `‖A B‖_F` and
 * `‖A‖_F ‖B‖_F`, the entries of `part`, each `layer, kind, from_head, head`, `layer` counting those after `from`.
 */
export function compositionFrom<T extends Shaped>(
  ops: Ops<T>,
  factors: ComposingFactors<T>,
  from: number,
): T {
  const { writes, reads } = factors;
  const size = (axis: string): number => sizeAlong(reads.shape, axis, "composition");
  const [layers, heads, rank] = [size("layer"), size("head"), size("rank")];
  const perLayer = KINDS * (heads * rank) ** 2;
  const step = Math.max(1, Math.floor(AT_ONCE / perLayer));
  const parts: T[] = [];
  return ops.scope(() => {
    const row = ops.sum(ops.slice(writes, "layer", from, from + 1), ["layer"]);
    const write = ops.rename(row, { head: "from_head", rank: "from_rank" });
    const writeNorm = frobenius(ops, write, ["from_rank", "d_model"]);
    for (let start = from + 1; start < layers; start += step) {
      const read = ops.slice(reads, "layer", start, Math.min(layers, start + step));
      parts.push(
        ops.scope(() => {
          const product = ops.matmul(write, read, ["d_model"]);
          const norm = frobenius(ops, product, ["from_rank", "rank"]);
          const both = ops.mul(frobenius(ops, read, ["rank", "d_model"]), writeNorm);
          const order = ["layer", "kind", "from_head", "head"];
          const parts = [norm, both].map((x) => ops.broadcast(ops.arrange(x, order), { part: 1 }));
          return ops.concat(parts, "part");
        }),
      );
    }
    return ops.concat(parts, "layer");
  });
}

/** The composition scores of every pair of heads. */
export interface Composition {
  /** How many layers and heads there are. */
  readonly layers: number;
  readonly heads: number;
  /** `from_layer, layer, kind, from_head, head`; 0 where `layer ≤ from_layer`. */
  readonly scores: Tensor;
}

/** `‖A B‖_F / (‖A‖_F ‖B‖_F)` of two heads; 0 where one does not come before the other or has no weights. */
export function compositionScore(
  { layers, heads, scores }: Composition,
  kind: CompositionKind,
  from: { readonly layer: number; readonly head: number },
  to: { readonly layer: number; readonly head: number },
): number {
  const matrix = (from.layer * layers + to.layer) * KINDS + COMPOSITION_KINDS.indexOf(kind);
  return scores.data[(matrix * heads + from.head) * heads + to.head] ?? 0;
}

/**
 * Q-, K- and V-composition of every pair of heads of different layers (Elhage et al. 2021, with its erratum):
 * `‖A B‖_F / (‖A‖_F ‖B‖_F)`, `A = W_OV` of the earlier head and `B = W_QK`, `W_QKᵀ`, `W_OV` of the later one.
 * Rotary embeddings are left out (relative position 0), and so are the denominators of norms.
 *
 * Operations: `6 · d_model · d_head²` for each pair, `24 · d_model · d_head²` for each head.
 *
 * @param blocks from `attentionFactors`, raw or processed
 * @param options `onProgress` hears of layers whose heads have been composed with all later ones
 */
export async function composition<T extends Shaped>(
  engine: Engine<T>,
  linear: LinearAlgebra,
  blocks: readonly AttentionFactors<T>[],
  options: WorkOptions = {},
): Promise<Composition> {
  const { signal, onProgress } = options;
  const layers = blocks.length;
  const roots = await using(
    engine,
    () => factorGrams(engine, blocks),
    async (grams) => {
      const root = async (gram: T): Promise<Tensor> => rootOf(linear, await engine.read(gram));
      return {
        W_Q: await root(grams.W_Q),
        W_K: await root(grams.W_K),
        W_V: await root(grams.W_V),
        W_O: await root(grams.W_O),
      };
    },
  );
  const put = ({ shape, data }: Tensor): T => engine.constant(shape, data);
  const made = (): ComposingFactors<T> =>
    composingFactors(
      engine,
      blocks,
      eachFactor((factor) => put(roots[factor])),
    );
  return using(engine, made, async (factors) => {
    const heads = sizeAlong(factors.writes.shape, "head", "composition");
    const shape: Shape = {
      from_layer: layers,
      layer: layers,
      kind: KINDS,
      from_head: heads,
      head: heads,
    };
    const scores = new Float64Array(layers * layers * KINDS * heads * heads);
    for (let from = 0; from + 1 < layers; from++) {
      await pause(signal);
      const order = ["part", "layer", "kind", "from_head", "head"];
      const { data } = await readOnce(engine, () => compositionFrom(engine, factors, from), order);
      const [norms, sizes] = [data.subarray(0, data.length / 2), data.subarray(data.length / 2)];
      const found = Float64Array.from(norms, (norm, i) => ratio(norm, sizes[i] ?? 0) ?? 0);
      scores.set(found, (from * layers + from + 1) * KINDS * heads * heads);
      onProgress?.({ done: from + 1, total: layers - 1 });
    }
    return { layers, heads, scores: { shape, data: scores } };
  });
}

function frobenius<T extends Shaped>(ops: Ops<T>, x: T, over: readonly string[]): T {
  return ops.sqrt(ops.sum(ops.mul(x, x), over));
}
