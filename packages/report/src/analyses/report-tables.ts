import { listViews, short, spreadText, type Table, type View } from "@resolvent/analysis";
import { nextTokensText } from "./next-tokens.ts";
import type { NeededDegree, ReportResult, ReportSection } from "./report-result.ts";
import { ANALYSES } from "./sections.ts";

/** How many degrees stand for the model, and then the tables of all sections, whose kinds begin with their names. */
export function reportTables(report: ReportResult): Table[] {
  return [neededTable(report), ...report.sections.flatMap(sectionTables)];
}

function sectionTables({ name, title: heading, result }: ReportSection): Table[] {
  const tables = ANALYSES[name]?.tables(result) ?? [];
  return tables.map(({ field: _, kind, title, ...table }, i) => ({
    ...table,
    kind: `${name}-${kind}`,
    replaces: "sections",
    title: titled(heading, title, i),
  }));
}

/** The first of a section says what it is; what follows says what it belongs to. */
function titled(heading: string, title: string | undefined, place: number): string {
  if (title === undefined) return heading;
  return place === 0 ? title : `${heading}: ${title}`;
}

function neededTable(report: ReportResult): Table {
  const { model, corpus, sequences, tokens, near, needed, nextTokens } = report;
  const from = corpus === null ? "texts that it has written itself" : corpus;
  return {
    kind: "needed",
    field: "needed",
    title: `Degrees until the sum is within ${near} nats of the model`,
    subtitle: `${model.name}, ${model.blocks.length} blocks, on ${sequences} sequences of ${from}, ${tokens} tokens`,
    columns: [
      { name: "section", kind: "text", head: "expansion" },
      { name: "degree", kind: "number", missing: "–" },
      { name: "degreeHalf", head: "±", kind: "number", missing: "–", detail: true, view: true },
      { name: "degreeLow", head: "from", kind: "number", missing: "–" },
      { name: "degreeHigh", head: "to", kind: "number", missing: "–" },
      { name: "never", kind: "count", head: "sequences that none is near" },
    ],
    rows: needed.map(({ section, degree, never }) => [
      section,
      degree?.mean ?? null,
      degree === null || degree.high === null ? null : degree.high - degree.mean,
      ...[degree?.low ?? null, degree?.high ?? null],
      never,
    ]),
    notes: [
      "degree: the first whose partial sum has a KL divergence below that; from, to: the 95 % interval of its mean over sequences (Student's t)",
      "frozen: the path expansion with patterns, norms and activations held at the run; live: the truncated tree, in which cutting paths changes what is left",
      ...(nextTokens === null ? [] : [nextTokensText(nextTokens)]),
    ],
  };
}

/** The views of all sections, under the names of their tables. */
export function reportViews(report: ReportResult): View[] {
  const needed: View = {
    ...{ mark: "bars", table: "needed", y: "section", x: "degree" },
    ...{ low: "degreeLow", high: "degreeHigh" },
    title: `Degrees until the sum is within ${report.near} nats of the model`,
    note: "The first degree whose partial sum is that near, on average over sequences; the thin line is its 95 % interval.",
  };
  return [
    needed,
    ...report.sections.flatMap(({ name, title: heading, result }): View[] => {
      const analysis = ANALYSES[name];
      if (analysis === undefined) return [];
      const views: readonly View[] = analysis.views?.(result) ?? listViews(analysis.tables(result));
      return views.map((view, i) => ({
        ...view,
        table: `${name}-${view.table}`,
        title: titled(heading, view.title, i),
      }));
    }),
  ];
}

export function reportAnswer({ model, needed, near, sections }: ReportResult): string[] {
  const blocks = model.blocks.length;
  const word = ({ section, degree, never }: NeededDegree): string => {
    const how = section === "frozen" ? "the path expansion" : "the truncated tree";
    if (degree === null) return `${how} at no degree that was computed`;
    const some = never === 0 ? "" : ` (and on ${never} sequences not at all)`;
    return `${how} at degree ${spreadText(degree, short)}${some}`;
  };
  return [
    `Of ${blocks} blocks, the sum over degrees comes within ${near} nats of ${model.name}: ${needed.map(word).join(", ")}.`,
    ...sections.flatMap(({ name, result }) =>
      name === "linear" ? (ANALYSES[name]?.answer?.(result) ?? []) : [],
    ),
  ];
}
