import { type Certificate, certificateFor } from "@resolvent/analysis";
import {
  type Engine,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  sumOf,
  using,
} from "@resolvent/tensor";
import {
  type AttentionBlock,
  attention,
  frozenAt,
  type Model,
  onlyHead,
  plainSites,
  type Site,
  stageOfLayer,
  type Target,
  targetReadout,
  targetValue,
  tokenIds,
  uncappedLogits,
  upToStage,
  withAttention,
  within,
  withoutBiases,
} from "@resolvent/transformer";
import { type Anatomy, anatomyOf } from "../anatomy.ts";
import { GATES } from "../gates.ts";
import { sweep } from "../sweep.ts";
import type { AttentionEdge } from "./choose-edge.ts";
import { expandScore, missing } from "./expand-score.ts";
import { checkPosition } from "./score-run.ts";

/** V-degree and QK-degree of a behaviour, each by itself: plain data. */
export interface EdgeDegrees {
  /** V-degree of the target at the query: its spectrum in the path expansion. */
  readonly value: {
    /** What the run's logits say. */
    readonly total: number;
    /** What belongs to no degree: final bias and unembedding bias. */
    readonly constant: number;
    /** `⟨w, D_k[query]⟩` for `k = 0, 1, …`; with the constant they add up to the total. */
    readonly degrees: readonly number[];
  };
  /** V-degree of what the head moves from key to query, read out by the target directly. */
  readonly edge: {
    readonly total: number;
    /** By the blocks that it has been through, this one included; the head's constant has degree 1. */
    readonly degrees: readonly number[];
  };
  /** QK-degree of the edge: its score, centred over keys, by the blocks that either side has been through. */
  readonly score: {
    /** The run's score minus its mean over all keys that the query sees. */
    readonly total: number;
    /** What the rows and the columns of the matrix are: `degree 0`, …, and `constant`, the head's own. */
    readonly sources: readonly string[];
    /** What each query degree and key degree contribute together; the entries add up to the total. */
    readonly matrix: readonly (readonly number[])[];
    /** Sums of the rows. */
    readonly query: readonly number[];
    /** Sums of the columns. */
    readonly key: readonly number[];
    /** By the sum of both degrees; a constant has been through no block. */
    readonly both: readonly number[];
  };
  /** Of the largest of `|Σ − total|` relative to the largest number of its sum. */
  readonly certificate: Certificate;
}

export interface EdgeDegreesOptions extends AttentionEdge {
  /** What is read out at the query. */
  readonly target: Target;
}

/**
 * V-degree and QK-degree of an attention edge and of the target that it serves (MATHS 3).
 *
 * Frozen attention makes induction look like degree 1: what the induction head moves is a token's embedding, a path
 * through one block. That is its **V-degree**, the degree in the path expansion, where patterns are given. Why it
 * moves it from there is another question: the key it looks for was written by a previous-token head. That is the
 * **QK-degree**, of the score that the pattern comes from: both the query's and the key's stream are sums `Σ_k D_k`
 * over the blocks before the layer, and the score is bilinear,
 *
 *     score − mean over keys = Σ_(a, b) s(D_a[query], D_b[key]) + constants
 *
 * with `s` the head's bilinear form, its norm's denominators frozen, key vectors less their mean over the keys that
 * the query sees (the softmax does not see what all keys share).
 *
 * - `value`: the target's spectrum over V-degrees, `⟨w, D_k[query]⟩`; the whole model.
 * - `edge`: the share of that which goes through this edge last, `A[query, key] · ⟨w, D_k[key] W_V W_O⟩` with degree
 *   `k + 1`.
 * - `score`: the matrix over (query degree, key degree), with its sums.
 *
 * Costs two sweeps and a run more than a score by degree: about `n²` block applications for `n` blocks.
 *
 * @throws InputError what `scoreTerms` throws
 */
export async function qkDegrees<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: EdgeDegreesOptions,
): Promise<EdgeDegrees> {
  const { target: _, ...place } = options;
  checkPosition("query", place.query, tokens.length);
  const score = await expandScore(engine, model, tokens, { ...place, by: "degree" });
  return using(
    engine,
    () => valueTerms(engine, model, tokens, options),
    async ({ value, edge }) => {
      const [[valueTotal = Number.NaN], [valueConstant = Number.NaN], degrees, ...ofEdge] =
        await readTogether(engine, [
          ...([value.total, value.constant, value.degrees] as const),
          ...([edge.total, edge.constant, edge.linear] as const),
        ]);
      const [[total = Number.NaN], [constant = Number.NaN], [linear0 = 0, ...linear]] = ofEdge;
      const values = { total: valueTotal, constant: valueConstant, degrees };
      const edges = { total, degrees: [0, linear0 + constant, ...linear] };
      const relativeError = Math.max(
        score.certificate.relativeError ?? 0,
        missing([...values.degrees, values.constant], values.total),
        missing(edges.degrees, edges.total),
      );
      return {
        value: values,
        edge: edges,
        score: spectra(score.centredScore, score.keySources, score.matrixKeyCentred),
        certificate: certificateFor(engine.precision, relativeError),
      };
    },
  );
}

