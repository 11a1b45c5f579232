/** Most nodes of a graph: published ones have some thousands, and prompts of a few hundred tokens make ten times that. */
export const MAX_NODES: number = 200_000;

/**
 * Most edges of a graph: what a whole graph of 8,192 nodes can have at most, of which circuit-tracer computes the
 * features by default. They take 1 GiB as arrays, and as much again while they are sorted.
 */
export const MAX_EDGES: number = 2 ** 26;

/** Longest file of a graph, in characters: the longest text that JavaScript engines hold. */
export const MAX_GRAPH_CHARACTERS: number = 2 ** 29 - 24;

/** Most values inside each other in a file: more than any has, and few enough for whatever walks over it by calls. */
export const MAX_GRAPH_DEPTH: number = 64;

/** Numbers that the terms of a power series may take together: 128 MiB. Terms beyond are given as one sum. */
export const MAX_TERM_NUMBERS: number = 2 ** 24;

/** Most paths that are listed at once: a list that nobody reads is better computed as a sum. */
export const MAX_PATHS: number = 100_000;
