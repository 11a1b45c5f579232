import type { Shaped } from "@resolvent/tensor";
import type { AttentionBlock, MlpBlock } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";
import { inverted, type Square } from "./matrix.ts";
import type { Permutation } from "./permutation.ts";
import type { PlacedModel } from "./places.ts";
import type { Products } from "./products.ts";

/**
 * Other bases for what a transformer computes with, in which it computes the same. All matrices are square, row after row:
 * `new[i] = Σ_j M[i, j] · old[j]`.
 */
export interface BasisChange {
  /** The order into which everything is brought before; default as it is. */
  readonly after?: Permutation;
  /**
   * An orthogonal matrix for the residual stream, `d_model²`. The scales and biases of norms are folded into what reads
   * through them first, and an unembedding that is the embedding becomes a tensor of its own. With LayerNorms it keeps the
   * direction (1, …, 1); with norms of what blocks write there is none.
   */
  readonly residual?: Float64Array;
  /** By layer; default as they are. */
  readonly layers?: readonly LayerBases[];
}

/** Other bases within the heads of a layer, and other scales of its neurons. */
export interface LayerBases {
  /** Values of each key-value head, `d_head²`: any invertible matrices, undone in `W_O`. */
  readonly values?: readonly Float64Array[];
  /**
   * Keys of each key-value head, `d_head²`, undone in its queries: any invertible matrices without rotary embedding; with it,
   * of each pair of coordinates that turns together a rotation and a scale. Norms of queries and keys leave rotations of pairs
   * that they scale equally.
   */
  readonly keys?: readonly Float64Array[];
  /** What each neuron's pre-activation is multiplied with, undone in `W_out`: in gated MLPs the branch that is not gated, by anything but 0; with ReLU by anything above 0. */
  readonly neurons?: Float64Array;
}

/** Matrices of a layer and the transposes of their inverses, by key-value head. */
export interface Bases {
  readonly matrices: readonly Square[];
  readonly undoing: readonly Square[];
}

/** How far from what it should be a matrix may be, in units of its entries. */
const ROUNDING = 1e-9;

/** Scales of queries' and keys' norms, where there are any. */
export interface HeadNorms {
  readonly query?: Float64Array | undefined;
  readonly key?: Float64Array | undefined;
}

/**
 * Stops where a matrix of the residual stream leaves another model.
 *
 * @throws InputError `merge/basis`
 */
export async function checkResidual(
  { architecture, name }: PlacedModel,
  Q: Float64Array,
  products: Products,
): Promise<void> {
  const n = architecture.d_model;
  checkSize("residual", Q.length, n * n);
  if (architecture.writeNorms === true) {
    throw wrong(
      "residual",
      `is given for ${name}, whose blocks have norms of what they write: their scales are in no other basis`,
      "Align it without a rotation of the residual stream.",
    );
  }
  const gram = new Float64Array(n * n);
  const rows = { data: Q, rows: n, length: n };
  await products.addTo(gram, rows, rows);
  for (let i = 0; i < n; i++) gram[i * n + i] = (gram[i * n + i] as number) - 1;
  const off = gram.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  if (!(off <= ROUNDING)) {
    throw wrong(
      "residual",
      `is not orthogonal: Q Qᵀ is ${off} off the identity`,
      "Give an orthogonal matrix.",
    );
  }
  if (architecture.norm !== "layer") return;
  for (let i = 0; i < n; i++) {
    const sum = Q.subarray(i * n, (i + 1) * n).reduce((total, one) => total + one, 0);
    if (Math.abs(sum - 1) <= ROUNDING * Math.sqrt(n)) continue;
    throw wrong(
      "residual",
      `makes ${sum} of 1 in row ${i} where all coordinates are 1, and LayerNorm takes away their mean`,
      "Give an orthogonal matrix that keeps the direction (1, …, 1).",
    );
  }
}

/** The matrices of values, and what undoes them. @throws InputError `merge/basis` */
export function valueBases(
  block: AttentionBlock<Shaped>,
  matrices: readonly Float64Array[],
): Bases {
  return invertible(`${block.name} values`, block, matrices);
}

