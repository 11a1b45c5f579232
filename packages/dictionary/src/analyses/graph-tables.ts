import {
  type Cell,
  certificateLine,
  percent,
  promptText,
  type Table,
  warningLines,
} from "@resolvent/analysis";
import { cycleIn } from "../graph/cycle.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { influence } from "../graph/influence.ts";
import { matrixOf } from "../graph/matrix.ts";
import { readGraph } from "../graph/read-graph.ts";
import { dictionaryLine } from "./dictionary-facts.ts";
import { checkTables } from "./graph-check-tables.ts";
import { nodeNames } from "./graph-facts.ts";
import { headTables } from "./graph-head-tables.ts";
import type { GraphResult, ScoreFacts } from "./graph-result.ts";
import { targetTables } from "./graph-target-tables.ts";

export const GRAPH_TABLE_KINDS: readonly string[] = [
  "graph-score",
  "graph-logit",
  "graph-node",
  "graph-edge",
  "graph-path",
  "graph-influence",
  "graph-degree",
  "graph-step-path",
  "edge-head",
  "edge-head-side",
  "edge-check",
  "node-check",
];

/** Results do not change, so that each graph is read once. */
const read = new WeakMap<object, AttributionGraph>();

/** The pruned graph of a result. */
export function graphOf({ graph }: Pick<GraphResult, "graph">): AttributionGraph {
  const known = read.get(graph) ?? readGraph(graph);
  read.set(graph, known);
  return known;
}

export function graphTables(result: GraphResult): Table[] {
  return [
    scoreTable(result),
    ...logitTable(result),
    nodeTable(result),
    edgeTable(result),
    ...pathTable(result),
    ...influenceTable(result),
    ...targetTables(result),
    ...headTables(result),
    ...checkTables(result),
  ];
}

/** What the result is about, in a line. */
function subtitleOf({ model, input, dictionaries, file, precision }: GraphResult): string {
  const count = input.tokens.length;
  const tokens = `${count} ${count === 1 ? "token" : "tokens"}: ${promptText(input.tokens)}`;
  if (file !== null) {
    const { prunedBefore: before } = file;
    const how =
      before === "whole"
        ? "whole"
        : before === "unknown"
          ? "not said whether it was pruned"
          : `pruned before to ${before.nodes} of influence`;
    return `${file.name}, of ${file.scan}, ${how}; ${tokens}`;
  }
  const [first] = dictionaries;
  const of =
    dictionaries.length === 1 && first !== undefined
      ? dictionaryLine(first)
      : `${dictionaries.length} transcoders`;
  return `${model.name}, ${of}, ${precision}; ${tokens}`;
}

function scoreTable(result: GraphResult): Table {
  const { scores, nodes, edges, kinds, pruned, features, certificate, precision, warnings } =
    result;
  const row = (of: string, score: ScoreFacts, counts: readonly (number | null)[]): Cell[] => [
    ...[of, score.replacement, score.completeness, ...counts],
  ];
  const reasons = [scores.whole.reason, scores.pruned.reason].filter((one) => one !== null);
  const counts = Object.entries(kinds).filter(([, count]) => count > 0);
  return {
    kind: "graph-score",
    title: "How much of the graph goes through features",
    subtitle: subtitleOf(result),
    columns: [
      { name: "of", head: "graph", kind: "text" },
      { name: "replacement", kind: "share", missing: "–" },
      { name: "completeness", kind: "share", missing: "–" },
      { name: "nodes", kind: "count" },
      { name: "edges", kind: "count" },
    ],
    rows: [
      row("whole", scores.whole, [nodes, edges]),
      row("pruned", scores.pruned, [pruned?.nodes ?? null, pruned?.edges ?? null]),
    ],
    notes: [
      `replacement: of the influence on the logits, what begins at tokens and not at errors; completeness: of the inputs of nodes, what is no error. The whole graph has ${counts.map(([kind, count]) => `${count.toLocaleString("en")} ${kind}${count === 1 ? "" : "s"}`).join(", ")}.`,
      ...(pruned === null
        ? []
        : [
            `pruned: nodes with ${percent(pruned.nodeThreshold)} of the influence, of what is left edges with ${percent(pruned.edgeThreshold)}`,
          ]),
      ...(features === null || features.active === features.shown
        ? []
        : [
            `${features.shown.toLocaleString("en")} of ${features.active.toLocaleString("en")} active features are nodes, those with the largest effects; what the others give is in no edge and in no score`,
          ]),
      ...[...new Set(reasons)].map((reason) => `no scores: ${reason}`),
      ...warningLines(warnings),
      ...(certificate === null || precision === null
        ? []
        : [
            certificateLine(
              "the worst of |Σ row − value| / max |value| over rows, and |Σ paths − logit| / max |logit|",
              certificate,
              { precision },
            ),
          ]),
    ],
  };
}

function logitTable({ logits, file }: GraphResult): Table[] {
  if (logits.length === 0) return [];
  return [
    {
      kind: "graph-logit",
      field: "logits",
      title: "The logits that are explained",
      columns: [
        { name: "id", kind: "count" },
        { name: "text", head: "token", kind: file === null ? "token" : "text" },
        { name: "probability", kind: "bar" },
        { name: "value", kind: "logit", detail: file !== null },
        { name: "total", head: "Σ paths", kind: "logit", detail: file !== null },
      ],
      rows: logits.map(({ token, probability, value, total }) => [
        ...[token.id, token.text, probability, value, total],
      ]),
      ...(file === null && {
        notes: ["logits less their mean over the vocabulary, before a cap"],
      }),
    },
  ];
}

