import { type GraphView, percent, short, type View } from "@resolvent/analysis";
import { graphLayout } from "../graph/layout.ts";
import type { GraphResult } from "./graph-result.ts";
import { graphOf } from "./graph-tables.ts";

/** Nodes and edges that are drawn at most: more are no picture. */
const NODES = 48;
const EDGES = 80;

/** The graph in words. */
export function graphAnswer({
  nodes,
  edges,
  scores,
  pruned,
  paths,
  logits,
  target,
}: GraphResult): string[] {
  const [likeliest] = logits.toSorted((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
  const [first] = paths.shown;
  const { replacement, completeness, reason } = scores.whole;
  const share =
    replacement === null || completeness === null
      ? `it has no scores${reason === null ? "" : `: ${reason}`}`
      : `of its influence on what comes next ${percent(replacement)} begins at tokens and not at what features leave unexplained (of inputs: ${percent(completeness)})`;
  return [
    ...(target === null
      ? []
      : [`After this text the model’s ${target.readout} is ${short(target.value)}.`]),
    `The graph has ${nodes.toLocaleString("en")} nodes and ${edges.toLocaleString("en")} edges; ${share}.`,
    ...(pruned === null
      ? []
      : [
          `Pruned it has ${pruned.nodes.toLocaleString("en")} nodes and ${pruned.edges.toLocaleString("en")} edges.${
            first === undefined || (likeliest === undefined && target === null)
              ? ""
              : ` The largest path is ${first.nodes.join(" → ")}, ${short(first.effect)}.`
          }`,
        ]),
  ];
}

/** The target by degree, and its paths through heads and features. */
function targetViews({ target, steps }: GraphResult): View[] {
  if (target === null || steps === null) return [];
  const checked = steps.shown.some(({ verified }) => verified !== null);
  return [
    {
      ...({ mark: "bars", table: "graph-degree", y: "degree", x: "replaced" } as const),
      twin: "model",
      title: "By degree, in features and in the model itself",
      note: "Degree k is all paths that pass through k blocks. Thick: with features in the places of MLPs; thin: the model itself. Both add up to the target.",
    },
    {
      ...({ mark: "list", table: "graph-step-path", rest: true } as const),
      columns: ["path", "degree", "effect", "model", ...(checked ? ["frozen", "live"] : [])],
      title: steps.exhaustive
        ? "The largest paths through heads and features"
        : "Large paths through heads and features, found by search",
      note: "Each step is a head or a feature. MLPs whole: the same path of the model itself.",
    },
  ];
}

/** The drawing of a graph: its most influential nodes in layers and columns; none where a cycle leaves no choice of them. */
export function graphDrawing(
  result: GraphResult,
  { nodes: most, edges }: { readonly nodes: number; readonly edges: number },
): GraphView | undefined {
  const graph = graphOf(result);
  if (result.pruned === null && graph.nodes.length > most) return undefined;
  const { layers, left, nodes } = graphLayout(graph, { nodesAtMost: most });
  const columns = result.input.tokens.map((_, position) =>
    nodes.filter((node) => node.position === position).map(({ name }) => name),
  );
  return {
    ...({ mark: "graph", table: "graph-edge", from: "from", to: "to" } as const),
    ...{ value: "weight", layers, columns, most: edges },
    title: "The graph",
    note: `Layers from below to above, tokens at the bottom, logits on top; positions (@) from left to right. Wider edges are larger, dashed ones speak against their target.${left.nodes > 0 ? ` ${left.nodes} nodes with less influence are not drawn.` : ""}`,
  };
}

export function graphViews(result: GraphResult): View[] {
  const { paths, influence, hops, logits, input } = result;
  const graph = graphOf(result);
  const drawing = graphDrawing(result, { nodes: NODES, edges: EDGES });
  return [
    ...(drawing === undefined ? [] : [drawing]),
    ...(paths.shown.length === 0
      ? []
      : [
          {
            ...({ mark: "list", table: "graph-path", rest: true } as const),
            columns: ["path", "edges", "effect"],
            title:
              paths.measure === "effect"
                ? "The largest paths"
                : "The paths with the most influence",
            note: "From a token or an error through features to a logit; the last row is the exact sum of all others.",
          },
        ]),
    ...(influence.length === 0
      ? []
      : [
          {
            ...({ mark: "bars", table: "graph-influence", y: "edges", x: "tokens" } as const),
            twin: "errors",
            title: "How long the ways are",
            note: "Influence by number of edges: thick, of tokens; thin, of errors. An edge may pass any number of attention blocks.",
          },
        ]),
    ...targetViews(result),
    {
      ...({ mark: "list", table: "graph-node" } as const),
      columns: [
        "node",
        "activation",
        "influence",
        ...(graph.nodes.some(({ kind, label }) => kind === "feature" && label !== "")
          ? ["label"]
          : []),
      ],
      title: "The nodes with the most influence",
      note: `Features are L2.F88@4: layer, number, position. The prompt has ${input.tokens.length} positions.`,
    },
    {
      ...({ mark: "list", table: "graph-edge" } as const),
      columns:
        graph.edges.fields.size > 0
          ? ["from", "to", "weight", "straight", "degree"]
          : ["from", "to", "weight"],
      title: "The largest edges",
    },
    ...(hops.length === 0
      ? []
      : [
          {
            ...({ mark: "list", table: "edge-head" } as const),
            columns: ["from", "to", "weight", "head", "query", "key", "effect", "pattern"],
            title: "Which head moves an edge",
          },
          {
            ...({ mark: "list", table: "edge-head-side" } as const),
            columns: ["head", "query", "key", "side", "node", "effect"],
            title: "Why that head looks there",
            note: "The score before the softmax, taken apart on its query side and on its key side.",
          },
        ]),
    ...(logits.length === 0
      ? []
      : [
          {
            ...({ mark: "list", table: "graph-logit" } as const),
            columns: ["text", "probability"],
            title: "The logits that are explained",
          },
        ]),
  ];
}
