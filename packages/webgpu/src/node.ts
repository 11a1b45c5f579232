import type { GateKind } from "@resolvent/tensor";
import type { Around, Loop, ProductLoops } from "@resolvent/tensor/rules";
import type { Block } from "./pool.ts";
import type { Form, Making } from "./tensor.ts";

/** Functions of one entry. */
export type MapName = "copy" | "scale" | "exp" | "log" | "sqrt" | GateKind;
/** Functions of two entries. */
export type ZipName = "add" | "sub" | "mul" | "div";
/** What goes along an axis: of the first two the results keep it. */
export type RowsName = "center" | "softmax" | "rms" | "logsumexp" | "sum";

/** A turn of pairs of entries by the angle of their position. */
export interface Turn {
  readonly axis: Loop;
  readonly pos: Loop;
  readonly pairs: number;
  readonly start: number;
  readonly adjacent: boolean;
  readonly transpose: boolean;
}

/** How the numbers of a node come about. */
export type Work =
  /** They were written from the host, which keeps lists of rows. */
  | { readonly type: "stored"; readonly list?: Int32Array }
  | { readonly type: "fill"; readonly value: number }
  /** Each entry from one entry of each source. */
  | { readonly type: "point"; readonly name: MapName | ZipName; readonly factor: number }
  | { readonly type: "turn"; readonly turn: Turn }
  | {
      readonly type: "rows";
      readonly name: RowsName;
      readonly around: Around;
      readonly eps: number;
      /** `[after, queries, offset, window]` of `maskNumbers`. */
      readonly mask: readonly number[] | undefined;
    }
  | { readonly type: "product"; readonly loops: ProductLoops }
  /** Its sources one after the other, each with its places in the result. */
  | { readonly type: "concat"; readonly into: readonly Loops[] }
  /** Sums of the entries of its source by row: sources are the numbers, where rows start, and their order. */
  | { readonly type: "put"; readonly around: Around; readonly count: number };

/** For each entry, counted through, the place of a number: the loops' steps and what comes before. */
export interface Loops {
  readonly loops: readonly { readonly size: number; readonly step: number }[];
  readonly start: number;
}

/** The same through a list of rows: entry `[outer, row, inner]` is at `[outer, rows[row], inner]`. */
interface Rows {
  readonly rows: Node;
  readonly count: number;
  readonly around: Around;
  readonly start: number;
}

export type Places = Loops | Rows;

/** A source of a node: another node's numbers, and where each entry finds its own. */
export interface Source {
  readonly node: Node;
  readonly places: Places;
}

/** Numbers of one operation: recorded first, made when they are needed. */
export interface Node extends Making {
  readonly work: Work;
  /** What it is made of; nothing once it is made. */
  sources: readonly Source[];
  readonly size: number;
  /** Nodes whose numbers are not there yet, and which need these. */
  readonly users: Set<Node>;
  /** Where they are, once they are there. */
  block: Block | undefined;
  /** Why they never will be. */
  failed: unknown;
}

/** Entry by entry, from a place on. */
export function inLine(size: number, start = 0): Loops {
  return { loops: size === 1 ? [] : [{ size, step: 1 }], start };
}

/** Whether an entry's place is its own number. */
export function isInLine(places: Places, size: number): boolean {
  if ("rows" in places || places.start !== 0) return false;
  const [loop, more] = places.loops;
  if (loop === undefined) return size === 1;
  return more === undefined && loop.step === 1 && loop.size === size;
}

/** A node of which its sources do not know. */
export function nodeOf(
  work: Work,
  size: number,
  sources: readonly Source[],
  form: Form = "f32",
): Node {
  return {
    ...{ work, sources, size, form, handles: 0 },
    ...{ users: new Set(), block: undefined, failed: undefined },
  };
}

/** A node that is not there yet; it uses its sources until it is. */
export function recorded(...made: Parameters<typeof nodeOf>): Node {
  const node = nodeOf(...made);
  for (const each of usedBy(node)) each.users.add(node);
  return node;
}

/** The nodes that a node reads. */
export function usedBy({ sources }: Node): Node[] {
  return sources.flatMap(({ node, places }) => ("rows" in places ? [node, places.rows] : [node]));
}
