import { fileBytes, type TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { memorySource } from "@resolvent/weights";
import { type AttributionGraph, promptTokens } from "../graph/graph.ts";
import { graphFile } from "../graph/graph-file.ts";
import { MAX_GRAPH_CHARACTERS } from "../graph/limits.ts";
import { nodeName } from "../graph/node.ts";
import { readGraph } from "../graph/read-graph.ts";
import { prunedBefore } from "../graph/scores.ts";
import { readTorchGraph } from "../graph/torch-graph.ts";
import { type GraphAsked, graphFacts } from "./graph-facts.ts";
import { labelled } from "./graph-labels.ts";
import type { GraphResult } from "./graph-result.ts";

/** Bytes of a file at most: a matrix of 11,000 nodes in float32, and as many characters as a JSON text may have. */
const MAX_GRAPH_BYTES = MAX_GRAPH_CHARACTERS;

/** Anyone's graph file, JSON or `.pt`: counts, scores, influence, and what pruning leaves. No model is needed. */
export async function importedGraph(
  file: TextFile,
  asked: GraphAsked & { readonly labels?: TextFile | undefined },
  signal: AbortSignal | undefined,
): Promise<GraphResult> {
  const graph = await labelled(await fileGraph(file, signal), asked.labels);
  return importedResult(graph, file.name, asked);
}

/** The whole graph in a file, JSON or `.pt`. */
export async function fileGraph(file: TextFile, signal?: AbortSignal): Promise<AttributionGraph> {
  const bytes = await fileBytes(file, MAX_GRAPH_BYTES, "dictionary/too-many");
  signal?.throwIfAborted();
  return await readAny(bytes, file.name, signal);
}

/** What is said of a graph that came in a file, and what pruning leaves of it. */
export function importedResult(
  graph: AttributionGraph,
  name: string,
  asked: GraphAsked,
): GraphResult {
  const { facts, pruned } = graphFacts(graph, asked, "influence");
  const { slug, scan } = graph.metadata;
  const texts = promptTokens(graph);
  const ids = new Map(
    graph.nodes.flatMap(({ kind, position, feature }) =>
      kind === "token" && feature !== null ? [[position, feature] as const] : [],
    ),
  );
  return {
    ...{ schemaVersion: 1, kind: "attribution-graph" },
    model: { name: String(scan), sha256: null, architecture: "unknown", blocks: [] },
    ...{ engine: null, precision: null, freeze: [], reference: null, weightProcessing: "none" },
    input: { tokens: texts.map((text, position) => ({ id: ids.get(position) ?? -1, text })) },
    file: {
      ...{ name, slug: String(slug), scan: String(scan) },
      prunedBefore: prunedBefore(graph),
    },
    ...{ dictionaries: [], features: null, rows: null },
    ...facts,
    logits: graph.nodes.flatMap((node) => {
      const { kind, feature, probability } = node;
      if (kind !== "logit") return [];
      const text = nodeName(node).replace(/^logit /, "");
      return [{ token: { id: feature ?? -1, text }, probability, value: null, total: null }];
    }),
    ...{
      target: null,
      constant: null,
      total: null,
      degrees: [],
      steps: null,
      hops: [],
      verified: [],
      ablated: [],
    },
    graph: graphFile(pruned?.graph ?? graph),
    ...{ certificate: null, warnings: graph.warnings },
  };
}

/** A torch archive is a zip, which begins so; anything else is read as JSON. */
async function readAny(
  bytes: Uint8Array,
  name: string,
  signal: AbortSignal | undefined,
): Promise<AttributionGraph> {
  const [first, second] = bytes;
  if (first === 0x50 && second === 0x4b) {
    return await readTorchGraph(memorySource(bytes, name), signal === undefined ? {} : { signal });
  }
  return readGraph(textOf(bytes, name), { name });
}

/**
 * The text in bytes.
 *
 * @throws InputError `dictionary/not-json` for what is not UTF-8
 */
function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError({
      code: "dictionary/not-json",
      message: `${name} is not UTF-8 text.`,
      remedy: "Is it the right file?",
      details: { name },
      cause,
    });
  }
}
