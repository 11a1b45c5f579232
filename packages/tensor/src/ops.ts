import type { Fusions } from "./fusions.ts";
import type { GateKind } from "./gate-kind.ts";
import type { Half } from "./half.ts";
import type { Axis, Ids, Shape, Shaped } from "./shape.ts";

export type { GateKind } from "./gate-kind.ts";
export type { Ids } from "./shape.ts";

/**
 * Which keys a query sees: key `j` is visible from query `i` when `j ≤ i + offset`, and,
 * where there is a window, `j > i + offset − window`.
 */
export interface CausalMask {
  /** The axis that counts queries. */
  readonly query: Axis;
  /** Keys that lie before the first query; default 0. */
  readonly offset?: number;
  /** How many of the latest keys are visible; default all. */
  readonly window?: number;
}

/**
 * Rotation angles by position and pair. A table is made once per model and passed by reference,
 * so an engine may cache its own copy by identity.
 */
export interface RotaryTable {
  /** Number of positions in the table. */
  readonly positions: number;
  /** Number of rotated pairs; `2·pairs` entries are rotated, the rest pass through. */
  readonly pairs: number;
  /** `[positions, pairs]`, row by row. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  /** Entry `i` is paired with `i + pairs` (`half`: Llama, NeoX) or `2i` with `2i + 1` (`adjacent`: GPT-J). */
  readonly pairing: "half" | "adjacent";
}

export interface RotaryOptions {
  /** Rotate by the negative angles: the transpose, which is also the inverse for a table of unit length. */
  readonly transpose?: boolean;
  /** The table row of the first position; default 0. */
  readonly start?: number;
}

/**
 * The primitives that everything is written in. A transformer block is one function over `Ops<T>`;
 * float64 reference, WebAssembly, derivatives and costs are interpreters of it.
 *
 * Axes are found by name. Values are immutable. Binary element-wise operations broadcast over axes that
 * one side lacks; axes that both have must agree in size. The result of a binary operation has the axes of
 * `a` in order, then those only `b` has; where `a`'s axes are a proper subset of `b`'s, `b`'s order.
 * All operations throw `tensor/…` input errors that name the axis, what was expected, what came, and where.
 */
export interface Ops<T extends Shaped> {
  /** A tensor from numbers in memory order. */
  constant(shape: Shape, data: ArrayLike<number>): T;
  /** A tensor with one value everywhere; `fill({}, 2)` is a scalar. */
  fill(shape: Shape, value: number): T;

  /** The same entries under other axis names: `rename(k, {pos: "key_pos"})`. */
  rename(a: T, names: Readonly<Record<Axis, Axis>>): T;
  /** One axis as several, the last fastest: `split(q, "d_attn", {head: 12, d_head: 64})`. */
  split(a: T, axis: Axis, into: Shape): T;
  /**
   * Several axes as one, the last named fastest. The joined axis stands where the first of them stood in
   * memory; of no axes, it comes first and has size 1.
   */
  join(a: T, axes: readonly Axis[], into: Axis): T;
  /** The same entries with `axes` last in memory, in that order; other axes keep their order before them. */
  arrange(a: T, axes: readonly Axis[]): T;
  /** Entries `start ≤ i < end` of an axis. */
  slice(a: T, axis: Axis, start: number, end: number): T;
  /** Tensors end to end along an axis that all of them have. Memory order is that of the first. */
  concat(parts: readonly T[], axis: Axis): T;
  /** Copies over new leading axes: `broadcast(x0, {degree: 5})`. */
  broadcast(a: T, axes: Shape): T;
  /** Rows by index: the axis is replaced, in place, by the axes of `ids`. */
  take(a: T, axis: Axis, ids: Ids): T;
  /** Transpose of `take`: adds each row to its place among `size` rows; the axes of `ids` are replaced by `axis`. */
  put(a: T, ids: Ids, axis: Axis, size: number): T;

  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  /** `factor · a` */
  scale(a: T, factor: number): T;
  exp(a: T): T;
  log(a: T): T;
  sqrt(a: T): T;
  /** `g(a) = φ(a)/a` of an activation function. */
  gate(a: T, kind: GateKind): T;