/** The tensors behind V-degrees. */
interface ValueTerms<T> {
  readonly value: { readonly total: T; readonly constant: T; readonly degrees: T };
  readonly edge: { readonly total: T; readonly constant: T; readonly linear: T };
}

/** V-degrees of a target and of an edge, as tensors: scalars, and one number for each `degree`. */
export function valueTerms<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  { head: { layer, head }, query, key, target }: EdgeDegreesOptions,
): ValueTerms<T> {
  const ids = tokenIds(tokens.slice(0, query + 1));
  return ops.scope(() => {
    const anatomy = anatomyOf(ops, model, ids, GATES);
    const { covector, constant } = targetReadout(ops, model, anatomy.residual, target);
    const at = (x: T, pos: number): T => ops.slice(x, "pos", pos, pos + 1);
    const readOut = (x: T): T =>
      ops.sum(ops.matmul(at(x, x.shape.pos === 1 ? 0 : query), covector, ["d_model"]), ["pos"]);
    const logits = uncappedLogits(ops, model, at(anatomy.residual, query), plainSites());
    const all = sweep(ops, model, anatomy, undefined, Number.POSITIVE_INFINITY);

    const before = upToStage(model, stageOfLayer(model.architecture, layer));
    const sofar = sweep(ops, before, anatomy, undefined, Number.POSITIVE_INFINITY);
    const edge = withAttention(model, layer, (block) => {
      const { b_O, ...own } = onlyHead(ops, block, head);
      const gates = edgeGates(ops, block, anatomy, { head, query, key });
      const moved = (by: AttentionBlock<T>, stream: T): T =>
        readOut(attention(ops, by, stream, within(frozenAt(gates), block.name)));
      const linear = withoutBiases(own) as AttentionBlock<T>; // it stays of its kind
      return {
        linear: moved(linear, sofar.terms),
        constant: moved(own, ops.fill(anatomy.embedding.shape, 0)),
        total: moved(own, streamBefore(ops, before, anatomy)),
      };
    });
    return {
      value: { total: targetValue(ops, logits, target), constant, degrees: readOut(all.terms) },
      edge,
    };
  });
}

/** The gates of an attention block that let one head move one position's values to one query. */
function edgeGates<T extends Shaped>(
  ops: Ops<T>,
  { name }: AttentionBlock<T>,
  { gates }: Anatomy<T>,
  { head, query, key }: { readonly head: number; readonly query: number; readonly key: number },
): ReadonlyMap<Site, T> {
  const pattern = gates.get(`${name}.pattern`) as T; // all gates were kept
  const row = ops.slice(ops.slice(pattern, "head", head, head + 1), "pos", query, query + 1);
  const keys = sizeAlong(row.shape, "key_pos", name);
  const only = Array.from({ length: keys }, (_, k) => (k === key ? 1 : 0));
  const own = ops.mul(row, ops.constant({ key_pos: keys }, only));
  const sigma = gates.get(`${name}.write_norm`);
  const after = sigma && ops.slice(sigma, "pos", query, query + 1);
  return new Map([
    ...gates,
    [`${name}.pattern`, own],
    ...(after ? [[`${name}.write_norm`, after] as const] : []),
  ]);
}

/** The stream after all blocks of `before`, as the run had it. */
function streamBefore<T extends Shaped>(ops: Ops<T>, before: Model<T>, anatomy: Anatomy<T>): T {
  const writes: T[] = [];
  for (const stage of before.stages) {
    for (const { name } of stage) writes.push(anatomy.writes.get(name) as T); // every block writes
  }
  return sumOf(ops, [anatomy.embedding, ...writes]);
}

function spectra(
  total: number,
  sources: readonly string[],
  matrix: readonly (readonly number[])[],
): EdgeDegrees["score"] {
  const constant = sources.length - 1;
  const blocks = (source: number): number => (source === constant ? 0 : source);
  const both = Array.from({ length: 2 * constant - 1 }, () => 0);
  matrix.forEach((row, a) => {
    row.forEach((entry, b) => {
      const degree = blocks(a) + blocks(b);
      both[degree] = (both[degree] ?? 0) + entry;
    });
  });
  return {
    total,
    sources,
    matrix,
    query: matrix.map((row) => row.reduce((sum, entry) => sum + entry, 0)),
    key: sources.map((_, b) => matrix.reduce((sum, row) => sum + (row[b] ?? 0), 0)),
    both,
  };
}
