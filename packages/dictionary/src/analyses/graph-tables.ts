import {
  type Cell,
  certificateLine,
  percent,
  promptText,
  roundingOf,
  short,
  type Table,
  warningLines,
} from "@resolvent/analysis";
import { type ShownVerdict, sourceText } from "@resolvent/paths";
import { cycleIn } from "../graph/cycle.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { influence } from "../graph/influence.ts";
import { matrixOf } from "../graph/matrix.ts";
import { readGraph } from "../graph/read-graph.ts";
import { dictionaryLine } from "./dictionary-facts.ts";
import { nodeNames } from "./graph-facts.ts";
import type { GraphResult, ScoreFacts } from "./graph-result.ts";

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

function headTables({ hops, precision }: GraphResult): Table[] {
  if (hops.length === 0) return [];
  // Several edges may go through one head at one place: it looks there for one reason.
  const looks = hops.filter(
    ({ head, query, key }, i) =>
      hops.findIndex(
        (one) => one.head.name === head.name && one.query === query && one.key === key,
      ) === i,
  );
  return [
    {
      kind: "edge-head",
      title: "The head that most of an edge goes through, and where it looks",
      columns: [
        { name: "from", kind: "text", refers: "node" },
        { name: "to", kind: "text", refers: "node" },
        { name: "weight", kind: "effect" },
        { name: "head", kind: "text", refers: "node" },
        { name: "query", head: "at", kind: "count", refers: "pos" },
        { name: "key", head: "looks at", kind: "count", refers: "pos" },
        { name: "effect", head: "passes", kind: "number" },
        { name: "pattern", head: "attention", kind: "share" },
        { name: "score", kind: "number" },
      ],
      rows: hops.map(({ from, to, weight, head, query, key, effect, pattern, score }) => [
        ...[from, to, weight, head.name, query, key, effect, pattern, score],
      ]),
      notes: ["parts of an edge that pass several heads are in what each of them passes"],
    },
    {
      kind: "edge-head-side",
      title: "Why it looks there: what gives the score its two sides",
      columns: [
        { name: "head", kind: "text", refers: "node" },
        { name: "query", head: "at", kind: "count", refers: "pos" },
        { name: "key", head: "looks at", kind: "count", refers: "pos" },
        { name: "side", kind: "text" },
        { name: "node", kind: "text" },
        { name: "effect", kind: "effect" },
      ],
      rows: looks.flatMap(({ head, query, key, ...hop }): Cell[][] => {
        const row = (side: string, node: string, effect: number): Cell[] => [
          ...[head.name, query, key, side, node, effect],
        ];
        return [
          ...hop.querySide.map(({ node, effect }) => row("query", node, effect)),
          row("query", "all others", hop.queryOthers),
          ...hop.keySide.map(({ node, effect }) => row("key", node, effect)),
          row("key", "all others", hop.keyOthers),
        ];
      }),
      rounding: roundingOf(
        precision ?? "f64",
        hops.map(({ score }) => score),
      ),
      notes: ["each side adds up to the score, with the other side whole"],
    },
  ];
}

