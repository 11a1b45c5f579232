import type { AttributionGraph } from "../src/graph/index.ts";

/** A whole matrix, row = target. */
export type Dense = number[][];

/** The matrix of a graph, from its edges one by one. */
export function dense({ nodes, edges }: AttributionGraph): Dense {
  const matrix = zeros(nodes.length);
  edges.weight.forEach((weight, e) => {
    const row = matrix[edges.target[e] as number] as number[];
    row[edges.source[e] as number] = (row[edges.source[e] as number] as number) + weight;
  });
  return matrix;
}

function zeros(size: number): Dense {
  return Array.from({ length: size }, () => new Array<number>(size).fill(0));
}

/** `|A| / max(row sum, 1e-10)`. */
export function shares(matrix: Dense): Dense {
  return matrix.map((row) => {
    const sum = row.reduce((so, one) => so + Math.abs(one), 0);
    return row.map((one) => Math.abs(one) / Math.max(sum, 1e-10));
  });
}

function rowTimes(row: readonly number[], matrix: Dense): number[] {
  return row.map((_, s) => row.reduce((sum, own, t) => sum + own * (matrix[t]?.[s] ?? 0), 0));
}

/** `wM, wM², …` until nothing is left. */
export function powers(weights: readonly number[], matrix: Dense): number[][] {
  const terms: number[][] = [];
  for (let term = rowTimes(weights, matrix); term.some((one) => one !== 0); ) {
    terms.push(term);
    term = rowTimes(term, matrix);
  }
  return terms;
}

/** `w (M + M² + …)` by solving `I (1 − M) = wM` with Gauss's elimination: no series at all. */
export function solved(weights: readonly number[], matrix: Dense): number[] {
  const n = weights.length;
  const right = rowTimes(weights, matrix);
  // Transposed: Σ_t I[t] (δ − M)[t][s] = right[s].
  const rows = right.map((value, s) => [
    ...matrix.map((row, t) => (t === s ? 1 : 0) - (row[s] as number)),
    value,
  ]);
  for (let p = 0; p < n; p++) {
    let best = p;
    for (let i = p; i < n; i++)
      if (Math.abs(rows[i]?.[p] as number) > Math.abs(rows[best]?.[p] as number)) best = i;
    [rows[p], rows[best]] = [rows[best] as number[], rows[p] as number[]];
    const pivot = rows[p] as number[];
    rows.forEach((row, i) => {
      if (i === p) return;
      const factor = (row[p] as number) / (pivot[p] as number);
      if (factor !== 0)
        for (let j = p; j <= n; j++) row[j] = (row[j] as number) - factor * (pivot[j] as number);
    });
  }
  return rows.map((row, i) => (row[n] as number) / (row[i] as number));
}

export function weightsOf({ nodes }: AttributionGraph): number[] {
  return nodes.map(({ probability }) => probability ?? 0);
}

/** The value at which the cumulative share of sorted values first reaches a threshold. */
function threshold(values: readonly number[], share: number): number {
  const falling = values.toSorted((a, b) => b - a);
  const sum = falling.reduce((so, one) => so + one, 0);
  let so = 0;
  const at = falling.findIndex((value) => {
    so += value;
    return so / sum >= share;
  });
  return falling[at < 0 ? falling.length - 1 : at] as number;
}

/** Which nodes and entries circuit-tracer keeps, in whole matrices. */
export function pruned(
  graph: AttributionGraph,
  nodeShare: number,
  edgeShare: number,
): { readonly nodes: boolean[]; readonly edges: boolean[][] } {
  const kinds = graph.nodes.map(({ kind }) => kind);
  const ends = kinds.map((kind) => kind === "token" || kind === "logit");
  const matrix = dense(graph);
  const weights = weightsOf(graph);
  const influence = solved(weights, shares(matrix));
  const least = threshold(influence, nodeShare);
  const nodes = influence.map((one, i) => one >= least || (ends[i] as boolean));
  const left = matrix.map((row, t) => row.map((one, s) => (nodes[t] && nodes[s] ? one : 0)));
  const part = shares(left);
  const second = solved(weights, part);
  const scores = part.map((row, t) =>
    row.map((one) => one * ((second[t] as number) + (weights[t] as number))),
  );
  const leastScore = threshold(scores.flat(), edgeShare);
  const edges = scores.map((row, t) =>
    row.map((one, s) => one >= leastScore && left[t]?.[s] !== 0),
  );
  for (let before = ""; before !== JSON.stringify(nodes); ) {
    before = JSON.stringify(nodes);
    edges.forEach((row, t) => {
      row.forEach((_, s) => {
        if (!nodes[t] || !nodes[s]) row[s] = false;
      });
    });
    nodes.forEach((kept, i) => {
      if (!kept || ends[i]) return;
      const isRead = edges.some((row) => row[i]);
      const reads = (edges[i] as boolean[]).some((one) => one);
      nodes[i] = isRead && (reads || kinds[i] !== "feature");
    });
  }
  return { nodes, edges };
}

/** All paths from nodes without inputs to weighted ones, made one by one. */
export function everyPath(
  matrix: Dense,
  weights: readonly number[],
): { readonly nodes: number[]; readonly value: number }[] {
  const found: { nodes: number[]; value: number }[] = [];
  const back = (nodes: number[], value: number): void => {
    const row = matrix[nodes[0] as number] as number[];
    if (row.every((one) => one === 0)) {
      if (nodes.length > 1) found.push({ nodes, value });
      return;
    }
    row.forEach((one, s) => {
      if (one !== 0) back([s, ...nodes], value * one);
    });
  };
  weights.forEach((weight, node) => {
    if (weight !== 0) back([node], weight);
  });
  return found;
}
