import type { GraphView, Table } from "@resolvent/analysis";
import type { Findings, Work, WorkText } from "@resolvent/analysis/remote";
import type { Question } from "./question.ts";

/** Edges between positions whose heads are taken apart. */
const EXPLAINED = 8;

/** Nodes and edges that are listed. */
const LISTED = 40;

/** Bytes of a graph file at most: more is no graph that a page shows. */
export const MOST_BYTES = 200_000_000;

/** The work that makes the graph of a question, pruned to a share of the influence. */
export function graphWork(
  { model, prompt }: Question,
  {
    target,
    threshold,
    dictionary,
  }: {
    readonly target: readonly number[];
    readonly threshold: number;
    /** Default that of the model. */
    readonly dictionary?: string;
  },
): Work {
  const values = { prompt, target, nodeThreshold: threshold, explain: EXPLAINED, top: LISTED };
  return {
    ...{ analysis: "graph", model, values, precision: "f32", float64: false },
    ...(dictionary !== undefined && { dictionaries: [dictionary] }),
  };
}

/** The work that reads a graph file, and prunes it. */
export function importWork({ model }: Question, file: WorkText, threshold: number): Work {
  return {
    ...{ analysis: "graph", model, values: { nodeThreshold: threshold, top: LISTED } },
    ...{ precision: "f32", float64: false, texts: { import: file } },
  };
}

/** What features are asked about: a dictionary, and texts to find them in. */
export interface FeatureQuestion {
  readonly dictionary: string;
  /** Which of a set, from 0. */
  readonly which: number;
  /** A feature of it; null for those that are strongest. */
  readonly feature: number | null;
  readonly text: string;
}

/** The work that says what features do. */
export function featureWork(
  { model }: Question,
  { dictionary, which, feature, text }: FeatureQuestion,
): Work {
  const values = { which, top: 20, ...(feature !== null && { feature: [feature] }) };
  return {
    ...{ analysis: "features", model, values, precision: "f32", float64: false },
    ...{ dictionaries: [dictionary], texts: { corpus: { name: "these texts", text } } },
  };
}

/** A node of a graph, as its table has it. */
export interface GraphNode {
  readonly name: string;
  readonly kind: string;
  readonly layer: number | null;
  readonly position: number | null;
  readonly feature: number | null;
  readonly activation: number | null;
  readonly influence: number | null;
  readonly label: string;
}

/** The nodes of a graph, those with the most influence first. */
export function nodesOf({ tables }: Pick<Findings, "tables">): readonly GraphNode[] {
  const table = tables.find(({ kind }) => kind === "graph-node");
  const at = new Map(table?.columns.map(({ name }, i) => [name, i]));
  const number = (cell: unknown): number | null => (typeof cell === "number" ? cell : null);
  return (table?.rows ?? []).map((row) => {
    const cell = (name: string): unknown => row[at.get(name) ?? -1];
    return {
      ...{ name: String(cell("node")), kind: String(cell("is")) },
      ...{ layer: number(cell("layer")), position: number(cell("position")) },
      ...{ feature: number(cell("feature")), activation: number(cell("activation")) },
      ...{ influence: number(cell("influence")), label: String(cell("label") ?? "") },
    };
  });
}

/** The drawing of a graph, whose edges light up by what they go to. */
export function graphView({ views }: Pick<Findings, "views">): GraphView | undefined {
  const view = views.find((one): one is GraphView => one.mark === "graph");
  return view && { ...view, select: "to" };
}

/** Tables with the rows of one that have something in a column. */
export function rowsWith(
  { tables }: Pick<Findings, "tables">,
  kind: string,
  has: Readonly<Record<string, string>>,
): readonly Table[] {
  return tables.map((table) => {
    if (table.kind !== kind) return table;
    const wanted = Object.entries(has).map(
      ([name, value]) => [table.columns.findIndex((one) => one.name === name), value] as const,
    );
    const rows = table.rows.filter((row) => wanted.every(([at, value]) => row[at] === value));
    // What was added up of all rows says nothing of these.
    const { shown, footer, rest, notes, ...own } = table;
    return { ...own, rows };
  });
}

/** A graph as the file that circuit-tracer and Neuronpedia read. */
export function graphFile({ result }: Pick<Findings, "result">): string {
  return `${JSON.stringify(Object(result).graph)}\n`;
}
