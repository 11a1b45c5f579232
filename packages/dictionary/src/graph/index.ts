export { cantorPair, cantorUnpair } from "./feature-number.ts";
export type { Fields } from "./fields.ts";
export {
  type AttributionGraph,
  type GraphEdges,
  nodesOfKind,
  type OutsideLink,
  promptTokens,
} from "./graph.ts";
export { type GraphFile, graphFile } from "./graph-file.ts";
export {
  cumulativeInfluence,
  type Influence,
  type InfluenceOptions,
  influence,
  logitWeights,
} from "./influence.ts";
export { type Kept, keptGraph } from "./kept.ts";
export { withLabels } from "./labels.ts";
export { type GraphLayout, graphLayout, type LayoutOptions, type PlacedNode } from "./layout.ts";
export { type GraphNode, type NodeKind, nodeName } from "./node.ts";
export { countPaths, type PathCounts } from "./path-counts.ts";
export type { PathMeasure, PathMeasureOptions, PathOptions } from "./path-measure.ts";
export {
  pinnedIds,
  type Supernode,
  subgraph,
  supernodes,
  unpinnedAsErrors,
  withPins,
} from "./pins.ts";
export { type Pruned, type PruneOptions, pruneGraph } from "./prune.ts";
export { type ReadGraphOptions, readGraph } from "./read-graph.ts";
export {
  errorFields,
  featureFields,
  type LogitFields,
  logitFields,
  tokenFields,
} from "./records.ts";
export { type GraphScores, graphScores, prunedBefore } from "./scores.ts";
export {
  type SignedTotals,
  type SignedTotalsOptions,
  signedTotals,
  type TotalByEdges,
} from "./signed-totals.ts";
export {
  type GraphPath,
  type StrongestPaths,
  type StrongestPathsOptions,
  strongestPaths,
} from "./strongest-paths.ts";
export { type GroupEdge, type GroupedGraph, groupGraph } from "./supernodes.ts";
export { readTorchGraph, type TorchGraphOptions } from "./torch-graph.ts";
export { type Rows, type TokenOptions, type WholeGraph, wholeGraph } from "./whole-graph.ts";
