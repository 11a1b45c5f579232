import type { Cell, GraphView, Table, View } from "@resolvent/analysis";
import type { AttributionGraph } from "@resolvent/dictionary/graph";
import {
  type ActiveRow,
  activeRows,
  fileGraph,
  type GraphResult,
  graphDrawing,
  graphOf,
  graphPresentation,
  graphText,
  importedResult,
  type PrunedSums,
  prunedResult,
  prunedSums,
} from "@resolvent/dictionary/presentations";

/** Nodes and edges that are drawn at most, the most influential and the largest: more are no picture. */
const [NODES, EDGES] = [2500, 2500];

/** Rows of active features that are listed. */
const ACTIVE = 200;

/** Edges of a node that are listed, on each side. */
const LISTED = 12;

/** Tables of a graph that are as long as it is: of these what is drawn or asked for leaves the worker. */
const LONG: readonly string[] = ["graph-node", "graph-edge"];

/** What a graph is pruned to, as shares of the influence. */
export interface Shares {
  readonly nodes: number;
  readonly edges: number;
}

/** A pruned graph, as a page shows it: short, however large the graph is. */
export interface ShownGraph {
  /** What is said of it as the analysis says it that is asked for this graph: of edges it explains and checks others. */
  readonly result: Omit<GraphResult, "graph" | "hops" | "verified">;
  readonly answer: readonly string[];
  readonly warnings: readonly string[];
  readonly tokens: readonly string[];
  /** Features that are active, and those that are nodes; null of a file. */
  readonly features: GraphResult["features"];
  readonly sums: PrunedSums;
  readonly nodes: number;
  readonly edges: number;
  /** Edges by their ends, which the column `edge` names; undefined where a cycle keeps it from being drawn. */
  readonly view: GraphView | undefined;
  readonly tables: readonly Table[];
  /** What else there is to see: views of tables that are short. */
  readonly views: readonly View[];
  readonly active: readonly ActiveRow[];
  /** Rows that are not among them, and what of the target passes their nodes. */
  readonly inactive: { readonly count: number; readonly effect: number | null };
}

/** A node and its edges. */
export interface ShownNode {
  readonly name: string;
  readonly kind: string;
  readonly layer: number | null;
  readonly position: number | null;
  readonly feature: number | null;
  readonly activation: number | null;
  readonly influence: number | null;
  readonly label: string;
  /** Keys of its edges in the drawing, and names of their other ends. */
  readonly beside: readonly string[];
  /** `graph-edge`: those to it, the largest, then the exact sum of the others. */
  readonly inputs: Table;
  readonly outputs: Table;
  /** The heads that move edges to it, and why they look there. */
  readonly heads: readonly Table[];
}

/** An edge: what is known of it, and what its check has shown. */
export interface ShownEdge {
  readonly from: string;
  readonly to: string;
  readonly weight: number;
  /** By degree, the first of degree 0; null where it is not known. */
  readonly byDegree: readonly number[] | null;
  /** Predicted, frozen, live; null where it was not checked. */
  readonly check: readonly [predicted: number, frozen: number, live: number] | null;
  /** How many edges of the graph as it came are as large or larger. */
  readonly rank: number;
}

/** The graph in a file, JSON or `.pt`, whole. */
export async function openedGraph(name: string, bytes: Uint8Array): Promise<GraphResult> {
  const whole = await fileGraph({
    name,
    stream: async function* () {
      yield bytes;
    },
  });
  const asked = { nodeThreshold: 1, edgeThreshold: 1, top: 20 };
  return importedResult(whole, name, asked);
}

/** A graph that is pruned and can be asked about: made once for each pruning. */
export interface PrunedGraph {
  readonly shown: ShownGraph;
  node(name: string): ShownNode | null;
  edge(key: string): ShownEdge | null;
  /** The table of edges, those too that are not drawn. */
  edges(): Table | null;
  /** The file that circuit-tracer and Neuronpedia read. */
  text(): string;
}

/** A result that is whole, pruned to shares. */
export function prunedGraph(whole: GraphResult, { nodes, edges }: Shares): PrunedGraph {
  const pruned = prunedResult(whole, { nodeThreshold: nodes, edgeThreshold: edges });
  const tables = graphPresentation.tables(pruned);
  const edgeTable = tableOf(tables, "graph-edge");
  const drawing = graphDrawing(pruned, { nodes: NODES, edges: EDGES });
  const rows = activeRows(pruned);
  const left = rows.slice(ACTIVE);
  const answer = graphPresentation.answer?.(pruned) ?? [];
  const views = graphPresentation.views?.(pruned) ?? [];
  const { graph, hops, verified, ...result } = pruned;
  return {
    shown: {
      result,
      answer,
      warnings: pruned.warnings.map(({ message }) => message),
      tokens: pruned.input.tokens.map(({ text }) => text),
      features: whole.features,
      sums: prunedSums(pruned, whole),
      nodes: graph.nodes.length,
      edges: graph.links.length,
      view: drawing && { ...drawing, select: "edge" },
      tables: [
        ...tables.filter(({ kind }) => !LONG.includes(kind)),
        ...(edgeTable === undefined ? [] : [withKeys(edgeTable, EDGES)]),
      ],
      views: views.filter(({ mark, table }) => mark !== "graph" && !LONG.includes(table)),
      active: rows.slice(0, ACTIVE),
      inactive: {
        count: left.length,
        effect: left.some(({ effect }) => effect === null)
          ? null
          : left.reduce((sum, { effect }) => sum + (effect ?? 0), 0),
      },
    },
    node: (name) => nodeOf(tables, name),
    edge: (key) => edgeOf(tables, key, graphOf(whole)),
    edges: () => (edgeTable === undefined ? null : withKeys(edgeTable, edgeTable.rows.length)),
    text: () => graphText(graph),
  };
}

