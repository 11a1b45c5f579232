import { InputError } from "@resolvent/tensor";
import type { AttributionGraph } from "./graph.ts";

/** The edges of a graph as a sparse matrix: row = target, column = source, as circuit-tracer has it. */
export interface GraphMatrix {
  /** Nodes. */
  readonly size: number;
  /** Row t has the entries from `starts[t]` to before `starts[t + 1]`. */
  readonly starts: Int32Array;
  /** The sources of the entries, ascending in each row. */
  readonly columns: Int32Array;
  /** Weights; none is 0. */
  readonly values: Float64Array;
}

/** The same, and how it comes from the edges. */
export interface EdgeMatrix extends GraphMatrix {
  /** The entry of each edge of the graph; −1 of those that are none: without weight, or from a bias. */
  readonly entryOf: Int32Array;
  /** Edges with the ends of an earlier one: their weights add up in one entry. */
  readonly repeated: number;
  /** Edges from biases: constants of their rows, and no entries. */
  readonly biases: number;
}

/** Graphs do not change, so that each has one matrix. */
const made = new WeakMap<object, EdgeMatrix>();

/**
 * The matrix of a graph, in memory of the order of its edges.
 *
 * @throws InputError `dictionary/bad-graph` where links with the same ends add up to no number
 */
export function matrixOf(graph: Pick<AttributionGraph, "nodes" | "edges">): EdgeMatrix {
  const known = made.get(graph.edges);
  if (known !== undefined && known.size === graph.nodes.length) return known;
  const matrix = build(graph);
  made.set(graph.edges, matrix);
  return matrix;
}

function build({ nodes, edges }: Pick<AttributionGraph, "nodes" | "edges">): EdgeMatrix {
  const { source, target, weight } = edges;
  const isBias = Uint8Array.from(nodes, ({ kind }) => (kind === "bias" ? 1 : 0));
  const order = byRows(edges, nodes.length);
  const entryOf = new Int32Array(source.length).fill(-1);
  const columns = new Int32Array(source.length);
  const rows = new Int32Array(source.length);
  const values = new Float64Array(source.length);
  let count = 0;
  let repeated = 0;
  let biases = 0;
  let first = 0; // of the edges that have the same ends
  while (first < order.length) {
    const edge = order[first] ?? 0;
    const [s, t] = [source[edge] ?? 0, target[edge] ?? 0];
    let end = first;
    let sum = 0;
    for (; end < order.length; end++) {
      const other = order[end] ?? 0;
      if (source[other] !== s || target[other] !== t) break;
      sum += weight[other] ?? 0;
    }
    if (!Number.isFinite(sum)) throw tooLarge(nodes[s]?.id, nodes[t]?.id, end - first);
    repeated += end - first - 1;
    if (isBias[s] === 1) biases += end - first;
    else if (sum !== 0) {
      for (let i = first; i < end; i++) entryOf[order[i] ?? 0] = count;
      columns[count] = s;
      rows[count] = t;
      values[count] = sum;
      count++;
    }
    first = end;
  }
  return {
    size: nodes.length,
    starts: startsOf(rows.subarray(0, count), nodes.length),
    columns: columns.slice(0, count),
    values: values.slice(0, count),
    ...{ entryOf, repeated, biases },
  };
}

/** `dictionary/bad-graph`: links with the same ends that no number holds together. */
function tooLarge(
  source: string | undefined,
  target: string | undefined,
  times: number,
): InputError {
  return new InputError({
    code: "dictionary/bad-graph",
    message: `The weights of ${times} links from ${source} to ${target} add up to no number.`,
    remedy: "Each pair of nodes has one link in what circuit-tracer writes.",
    details: { source, target, links: times },
  });
}