/** A target by degree, and its paths through heads and features, each with the model itself beside it. */
function targetTables({
  target,
  degrees,
  steps,
  precision,
  input,
  constant,
  total,
}: GraphResult): Table[] {
  if (target === null || steps === null) return [];
  const texts = input.tokens.map(({ text }) => text);
  const { shown, notShown, exhaustive, expanded, pending } = steps;
  const verified = shown.some((path) => path.verified !== null);
  const sum = (name: "model" | "replaced" | "tokens" | "errors" | "biases"): number =>
    degrees.reduce((all, row) => all + row[name], 0);
  const columns = ["model", "replaced", "tokens", "errors", "biases"] as const;
  return [
    {
      kind: "graph-degree",
      field: "degrees",
      title: `${target.readout} by degree, in the model itself and in features`,
      columns: [
        { name: "degree", kind: "count" },
        { name: "model", kind: "effect" },
        { name: "replaced", head: "in features", kind: "effect" },
        { name: "tokens", head: "of it, tokens", kind: "number" },
        { name: "errors", kind: "number" },
        { name: "biases", kind: "number" },
      ],
      rows: degrees.map((row) => [row.degree, ...columns.map((name) => row[name])]),
      footer: [["sum", ...columns.map(sum)]],
      rounding: roundingOf(
        precision ?? "f64",
        degrees.map((row) => row.replaced),
      ),
      notes: [
        `degree: the number of blocks passed, an MLP or its transcoder one block; ${target.readout} = ${short(target.value)} = either sum and the constant ${short(constant ?? 0)}; paths of the graph ${short(total ?? 0)}`,
        "model: neurons with their gates held; in features: active sets held; of it: what begins at tokens, at errors of transcoders, at biases",
      ],
    },
    {
      kind: "graph-step-path",
      title: exhaustive
        ? "The largest paths through heads and features"
        : "Large paths through heads and features, found by search",
      columns: [
        { name: "path", kind: "text" },
        { name: "source", kind: "text", detail: true },
        { name: "position", kind: "count", detail: true, refers: "pos" },
        { name: "nodes", kind: "text", detail: true, refers: "node" },
        { name: "degree", kind: "count" },
        { name: "effect", kind: "effect" },
        { name: "model", head: "MLPs whole", kind: "number", missing: "–" },
        { name: "frozen", kind: "number", detail: !verified },
        { name: "live", kind: "number", detail: !verified },
        ...WITHOUT_COLUMNS.map((column) => ({ ...column, ...(!verified && { detail: true }) })),
        { name: "count", kind: "count", detail: true },
      ],
      rows: shown.map(({ source, position, nodes, degree, effect, model, verified: checked }) => [
        [sourceText({ name: source, position }, texts), ...nodes].join(" → "),
        ...[source, position, nodes.join(" "), degree, effect, model],
        ...(checked === null ? NO_VERDICT : verdictCells(checked).slice(1)),
        1,
      ]),
      rest: [
        `${BigInt(notShown.count).toLocaleString("en")} others`,
        ...[null, null, null, null, notShown.sum, null],
        ...NO_VERDICT,
        Number.isSafeInteger(Number(notShown.count)) ? Number(notShown.count) : notShown.count,
      ],
      notes: [
        `from tokens; what begins at errors and biases gives ${short(steps.otherSources)}`,
        "features of transcoders are single nodes here; MLPs whole: the same path of the model itself, where it is among the largest there",
        exhaustive
          ? "every path was looked at: these are the largest"
          : `found by search, and not shown to be the largest: ${expanded.toLocaleString("en")} ends of paths were looked at${pending === null ? "" : `, none left promises more than ${short(pending)} by degree`}`,
        ...(verified
          ? [
              "checked by taking the path away: frozen, with all gates at their values; live, with every gate recomputed, errors as they were",
            ]
          : []),
      ],
    },
  ];
}

/** What is said without something. */
const WITHOUT_COLUMNS = [
  { name: "frozenWithout", kind: "logit", head: "left, frozen", detail: true },
  { name: "liveWithout", kind: "logit", head: "left, live" },
  { name: "liveToken", kind: "token", head: "then likeliest" },
  { name: "liveProbability", kind: "share", detail: true },
] as const;

/** `predicted`, and what follows it. */
function verdictCells({ predicted, frozen, live, without }: ShownVerdict): Cell[] {
  const [first] = without.live.top;
  return [
    ...[predicted, frozen, live, without.frozen.value, without.live.value],
    ...[first?.text ?? null, first?.probability ?? null],
  ];
}

const NO_VERDICT: readonly Cell[] = [null, null, null, null, null, null];

function checkTables({ verified, ablated, logits, target }: GraphResult): Table[] {
  const numbers = [
    { name: "predicted", kind: "effect" },
    { name: "frozen", kind: "number" },
    { name: "live", kind: "number" },
  ] as const;
  return [
    ...(verified.length === 0
      ? []
      : [
          {
            kind: "edge-check",
            field: "verified",
            title: "Edges checked by taking their sources away, all other features held",
            columns: [
              { name: "from", kind: "text", refers: "node" },
              { name: "to", kind: "text", refers: "node" },
              ...numbers,
            ],
            rows: verified.map(({ from, to, predicted, frozen, live }) => [
              ...[from, to, predicted, frozen, live],
            ]),
            notes: ["frozen: with all gates held; live: with patterns and norms recomputed"],
          } satisfies Table,
        ]),
    ...(ablated.length === 0
      ? []
      : [
          {
            kind: "node-check",
            field: "ablated",
            title: `Features changed, and what that does to ${target?.readout ?? `the logit of ${JSON.stringify(logits[0]?.token.text ?? "")}`}`,
            columns: [
              { name: "node", kind: "text", refers: "node" },
              { name: "times", kind: "number" },
              ...numbers,
              ...WITHOUT_COLUMNS,
            ],
            rows: ablated.map((one) => [one.node, one.times, ...verdictCells(one)]),
            notes: [
              "what it loses where so much is left of the feature: predicted, along all paths; frozen, with all gates held; live, with every gate recomputed; left and then likeliest are what is said then",
            ],
          } satisfies Table,
        ]),
  ];
}