const tableOf = (tables: readonly Table[], kind: string): Table | undefined =>
  tables.find((one) => one.kind === kind);

/** A cell by the name of its column. */
const cellOf = ({ columns }: Table, row: readonly Cell[], name: string): Cell =>
  row[columns.findIndex((column) => column.name === name)] ?? null;

const numberOf = (cell: Cell): number | null => (typeof cell === "number" ? cell : null);

/** What an edge is called: its ends. */
const keyOf = (table: Table, row: readonly Cell[]): string =>
  `${cellOf(table, row, "from")} → ${cellOf(table, row, "to")}`;

/** The largest edges, each with its name. */
function withKeys(table: Table, most: number): Table {
  return {
    ...table,
    columns: [...table.columns, { name: "edge", kind: "text", detail: true }],
    rows: table.rows.slice(0, most).map((row) => [...row, keyOf(table, row)]),
  };
}

function nodeOf(tables: readonly Table[], name: string): ShownNode | null {
  const [nodes, edges] = ["graph-node", "graph-edge"].map((kind) => tableOf(tables, kind));
  const row = nodes?.rows.find((one) => cellOf(nodes, one, "node") === name);
  if (nodes === undefined || edges === undefined || row === undefined) return null;
  const [inputs, outputs] = (["to", "from"] as const).map((end) =>
    edges.rows.filter((one) => cellOf(edges, one, end) === name),
  );
  const others = (rows: readonly (readonly Cell[])[] = [], end: string): string[] =>
    rows.flatMap((one) => [keyOf(edges, one), String(cellOf(edges, one, end))]);
  return {
    ...{ name, kind: String(cellOf(nodes, row, "is")) },
    layer: numberOf(cellOf(nodes, row, "layer")),
    position: numberOf(cellOf(nodes, row, "position")),
    feature: numberOf(cellOf(nodes, row, "feature")),
    activation: numberOf(cellOf(nodes, row, "activation")),
    influence: numberOf(cellOf(nodes, row, "influence")),
    label: String(cellOf(nodes, row, "label") ?? ""),
    beside: [...others(inputs, "from"), ...others(outputs, "to")],
    inputs: listed(edges, inputs ?? [], "from", true),
    outputs: listed(edges, outputs ?? [], "to", false),
    heads: ["edge-head", "edge-head-side"].flatMap((kind) => {
      const table = tableOf(tables, kind);
      if (table === undefined) return [];
      const rows =
        kind === "edge-head"
          ? table.rows.filter((one) => cellOf(table, one, "to") === name)
          : table.rows;
      return [{ ...table, rows }];
    }),
  };
}

/** Some edges of a node, and what all others are: on one target they add up, on several they have units of their own. */
function listed(
  { shown, footer, notes, ...table }: Table,
  rows: readonly (readonly Cell[])[],
  end: "from" | "to",
  adds: boolean,
): Table {
  const others = rows.slice(LISTED);
  const at = table.columns.findIndex(({ name }) => name === "weight");
  const sum = others.reduce((so, row) => so + Number(row[at]), 0);
  return {
    ...table,
    rows: rows.slice(0, LISTED),
    ...(others.length > 0 && {
      rest: table.columns.map(({ name }): Cell => {
        if (name === end) return `${others.length.toLocaleString("en")} others`;
        return name === "weight" && adds ? sum : null;
      }),
    }),
  };
}

function edgeOf(
  tables: readonly Table[],
  key: string,
  { edges: { weight: weights } }: AttributionGraph,
): ShownEdge | null {
  const edges = tableOf(tables, "graph-edge");
  const row = edges?.rows.find((one) => keyOf(edges, one) === key);
  if (edges === undefined || row === undefined) return null;
  const checks = tableOf(tables, "edge-check");
  const check = checks?.rows.find((one) => keyOf(checks, one) === key);
  const parts = cellOf(edges, row, "byDegree");
  const size = Math.abs(Number(cellOf(edges, row, "weight")));
  return {
    rank: weights.reduce((count, one) => count + (Math.abs(one) >= size ? 1 : 0), 0),
    ...{ from: String(cellOf(edges, row, "from")), to: String(cellOf(edges, row, "to")) },
    weight: Number(cellOf(edges, row, "weight")),
    byDegree: typeof parts === "string" ? parts.split(" ").map(Number) : null,
    check:
      checks === undefined || check === undefined
        ? null
        : [
            Number(cellOf(checks, check, "predicted")),
            Number(cellOf(checks, check, "frozen")),
            Number(cellOf(checks, check, "live")),
          ],
  };
}
