import type { GraphFile } from "../graph/graph-file.ts";

/** A graph as the text of a file that circuit-tracer and Neuronpedia read: one for the command and for a page. */
export function graphText(graph: GraphFile): string {
  return `${JSON.stringify(graph)}\n`;
}