  /** Sum over the named axes. */
  sum(a: T, axes: readonly Axis[]): T;
  /**
   * Contraction over the named axes. Axes that both have and that are not contracted are batched;
   * the others are free. Result: batched axes, free axes of `a`, free axes of `b`, each in their order;
   * `last` puts the named axes last in memory instead, as `arrange` would.
   */
  matmul(a: T, b: T, over: readonly Axis[], last?: readonly Axis[]): T;
  /** `a − mean(a)` along an axis. */
  center(a: T, axis: Axis): T;
  /** `√(mean(a²) + eps)` along an axis, which is dropped. */
  rms(a: T, axis: Axis, eps: number): T;
  /** `exp(a) / Σ exp(a)` along an axis; masked entries are exactly 0. */
  softmax(a: T, axis: Axis, mask?: CausalMask): T;
  /** `log Σ exp(a)` along an axis, which is dropped. */
  logsumexp(a: T, axis: Axis): T;
  /** Turns pairs along `axis` by the angle of their position along `pos` (Su et al. 2021, eq. 34). */
  rotary(a: T, axis: Axis, pos: Axis, table: RotaryTable, options?: RotaryOptions): T;

  /**
   * Runs `body`; what it allocated and does not return (directly, or inside arrays, maps and plain objects)
   * is freed when it ends. Without effect in interpreters that own no memory. Engines refuse a body that returns a
   * promise, with `tensor/async-scope`: await outside of the scope.
   */
  scope<R>(body: () => R): R;
  /**
   * Frees everything reachable from `value` at once; using it afterwards throws. Absent, or without effect, where no
   * memory is owned; see `foldOver`.
   */
  free?(value: unknown): void;

  /** Several primitives in one pass, where the interpreter has that; see `pairDots` and `pairSums`. */
  readonly fused?: Fusions<T>;
}

/** Numbers on the host, in memory order. */
export interface Tensor extends Shaped {
  readonly data: Float64Array | Float32Array;
}

export type Precision = "f32" | "f64";

/** The largest entries of each row, on the host. */
export interface Top {
  /** Where they are along the axis. */
  readonly indices: Ids;
  readonly values: Tensor;
}

/** An interpreter that holds numbers and can give them back. */
export interface Engine<T extends Shaped> extends Ops<T> {
  /** What computes: `reference`, `cpu`. */
  readonly name: string;
  readonly precision: Precision;
  /** Bytes in use and the most there may be; absent where the engine sets no limit. */
  readonly memory?: { readonly used: number; readonly limit: number };
  /**
   * Why nothing can be computed on it any more: its device was lost, it was closed. Undefined while it computes. Whoever
   * keeps an engine looks here before it is used again, and makes another.
   */
  readonly failure?: unknown;
  /**
   * A tensor whose numbers `write` puts, in memory order, where they will stay: for weights that come from a file.
   * The array is of the engine's precision, holds anything before, and is not kept.
   */
  written(shape: Shape, write: (numbers: Float64Array | Float32Array) => void): T;
  /**
   * The same from 16-bit numbers, which `write` puts into the array as bits. An engine that can (`cpu`) keeps them
   * so, at two bytes an entry, and widens them, exactly, whenever an operation uses them: the numbers that come out
   * are those of a tensor that was widened at once, as `reference` does it.
   */
  writtenHalf(shape: Shape, half: Half, write: (bits: Uint16Array) => void): T;
  /** A copy of the numbers on the host. Awaited, because a GPU answers later. */
  read(a: T): Tensor | Promise<Tensor>;
  /**
   * The `k` largest entries along an axis, by falling value and, where they are equal, by rising index: without
   * reading all entries back. The axis comes last in memory, with size `k`; other axes keep their order before it.
   * What is not a number counts as larger than everything, so that it shows.
   *
   * Rejects with `tensor/no-axis`, and `tensor/bad-count` where `k` is not a whole number from 1 to the axis' size.
   */
  top(a: T, axis: Axis, k: number): Promise<Top>;
  free(value: unknown): void;
}

/** An engine that answers at once, as those on the CPU do. */
export interface SyncEngine<T extends Shaped> extends Engine<T> {
  read(a: T): Tensor;
}