/** The matrices of keys, and what undoes them in queries. @throws InputError `merge/basis` */
export function keyBases(
  block: AttentionBlock<Shaped>,
  matrices: readonly Float64Array[],
  norms: HeadNorms,
): Bases {
  const what = `${block.name} keys`;
  const bases = invertible(what, block, matrices);
  const n = block.W_K.shape.d_head ?? 0;
  for (const m of matrices) {
    const size = m.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    const odd = oddEntry(block, m, n, ROUNDING * size);
    if (odd !== undefined) {
      throw wrong(
        what,
        `is no rotation and scale of each pair of coordinates that turns together: entry ${odd}`,
        "With rotary embedding, give those.",
      );
    }
    for (const scale of [norms.query, norms.key]) {
      if (scale === undefined || keepsNorm(m, n, scale)) continue;
      throw wrong(
        what,
        "is no rotation of coordinates that the norm of queries and keys scales equally",
        "Give the identity where scales differ.",
      );
    }
  }
  return bases;
}

/** @throws InputError `merge/basis` */
export function checkNeurons(block: MlpBlock<Shaped>, whole: boolean, scales: Float64Array): void {
  const what = `${block.name} neurons`;
  checkSize(what, scales.length, block.W_in.shape.d_mlp ?? 0);
  const gated = block.W_gate !== undefined;
  if (!whole || block.postNorm !== undefined || !(gated || block.activation === "relu")) {
    throw wrong(
      what,
      `have scales, and ${gated ? "something is added to or normed behind the gate" : `${block.activation} has none free`}`,
      "Leave them out: scales are free in gated MLPs, and with ReLU.",
    );
  }
  const odd = scales.findIndex((s) => !Number.isFinite(s) || s === 0 || (!gated && s < 0));
  if (odd === -1) return;
  throw wrong(
    what,
    `are scaled by ${scales[odd]} at ${odd}`,
    `Give numbers ${gated ? "other than" : "above"} 0.`,
  );
}

/** How many coordinates of queries and keys turn, and which one turns together with each of them. */
export function partnerOf(
  { rotary }: Pick<AttentionBlock<Shaped>, "rotary">,
  i: number,
): number | undefined {
  const pairs = rotary?.frequencies.length ?? 0;
  if (rotary === undefined || i >= 2 * pairs) return undefined;
  if (rotary.pairing === "adjacent") return i % 2 === 0 ? i + 1 : i - 1;
  return i < pairs ? i + pairs : i - pairs;
}

/** An entry that is not as a rotation and scale within pairs has it; undefined where there is none. */
function oddEntry(
  block: AttentionBlock<Shaped>,
  m: Square,
  n: number,
  atol: number,
): string | undefined {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [p, q] = [partnerOf(block, i), partnerOf(block, j)];
      if (p === undefined && q === undefined) continue;
      const own = p !== undefined && (j === i || j === p);
      // z of the pair: the diagonal twice, and ± what is beside it.
      const expected = !own ? 0 : j === i ? (m[p * n + p] as number) : -(m[j * n + i] as number);
      if (Math.abs((m[i * n + j] as number) - expected) > atol) return `[${i}, ${j}]`;
    }
  }
  return undefined;
}

/** Whether `M` is orthogonal and may stand before or behind `diag(scale)`. */
function keepsNorm(m: Square, n: number, scale: Float64Array): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const apart = (m[i * n + j] as number) * ((scale[j] as number) - (scale[i] as number));
      if (Math.abs(apart) > ROUNDING) return false;
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < n; k++) sum += (m[i * n + k] as number) * (m[j * n + k] as number);
      if (Math.abs(sum) > ROUNDING) return false;
    }
  }
  return true;
}

function invertible(
  what: string,
  { W_K }: AttentionBlock<Shaped>,
  matrices: readonly Float64Array[],
): Bases {
  const [heads, n] = [W_K.shape.kv_head ?? 0, W_K.shape.d_head ?? 0];
  checkSize(what, matrices.length, heads);
  const undoing = matrices.map((m, head) => {
    checkSize(`${what}[${head}]`, m.length, n * n);
    const back = inverted(m, n);
    if (back !== undefined) return transposedOf(back, n);
    throw wrong(`${what}[${head}]`, "has no inverse", "Give invertible matrices.");
  });
  return { matrices, undoing };
}

function transposedOf(m: Square, n: number): Square {
  return m.map((_, at) => m[(at % n) * n + Math.floor(at / n)] as number);
}

function checkSize(what: string, got: number, expected: number): void {
  if (got === expected) return;
  throw wrong(what, `has ${got} entries; the model needs ${expected}`, "Give one for each.");
}

function wrong(what: string, says: string, remedy: string): Error {
  return refuse("basis", `${what} ${says}.`, remedy, { what });
}
