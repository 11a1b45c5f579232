import type { Shaped } from "@resolvent/tensor";
import { checkCounts, type GraphEdges } from "../graph/graph.ts";
import type { ActiveFeature } from "./active-features.ts";
import { columnsOf, positionsOf } from "./columns.ts";
import type { Entering } from "./graph-sources.ts";
import type { ReplacedRun } from "./replaced-run.ts";
import type { RowNumbers } from "./row-chunks.ts";

/** Rows that become edges. */
export interface EdgeList {
  /** The index of the first logit among the nodes: behind features, errors and tokens. */
  readonly firstLogit: number;
  /** Rows of the nodes of these indices, which rise from call to call. */
  add(
    places: readonly number[],
    rows: { readonly numbers: RowNumbers; readonly constants: ArrayLike<number> },
  ): void;
  finish(logits: number): {
    readonly edges: GraphEdges;
    readonly constants: Float64Array;
    readonly remainders: Float64Array;
    /** Edges, constant and remainder of each row together. */
    readonly sums: Float64Array;
  };
}

/** Gathers rows as the edges of a graph, sources in the order of the nodes. */
export function edgeList<T extends Shaped>(
  { run, replacements }: Pick<ReplacedRun<T>, "run" | "replacements">,
  sources: readonly Entering<T>[],
  features: readonly ActiveFeature[],
): EdgeList {
  const columns = columnsOf(sources, [
    ...features.map((one) => ({ kind: "feature" as const, ...one })),
    ...replacements.flatMap(({ layer }) => positionsOf("error", layer, run.positions)),
    ...positionsOf("token", null, run.positions),
  ]);
  const firstLogit = features.length + (replacements.length + 1) * run.positions;
  const parts: { source: Int32Array; target: Int32Array; weight: Float64Array }[] = [];
  const beside = new Map<number, { constant: number; remainder: number; sum: number }>();
  let count = 0;
  return {
    firstLogit,
    add: (places, { numbers, constants }) => {
      const room = places.length * columns.length;
      const made = {
        source: new Int32Array(room),
        target: new Int32Array(room),
        weight: new Float64Array(room),
      };
      let next = 0;
      places.forEach((target, row) => {
        let constant = constants[row] ?? 0;
        let remainder = 0;
        numbers.forEach((group) => {
          constant += group?.constant?.[row] ?? 0;
          remainder += group?.rest?.[row] ?? 0;
        });
        let sum = constant + remainder;
        columns.forEach((column, source) => {
          if (column === undefined) return;
          const { group, part, place } = column;
          const data = numbers[group]?.[part];
          const weight = data?.[row * (data.length / places.length) + place] ?? 0;
          if (weight === 0) return;
          sum += weight;
          made.source[next] = source;
          made.target[next] = target;
          made.weight[next++] = weight;
        });
        beside.set(target, { constant, remainder, sum });
      });
      count += next;
      checkCounts(firstLogit, count);
      parts.push({
        source: made.source.slice(0, next),
        target: made.target.slice(0, next),
        weight: made.weight.slice(0, next),
      });
    },
    finish: (logits) => {
      const edges = {
        source: new Int32Array(count),
        target: new Int32Array(count),
        weight: new Float64Array(count),
        fields: new Map(),
      };
      let at = 0;
      for (const { source, target, weight } of parts) {
        edges.source.set(source, at);
        edges.target.set(target, at);
        edges.weight.set(weight, at);
        at += source.length;
      }
      const nodes = Array.from({ length: firstLogit + logits }, (_, i) => beside.get(i));
      return {
        edges,
        constants: Float64Array.from(nodes, (one) => one?.constant ?? 0),
        remainders: Float64Array.from(nodes, (one) => one?.remainder ?? 0),
        sums: Float64Array.from(nodes, (one) => one?.sum ?? 0),
      };
    },
  };
}
