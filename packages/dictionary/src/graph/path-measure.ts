import { InputError } from "@resolvent/tensor";
import { someNames } from "@resolvent/transformer";
import type { AttributionGraph } from "./graph.ts";
import { checkWeights, logitWeights } from "./influence.ts";
import { type GraphMatrix, matrixOf, normalised, withValues } from "./matrix.ts";
import type { GraphNode } from "./node.ts";

/**
 * What a path is worth: the product over its edges of
 *
 * - `influence`: shares `Â[t,s]`, times the weight of its logit. All paths from a node add up to its influence.
 * - `effect`: `A[t,s] / a_t`, which is the source's share of the target's activation, with its sign; of the last edge
 *   `A[t,s]`. All paths add up to the logit, but for the biases, which are in no node.
 * - `weight`: `A[t,s]` as it stands.
 */
export type PathMeasure = "influence" | "effect" | "weight";

export interface PathMeasureOptions {
  /** Default `influence`. */
  readonly measure?: PathMeasure;
  /**
   * What the end of a path counts, a number for each node: 1 for a logit, −1 for another to see their difference.
   * Default the probabilities of the logits.
   */
  readonly weights?: Float64Array;
}

export interface PathOptions extends PathMeasureOptions {
  /** Indices of the nodes that paths begin at; default all without inputs: tokens and errors. */
  readonly from?: readonly number[];
}

/** The factors of a measure: one for each entry of the matrix, one for each end. */
export interface PathFactors {
  readonly matrix: GraphMatrix;
  readonly weights: Float64Array;
}

/** @throws InputError `dictionary/no-activation`, for effects in a file without activations; `dictionary/bad-weights` */
export function pathFactors(
  graph: AttributionGraph,
  { measure = "influence", weights = logitWeights(graph) }: PathMeasureOptions = {},
): PathFactors {
  checkWeights(weights, graph.nodes.length);
  const matrix = matrixOf(graph);
  if (measure === "influence") return { matrix: normalised(matrix), weights };
  return { matrix: measure === "weight" ? matrix : activationShares(graph, matrix), weights };
}

/** `A[t,s] / a_t`; of a logit `A[t,s]`. */
function activationShares({ nodes }: AttributionGraph, matrix: GraphMatrix): GraphMatrix {
  const { size, starts, values } = matrix;
  const shares = new Float64Array(values.length);
  const silent: number[] = [];
  for (let t = 0; t < size; t++) {
    const [from, to] = [starts[t] ?? 0, starts[t + 1] ?? 0];
    const node = nodes[t];
    const scale = node?.kind === "logit" ? 1 : node?.activation;
    if (from === to) continue;
    if (scale) for (let e = from; e < to; e++) shares[e] = (values[e] ?? 0) / scale;
    else silent.push(t);
  }
  if (silent.length === 0) return withValues(matrix, shares);
  throw noActivation(nodes, silent);
}

/** `dictionary/no-activation`: nodes of whose value nothing can be a share. */
export function noActivation(nodes: readonly GraphNode[], silent: readonly number[]): InputError {
  const ids = silent.map((i) => nodes[i]?.id ?? "");
  return new InputError({
    code: "dictionary/no-activation",
    message: `${ids.length} nodes with inputs have no activation, of which an effect would be a share: ${someNames(ids)}.`,
    remedy: "Ask for influence, which needs none.",
    details: { nodes: ids },
  });
}

/** The nodes that paths begin at: those asked for, else all without inputs. */
export function startsOf(
  { size, starts }: GraphMatrix,
  from: readonly number[] | undefined,
): readonly number[] {
  if (from === undefined) {
    return Array.from({ length: size }, (_, i) => i).filter((i) => starts[i] === starts[i + 1]);
  }
  const odd = from.find((i) => !(Number.isInteger(i) && i >= 0 && i < size));
  if (odd === undefined) return [...new Set(from)];
  throw new InputError({
    code: "dictionary/no-node",
    message: `There is no node ${odd}: the graph has ${size}.`,
    remedy: "Paths begin at indices of nodes.",
    details: { node: odd, nodes: size },
  });
}
