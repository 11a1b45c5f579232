import { graphPresentation } from "@resolvent/dictionary/presentations";
import type { Shows } from "./known.ts";

/** An attribution graph, and its largest paths. */
export const graphShows: Shows = {
  name: "resolvent-graph",
  knows: [graphPresentation],
  tables: ["graph-edge", "graph-path"],
  remedy: "A graph that is not pruned and is large is not drawn: prune it.",
};
