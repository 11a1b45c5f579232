import { normOf, ratio } from "@resolvent/analysis";
import {
  type Engine,
  inOrder,
  type LinearAlgebra,
  type Ops,
  type Precision,
  type Shaped,
  sizeAlong,
  type Tensor,
  using,
} from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Circuit } from "./circuit.ts";
import type { AttentionFactors } from "./head.ts";
import { readoutOf, type WeightProcessing } from "./processing.ts";
import { rowsOf } from "./reading.ts";

/** Columns of the embedding that are read by the unembedding at a time. */
const PANEL = 256;

/** The factors of OV circuits, which copying is a matter of. */
export type OvFactors<T> = Pick<AttentionFactors<T>, "W_V" | "W_O">;

/** What lies between tokens and the stream: an embedding, and an unembedding with its norm. */
export type Ends<T extends Shaped> = Pick<Model<T>, "embed" | "final">;

/** Something of an OV circuit by the space that it is a map of. */
export interface OvForms<V> {
  /** Of `W_V W_O`, over the stream. */
  readonly residual: V;
  /** Of `W_E W_V W_O W_U`, over the vocabulary; `W_E` without positions. */
  readonly embedding: V;
  /** Of the same with `W_U` centred over the vocabulary, which no prediction notices. */
  readonly embeddingCentred: V;
}

/**
 * Circuits in their cyclic form: a circuit `L · R` (`L: n × d_head`, `R: d_head × n`) has the same non-zero
 * eigenvalues as `R · L`, `d_head × d_head`: `W_O W_V`, and `W_O (W_U W_E) W_V`. Each is
 * `layer, kv_head, group, d_head, other`.
 */
export type CyclicForms<T> = OvForms<T>;

/** The cyclic forms of the OV circuits in the stream: `2 · heads · d_head² · d_model` operations. */
export function residualForms<T extends Shaped>(ops: Ops<T>, blocks: readonly OvFactors<T>[]): T {
  return stacked(ops, blocks, ({ W_O, W_V }) => ops.matmul(W_O, other(ops, W_V), ["d_model"]));
}

/**
 * The cyclic forms of the OV circuits through the embeddings.
 *
 * `W_U W_E` is the same for all heads; it is taken 256 columns at a time, so that nothing of `d_model × d_model`
 * or of `vocab × vocab` is ever there. Operations: `2 · vocab · d_model²` for all heads together, and
 * `2 · d_head · d_model²` for each head; the norm of the readout is applied to `W_O`, not to `W_U`.
 */
export function embeddingForms<T extends Shaped>(
  ops: Ops<T>,
  model: Ends<T>,
  blocks: readonly OvFactors<T>[],
  processing: WeightProcessing,
): Pick<CyclicForms<T>, "embedding" | "embeddingCentred"> {
  const { W_U } = model.final;
  const { W_E } = model.embed;
  const width = sizeAlong(W_E.shape, "d_model", "copying");
  const vocab = sizeAlong(W_E.shape, "vocab", "copying");
  const outputs = blocks.map(({ W_O }) => readoutOf(ops, model.final, W_O, processing));
  let embedding: T | undefined;
  for (let start = 0; start < width; start += PANEL) {
    const end = Math.min(width, start + PANEL);
    const before = embedding;
    embedding = ops.scope(() => {
      const columns = ops.rename(ops.slice(W_E, "d_model", start, end), { d_model: "column" });
      const gram = ops.matmul(W_U, columns, ["vocab"]);
      const panel = stacked(ops, blocks, ({ W_V }, layer) => {
        const output = ops.matmul(outputs[layer] as T, gram, ["d_model"]); // one for each block
        const rows = ops.rename(ops.slice(W_V, "d_model", start, end), { d_model: "column" });
        return ops.matmul(output, other(ops, rows), ["column"]);
      });
      return before === undefined ? panel : ops.add(before, panel);
    });
  }
  const all = embedding as T; // d_model is 1 at least
  // Centring takes the mean ū of the unembedding's columns away: (W_O ū) ⊗ ((Σ_v W_E) W_V).
  const mean = ops.scale(ops.sum(W_U, ["vocab"]), 1 / vocab);
  const total = ops.sum(W_E, ["vocab"]);
  const constant = stacked(ops, blocks, ({ W_V }, layer) =>
    ops.mul(
      ops.matmul(outputs[layer] as T, mean, ["d_model"]), // one for each block
      other(ops, ops.matmul(W_V, total, ["d_model"])),
    ),
  );
  return { embedding: all, embeddingCentred: ops.sub(all, constant) };
}

