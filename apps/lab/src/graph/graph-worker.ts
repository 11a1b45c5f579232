import type { GraphResult } from "@resolvent/dictionary/presentations";
import type { GraphAnswers, GraphReply, GraphRequest } from "./graph-messages.ts";
import { openedGraph, type PrunedGraph, prunedGraph } from "./kept-graph.ts";

let kept: GraphResult | undefined;
let pruned: PrunedGraph | undefined;

async function answerTo(request: GraphRequest): Promise<GraphAnswers[keyof GraphAnswers]> {
  switch (request.ask) {
    case "open":
      kept = await openedGraph(request.name, new Uint8Array(request.bytes));
      return null;
    case "take":
      kept = request.result;
      return null;
    case "show":
      if (kept === undefined) throw new Error("There is no graph to show.");
      pruned = prunedGraph(kept, request.shares);
      return pruned.shown;
    case "node":
      return pruned?.node(request.name) ?? null;
    case "edge":
      return pruned?.edge(request.key) ?? null;
    case "edges":
      return kept === undefined ? null : prunedGraph(kept, request.shares).edges();
    case "text":
      return new TextEncoder().encode(pruned?.text() ?? "").buffer;
  }
}

addEventListener("message", ({ data }: MessageEvent<GraphRequest>) => {
  const { id } = data;
  const reply = (own: GraphReply): void => postMessage(own);
  answerTo(data).then(
    (answer) => reply({ id, answer }),
    (error: unknown) => {
      const { message = String(error), remedy } = Object(error);
      reply({ id, failure: { message, remedy: typeof remedy === "string" ? remedy : undefined } });
    },
  );
});
