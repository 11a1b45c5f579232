import { InputError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { Fields } from "./fields.ts";
import { MAX_EDGES, MAX_NODES } from "./limits.ts";
import type { GraphNode } from "./node.ts";

/**
 * An attribution graph (Ameisen et al. 2025): tokens, features, errors and logits of one prompt, and between them
 * direct effects. All that its file has beside that is kept, and written again by `graphFile`.
 */
export interface AttributionGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: GraphEdges;
  /** Links of the file that have no ends here: they take part in nothing, and are written again. */
  readonly outside: readonly OutsideLink[];
  /** `slug, scan, prompt, prompt_tokens` and whatever else the file says of itself. */
  readonly metadata: Fields;
  /** What a viewer shows: `pinnedIds, supernodes, linkType, clickedId, …`. */
  readonly qParams: Fields;
  /** Everything else that the file has at its top, as `qk_only_nodes`. */
  readonly fields: Fields;
  /** What was odd in the file, named. */
  readonly warnings: readonly Warning[];
}

/** Edges in the order of the file. The weight is the direct effect of the source on the target. */
export interface GraphEdges {
  /** Indices into the nodes. */
  readonly source: Int32Array;
  readonly target: Int32Array;
  readonly weight: Float64Array;
  /** Links that have more than source, target and a weight as a number, as they stand in the file, by edge. */
  readonly fields: ReadonlyMap<number, Fields>;
}

/** A link of a file whose ends are not known. */
export interface OutsideLink {
  /** Edges that stand before it in the file. */
  readonly after: number;
  /** An end that is not there, or an id that several nodes have. */
  readonly why: "missing-node" | "duplicate-node-id";
  readonly fields: Fields;
}

/** The texts of the prompt's tokens. */
export function promptTokens({ metadata }: Pick<AttributionGraph, "metadata">): readonly string[] {
  const tokens: unknown = metadata.prompt_tokens;
  return Array.isArray(tokens) ? tokens.map(String) : [];
}

/** Which of the nodes are of a kind: their indices. */
export function nodesOfKind(
  { nodes }: Pick<AttributionGraph, "nodes">,
  kind: GraphNode["kind"],
): number[] {
  return nodes.flatMap((node, i) => (node.kind === kind ? [i] : []));
}

/** `dictionary/too-many`: more nodes or edges than a graph may have. */
export function checkCounts(nodes: number, edges: number): void {
  const refuse = (what: string, got: number, limit: number): never => {
    throw new InputError({
      code: "dictionary/too-many",
      message: `The graph has ${got} ${what}; the limit is ${limit}.`,
      remedy: "Prune it where it was made, or attribute fewer features.",
      details: { what, got, limit },
    });
  };
  if (nodes > MAX_NODES) refuse("nodes", nodes, MAX_NODES);
  if (edges > MAX_EDGES) refuse("edges", edges, MAX_EDGES);
}