/** The cyclic forms of one head's OV circuit: `d_head, other`. */
export function cyclicFormsOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  { left, right }: Circuit<T>,
  processing: WeightProcessing,
): CyclicForms<T> {
  const { W_U } = model.final;
  const { W_E } = model.embed;
  const seen = readoutOf(ops, model.final, right, processing);
  const mean = ops.scale(ops.sum(W_U, ["vocab"]), 1 / model.architecture.vocab);
  const total = ops.sum(W_E, ["vocab"]);
  // A single head is cheaper by its own token vectors: 4 · vocab · d_model · d_head operations.
  const written = ops.matmul(seen, W_U, ["d_model"]);
  const read = ops.matmul(W_E, other(ops, left), ["d_model"]);
  const embedding = ops.matmul(written, read, ["vocab"], ["d_head", "other"]);
  const constant = ops.mul(
    ops.matmul(seen, mean, ["d_model"]),
    other(ops, ops.matmul(left, total, ["d_model"])),
  );
  return {
    residual: ops.matmul(right, other(ops, left), ["d_model"], ["d_head", "other"]),
    embedding,
    embeddingCentred: ops.sub(embedding, constant),
  };
}

export interface Eigenvalue {
  readonly re: number;
  readonly im: number;
}

/** The eigenvalues of one circuit from its cyclic form, `d_head, other`, by descending absolute value. */
export function eigenvaluesOf(linear: LinearAlgebra, form: Tensor): Eigenvalue[] {
  const { re, im } = linear.eigenvalues(form, "d_head", "other", "rank");
  return Array.from(re.data, (value, i) => ({ re: value, im: im.data[i] ?? 0 }));
}

/**
 * `Σ Re λ / Σ |λ|`: 1 where all eigenvalues are positive (what goes in comes out again), −1 where all are negative;
 * null where all are next to zero.
 *
 * @param scale the size of the matrix they are of, or of that whose part it is: eigenvalues that are far smaller are
 *   its rounding; default 0
 */
export function copyingScore(
  eigenvalues: readonly Eigenvalue[],
  scale = 0,
  precision: Precision = "f64",
): number | null {
  const size = eigenvalues.reduce((sum, { re, im }) => sum + Math.hypot(re, im), 0);
  const sum = eigenvalues.reduce((total, { re }) => total + re, 0);
  return ratio(sum, size, { scale, precision });
}

/** The copying score of each matrix of a batch, `layer, kv_head, group, d_head, other`, by layer and head. */
function copyingScores(
  linear: LinearAlgebra,
  forms: Tensor,
  sizes: readonly number[],
  precision: Precision,
): (number | null)[][] {
  const { re, im } = linear.eigenvalues(forms, "d_head", "other", "rank");
  const imaginary = rowsOf(im);
  const scores = rowsOf(re).map((row, matrix) =>
    copyingScore(
      row.map((value, i) => ({ re: value, im: imaginary[matrix]?.[i] ?? 0 })),
      sizes[matrix] ?? 0,
      precision,
    ),
  );
  const layers = forms.shape.layer ?? 1;
  const heads = scores.length / layers;
  return Array.from({ length: layers }, (_, l) => scores.slice(l * heads, (l + 1) * heads));
}

/** The copying scores of all heads, by layer and head. */
export type Copying = OvForms<readonly (readonly (number | null)[])[]>;