/** The edges by target, and those of a target by source; as files of circuit-tracer have them already. */
function byRows({ source, target }: AttributionGraph["edges"], nodes: number): Int32Array {
  const order = upTo(source.length);
  let e = 1;
  for (; e < order.length; e++) {
    const [before, own] = [target[e - 1] ?? 0, target[e] ?? 0];
    if (before > own || (before === own && (source[e - 1] ?? 0) > (source[e] ?? 0))) break;
  }
  return e >= order.length ? order : sorted(sorted(order, source, nodes), target, nodes);
}

function upTo(count: number): Int32Array {
  const items = new Int32Array(count);
  for (let i = 0; i < count; i++) items[i] = i;
  return items;
}

/** Where each key's items begin, when they are in order. */
function startsOf(keys: Int32Array, size: number): Int32Array {
  const starts = new Int32Array(size + 1);
  for (let i = 0; i < keys.length; i++) {
    const after = (keys[i] ?? 0) + 1;
    starts[after] = (starts[after] ?? 0) + 1;
  }
  for (let key = 0; key < size; key++)
    starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  return starts;
}

/** Items in the order of their keys, which are below `size`; those with the same key stay in their order. */
function sorted(items: Int32Array, keys: Int32Array, size: number): Int32Array {
  const next = startsOf(keys, size);
  const result = new Int32Array(items.length);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] ?? 0;
    const key = keys[item] ?? 0;
    const at = next[key] ?? 0;
    result[at] = item;
    next[key] = at + 1;
  }
  return result;
}

/** The same with sources as rows: row s has the targets that s acts on. */
export function transposedMatrix(matrix: GraphMatrix): GraphMatrix {
  const { size, columns, values } = matrix;
  const rows = rowsOf(matrix);
  const order = sorted(upTo(columns.length), columns, size);
  const starts = startsOf(columns, size);
  const targets = new Int32Array(order.length);
  const weights = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) {
    targets[i] = rows[order[i] ?? 0] ?? 0;
    weights[i] = values[order[i] ?? 0] ?? 0;
  }
  return { size, starts, columns: targets, values: weights };
}

/** The row of each entry. */
export function rowsOf({ size, starts, columns }: GraphMatrix): Int32Array {
  const rows = new Int32Array(columns.length);
  for (let t = 0; t < size; t++) rows.fill(t, starts[t] ?? 0, starts[t + 1] ?? 0);
  return rows;
}

/** The same matrix with other values, entry by entry. */
export function withValues(
  { size, starts, columns }: GraphMatrix,
  values: Float64Array,
): GraphMatrix {
  return { size, starts, columns, values };
}

/** Least sum of a row: a row of nothing stays nothing. As in circuit-tracer. */
const LEAST_SUM = 1e-10;

/** `Â = |A| / max(Σ of the row, 1e-10)`: what share of a node's input each source is. */
export function normalised(matrix: GraphMatrix): GraphMatrix {
  const { size, starts, values } = matrix;
  const shares = new Float64Array(values.length);
  for (let t = 0; t < size; t++) {
    const [from, to] = [starts[t] ?? 0, starts[t + 1] ?? 0];
    const sumOver = (unit: number): number => {
      let sum = 0;
      for (let e = from; e < to; e++) sum += Math.abs(values[e] ?? 0) / unit;
      return Math.max(sum, LEAST_SUM / unit);
    };
    // Only where the sum is beyond all numbers: it is rounded otherwise than that of the weights themselves.
    const unit = sumOver(1) === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : 1;
    const scale = sumOver(unit);
    for (let e = from; e < to; e++) shares[e] = Math.abs(values[e] ?? 0) / unit / scale;
  }
  return withValues(matrix, shares);
}

/** `row · M`: one number for each source. */
export function timesMatrix(
  row: Float64Array,
  { size, starts, columns, values }: GraphMatrix,
): Float64Array {
  const result = new Float64Array(size);
  for (let t = 0; t < size; t++) {
    const own = row[t] ?? 0;
    if (own === 0) continue;
    for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) {
      const s = columns[e] ?? 0;
      result[s] = (result[s] ?? 0) + own * (values[e] ?? 0);
    }
  }
  return result;
}
