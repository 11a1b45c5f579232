import type { Table, TopToken } from "@resolvent/analysis";
import type { Findings } from "@resolvent/analysis/remote";
import type { DegreeExpansion } from "@resolvent/expansion";
import type { PathExpansion } from "@resolvent/paths";

/** A column of a table of findings, cell by cell; none where there is no such column. */
function columnOf({ tables }: Pick<Findings, "tables">, kind: string, name: string): unknown[] {
  const table = tables.find((one) => one.kind === kind);
  const at = table?.columns.findIndex((column) => column.name === name) ?? -1;
  return at < 0 ? [] : (table?.rows.map((row) => row[at]) ?? []);
}

/** The names of the paths that are listed, which views select by. */
export function pathNames(findings: Pick<Findings, "tables">): readonly string[] {
  return columnOf(findings, "path", "path").map(String);
}

/** What is shown of the tables: paths up to a degree, and of these what a token takes part in. */
export interface Shown {
  /** The highest degree; null for all. */
  readonly degree: number | null;
  /** The position of the token that their routes touch; null for any. */
  readonly token?: number | null;
}

/** Tables with the rows that are shown; what all others add up to is then no part of them. */
export function shownTables(
  { tables, result }: Pick<Findings, "tables" | "result">,
  { degree, token = null }: Shown,
): readonly Table[] {
  if (degree === null && token === null) return tables;
  const { shown } = result as PathExpansion; // of the screen
  const names = pathNames({ tables });
  const kept = new Set(
    names.filter((_, i) => {
      const path = shown[i];
      if (path === undefined || (degree !== null && path.degree > degree)) return false;
      return token === null || touches({ shown }, i, token);
    }),
  );
  return tables.map((own): Table => {
    const column = own.kind === "path" ? "path" : own.kind === "path-route" ? "of" : undefined;
    if (column === undefined) return own;
    const place = own.columns.findIndex((one) => one.name === column);
    const { rest, footer, ...others } = own;
    return { ...others, rows: own.rows.filter((row) => kept.has(String(row[place]))) };
  });
}

/** What paths up to a degree say, with the final norm recomputed: the likeliest tokens; none where it is not known. */
export function saidUpTo(findings: Findings | null, degree: number): readonly TopToken[] {
  if (findings === null) return [];
  const { targetDegrees } = findings.result as DegreeExpansion; // of `expand`
  return targetDegrees?.degrees.find((one) => one.degree === degree)?.recomputed.top ?? [];
}

/** Tables in which the bars by degree have the tree's beside them, as a column `tree`. */
export function withTree(
  { tables }: Pick<Findings, "tables">,
  tree: Pick<Findings, "tables"> | undefined,
): readonly Table[] {
  if (tree === undefined) return tables;
  const degrees = columnOf(tree, "degree-target", "degree");
  const parts = columnOf(tree, "degree-target", "contribution");
  const byDegree = new Map(degrees.map((degree, i) => [degree, parts[i]]));
  return tables.map((own): Table => {
    if (own.kind !== "path-degree") return own;
    const at = own.columns.findIndex(({ name }) => name === "degree");
    return {
      ...own,
      columns: [...own.columns, { name: "tree", head: "truncated tree", kind: "effect" }],
      rows: own.rows.map((row) => {
        const part = byDegree.get(row[at]);
        return [...row, typeof part === "number" ? part : null];
      }),
    };
  });
}

/** Where attention last moves a path to: the head, the position it looks from, and the one it looks at. */
export interface Move {
  readonly head: string;
  readonly query: number;
  readonly key: number;
}

/** The last head of a path, by its largest route; undefined where it passes none. */
export function lastMove({ shown }: PathExpansion, path: number): Move | undefined {
  const { nodes = [], routes } = shown[path] ?? {};
  const positions = routes?.shown[0]?.positions ?? [];
  const at = nodes.findLastIndex((node) => /^L\d+\.H\d+$/.test(node));
  const [head, key, query] = [nodes[at], positions[at], positions[at + 1]];
  return head === undefined || key === undefined || query === undefined
    ? undefined
    : { head, query, key };
}

/** Whether the routes of a path that are listed touch a position. */
export function touches(
  { shown }: Pick<PathExpansion, "shown">,
  path: number,
  pos: number,
): boolean {
  const { position, routes } = shown[path] ?? {};
  return position === pos || (routes?.shown ?? []).some(({ positions }) => positions.includes(pos));
}

/** A step of a path and where it writes. */
export interface Hop {
  /** `embed`, `bias of L0.mlp`, `L0.H2` */
  readonly node: string;
  readonly pos: number | null;
}

/** A path hop by hop, along its largest route. */
export function hopsOf({ shown }: PathExpansion, path: number): readonly Hop[] {
  const found = shown[path];
  if (found === undefined) return [];
  const { source, position, nodes, routes } = found;
  const [start = position, ...after] = routes?.shown[0]?.positions ?? [];
  const bias = /^bias:(.*)$/.exec(source)?.[1];
  return [
    { node: bias === undefined ? source : `bias of ${bias}`, pos: start },
    ...nodes.map((node, i) => ({ node, pos: after[i] ?? null })),
  ];
}

/** What the verdict on a path is, as a table: what taking it away takes, and what is left to say. */
export function verdictTable(
  { shown, target }: Pick<PathExpansion, "shown" | "target">,
  path: number,
): Table | undefined {
  const verified = shown[path]?.verified;
  if (verified === null || verified === undefined) return undefined;
  const { predicted, frozen, live, without } = verified;
  const said = ({ value, top: [first] }: (typeof without)["live"]) => [
    ...[value, first?.text ?? null, first?.probability ?? null],
  ];
  return {
    kind: "verdict",
    title: "What taking it away takes",
    columns: [
      { name: "how", kind: "text", head: "taken away" },
      { name: "effect", kind: "effect", head: "takes" },
      { name: "left", kind: "logit", head: "leaves" },
      { name: "token", kind: "token", head: "then says" },
      { name: "probability", kind: "share", head: "with" },
    ],
    rows: [
      ["predicted", predicted, target.value - predicted, null, null],
      ["frozen", frozen, ...said(without.frozen)],
      ["live", live, ...said(without.live)],
    ],
  };
}

/** The name of a path as short as can be, without its token: `embed@1>L0.H2>L0.mlp`. */
export function compactName({
  source,
  position,
  nodes,
}: Pick<PathExpansion["shown"][number], "source" | "position" | "nodes">): string {
  return [position === null ? source : `${source}@${position}`, ...nodes].join(">");
}