/** What tokens become on their way through the circuits. */
export interface CopyingOptions<T extends Shaped> {
  /** A model, or its ends alone: `{ embed: { W_E }, final: { W_U } }`. */
  readonly model: Ends<T>;
  /** What has been done to `blocks`, so that the unembedding is seen likewise; default nothing. */
  readonly processing?: WeightProcessing;
}

/**
 * Copying scores of every head from its weights (Elhage et al. 2021, "copying"): in the stream, and, where there is a
 * model, through its embeddings.
 *
 * ```ts
 * const W_V = engine.constant({ d_model: 64, kv_head: 4, d_head: 16 }, values); // one's own
 * const W_O = engine.constant({ kv_head: 4, group: 1, d_head: 16, d_model: 64 }, outputs);
 * const { residual } = await copying(engine, linear, [{ W_V, W_O }]);
 * residual[0]?.[3]; // of the fourth head
 * ```
 *
 * @param blocks one for each layer: from `attentionFactors`, processed as `processing` says, or one's own
 */
export async function copying<T extends Shaped>(
  engine: Engine<T>,
  linear: LinearAlgebra,
  blocks: readonly OvFactors<T>[],
): Promise<Pick<Copying, "residual">>;
export async function copying<T extends Shaped>(
  engine: Engine<T>,
  linear: LinearAlgebra,
  blocks: readonly OvFactors<T>[],
  options: CopyingOptions<T>,
): Promise<Copying>;
export async function copying<T extends Shaped>(
  engine: Engine<T>,
  linear: LinearAlgebra,
  blocks: readonly OvFactors<T>[],
  options?: CopyingOptions<T>,
): Promise<Pick<Copying, "residual"> | Copying> {
  const read = async (form: T): Promise<Tensor> =>
    inOrder(await engine.read(form), ["layer", ...ORDER]);
  const scores = (form: Tensor, sizes: readonly number[]): (number | null)[][] =>
    copyingScores(linear, form, sizes, engine.precision);
  const made = (): { readonly residual: T } & Partial<CyclicForms<T>> => ({
    residual: residualForms(engine, blocks),
    ...(options &&
      embeddingForms(engine, options.model, blocks, options.processing ?? UNPROCESSED)),
  });
  return using(engine, made, async (forms) => {
    const inStream = await read(forms.residual);
    const residual = scores(inStream, sizesOf(inStream));
    if (forms.embedding === undefined || forms.embeddingCentred === undefined) return { residual };
    const embedding = await read(forms.embedding);
    const sizes = sizesOf(embedding);
    return {
      residual,
      embedding: scores(embedding, sizes),
      // What centring leaves of the same.
      embeddingCentred: scores(await read(forms.embeddingCentred), sizes),
    };
  });
}

const UNPROCESSED: WeightProcessing = {
  foldNorms: false,
  centreReads: false,
  centreWrites: false,
  centreVocabulary: false,
};

/** The norms of the matrices of a batch. */
function sizesOf({ shape, data }: Tensor): number[] {
  const numbers = Math.max(1, (shape.d_head ?? 0) * (shape.other ?? 0));
  return Array.from({ length: data.length / numbers }, (_, i) =>
    normOf(data.subarray(i * numbers, (i + 1) * numbers)),
  );
}

/** One tensor for each block, stacked along `layer`. */
export function stacked<T extends Shaped, B>(
  ops: Ops<T>,
  blocks: readonly B[],
  of: (block: B, layer: number) => T,
): T {
  const parts = blocks.map((block, layer) => {
    return ops.scope(() => {
      const part = of(block, layer);
      const ordered = ops.arrange(
        part,
        ORDER.filter((axis) => axis in part.shape),
      );
      return ops.broadcast(ordered, { layer: 1 });
    });
  });
  return ops.concat(parts, "layer");
}

const ORDER = ["kv_head", "group", "d_head", "other"];

function other<T extends Shaped>(ops: Ops<T>, W: T): T {
  return ops.rename(W, { d_head: "other" });
}
