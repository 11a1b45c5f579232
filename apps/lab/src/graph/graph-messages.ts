import type { Table } from "@resolvent/analysis";
import type { GraphResult } from "@resolvent/dictionary/presentations";
import type { Shares, ShownEdge, ShownGraph, ShownNode } from "./kept-graph.ts";

/** What the worker of graphs is asked; it keeps one graph. */
export type GraphQuestion =
  | { readonly ask: "open"; readonly name: string; readonly bytes: ArrayBuffer }
  | { readonly ask: "take"; readonly result: GraphResult }
  | { readonly ask: "show"; readonly shares: Shares }
  | { readonly ask: "node"; readonly name: string }
  | { readonly ask: "edge"; readonly key: string }
  /** All edges of the graph as it is pruned so, of which few are drawn. */
  | { readonly ask: "edges"; readonly shares: Shares }
  | { readonly ask: "text" };

/** What it answers to each. */
export interface GraphAnswers {
  readonly open: null;
  readonly take: null;
  readonly show: ShownGraph;
  readonly node: ShownNode | null;
  readonly edge: ShownEdge | null;
  readonly edges: Table | null;
  readonly text: ArrayBuffer;
}

export type GraphRequest = GraphQuestion & { readonly id: number };

export type GraphReply =
  | { readonly id: number; readonly answer: GraphAnswers[keyof GraphAnswers] }
  | {
      readonly id: number;
      readonly failure: { readonly message: string; readonly remedy: string | undefined };
    };