function nodeTable(result: GraphResult): Table {
  const graph = graphOf(result);
  const names = nodeNames(graph);
  const cyclic = cycleIn(matrixOf(graph)) !== undefined;
  const total = cyclic ? undefined : influence(graph).total;
  const order = graph.nodes
    .map((_, i) => i)
    .sort((a, b) => (total?.[b] ?? 0) - (total?.[a] ?? 0) || a - b);
  return {
    kind: "graph-node",
    title: "Nodes of the pruned graph, by their influence on the logits",
    columns: [
      { name: "node", kind: "text" },
      { name: "is", head: "kind", kind: "text", minor: true },
      { name: "layer", kind: "count", detail: true },
      { name: "position", kind: "count", detail: true, refers: "pos" },
      { name: "feature", kind: "count", detail: true },
      { name: "activation", kind: "number" },
      { name: "influence", kind: "number" },
      { name: "label", kind: "text", detail: !graph.nodes.some(isLabelled) },
      { name: "id", kind: "text", detail: true },
    ],
    rows: order.map((i): Cell[] => {
      const node = graph.nodes[i];
      if (node === undefined) return [];
      const { kind, layer, position, feature, activation, label, id } = node;
      return [
        names[i] ?? id,
        kind,
        layer,
        position,
        feature,
        activation,
        total?.[i] ?? null,
        label,
        id,
      ];
    }),
    shown: result.listed,
  };
}

const isLabelled = ({ kind, label }: AttributionGraph["nodes"][number]): boolean =>
  kind === "feature" && label !== "";

function edgeTable(result: GraphResult): Table {
  const graph = graphOf(result);
  const names = nodeNames(graph);
  const { source, target, weight, fields } = graph.edges;
  const order = Array.from(weight.keys()).sort(
    (a, b) => Math.abs(weight[b] ?? 0) - Math.abs(weight[a] ?? 0) || a - b,
  );
  const partsOf = (edge: number): readonly number[] | undefined => {
    const parts: unknown = fields.get(edge)?.by_degree;
    return Array.isArray(parts) && parts.every((one) => typeof one === "number")
      ? parts
      : undefined;
  };
  const known = order.some((edge) => partsOf(edge) !== undefined);
  return {
    kind: "graph-edge",
    title: "Edges of the pruned graph: direct effects",
    columns: [
      { name: "from", kind: "text", refers: "node" },
      { name: "to", kind: "text", refers: "node" },
      { name: "weight", kind: "effect" },
      { name: "straight", kind: "number", detail: !known },
      { name: "degree", head: "mostly degree", kind: "count", detail: !known },
      { name: "byDegree", kind: "text", detail: true },
    ],
    rows: order.map((edge): Cell[] => {
      const parts = partsOf(edge);
      const largest = parts?.reduce(
        (best, part, k) => (Math.abs(part) > Math.abs(parts[best] ?? 0) ? k : best),
        0,
      );
      return [
        names[source[edge] ?? -1] ?? "",
        names[target[edge] ?? -1] ?? "",
        weight[edge] ?? 0,
        parts?.[0] ?? null,
        largest ?? null,
        parts?.join(" ") ?? null,
      ];
    }),
    shown: result.listed,
    notes: [
      "what the source gives the target's pre-activation, or logit, with all gates held, through no other feature",
      ...(known
        ? [
            "degree: the number of blocks (attention, skips) that the route passes; straight is the part of degree 0",
          ]
        : []),
    ],
  };
}

function pathTable({ paths, logits, target }: GraphResult): Table[] {
  if (paths.shown.length === 0) return [];
  const { measure, notShown } = paths;
  const count = Number(notShown.count);
  const [likeliest] = logits.toSorted((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
  return [
    {
      kind: "graph-path",
      title:
        measure === "effect"
          ? `The largest paths to ${target?.readout ?? `the logit of ${JSON.stringify(likeliest?.token.text ?? "")}`}`
          : "The paths with the most influence",
      columns: [
        { name: "path", kind: "text" },
        { name: "edges", kind: "count" },
        { name: "effect", head: measure, kind: measure === "effect" ? "effect" : "number" },
        { name: "count", kind: "count", detail: true },
      ],
      rows: paths.shown.map(({ nodes, effect }) => [
        ...[nodes.join(" → "), nodes.length - 1, effect, 1],
      ]),
      rest: [
        `${count.toLocaleString("en")} others`,
        null,
        notShown.sum,
        Number.isSafeInteger(count) ? count : notShown.count,
      ],
      notes: [
        measure === "effect"
          ? "the product of shares of activations along the path: paths and biases add up to the logit; every path was looked at"
          : "the product of the shares of inputs along the path; every path was looked at",
      ],
    },
  ];
}

function influenceTable({ influence: rows }: GraphResult): Table[] {
  if (rows.length === 0) return [];
  return [
    {
      kind: "graph-influence",
      field: "influence",
      title: "Influence on the logits by number of edges",
      columns: [
        { name: "edges", kind: "count" },
        { name: "tokens", head: "from tokens", kind: "bar" },
        { name: "errors", head: "from errors", kind: "bar" },
        { name: "others", head: "from others", kind: "number", minor: true },
      ],
      rows: rows.map(({ edges, tokens, errors, others }) => [edges, tokens, errors, others]),
    },
  ];
}
