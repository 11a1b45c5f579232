import {
  defineAnalysis,
  type FilesAnalysis,
  type FilesSubject,
  listViews,
  meanTables,
  meanViews,
  short,
  type Table,
  type View,
} from "@resolvent/analysis";
import { parameters, textParameter } from "@resolvent/analysis/parameters";
import { MOST_ROWS, type SweepReportParameters, type SweepResult } from "./sweep-result.ts";

/** What a sweep has found: means over its prompts with 95 % intervals, and what SQL says of its rows. */
export const sweepReport: FilesAnalysis<SweepReportParameters, SweepResult> = defineAnalysis<
  SweepReportParameters,
  SweepResult,
  SweepResult
>({
  name: "report",
  needs: "files",
  summary: "what a sweep has found: means over its prompts, or what SQL says",
  description:
    "Puts the parts of a sweep together, those of all shards, whether it has ended or not: means over prompts with 95 % intervals, and which parts are missing. With --sql, what DuckDB says of its rows: every kind of rows is a table, as is prompts.",
  params: parameters({
    folder: textParameter("folder of a sweep", { argument: true }),
    sql: textParameter(
      "a query, such as 'SELECT degree, avg(logitShare) FROM degree_term GROUP BY 1'",
      {
        optional: true,
      },
    ),
  }),
  examples: ["spectra", "spectra --sql 'SELECT * FROM prompts WHERE NOT sound'"],
  plan: async (subject, params) => await put(subject, params),
  run: async (subject, params) => await put(subject, params),
  tables: sweepTables,
  tableKinds: ["sweep", "sql"],
  answer: ({ analysis, model, prompts, parts }) => [
    `${analysis} of ${prompts} prompts in ${model.name}${parts.done < parts.total ? `, ${parts.done} of ${parts.total} parts` : ""}: means with 95 % intervals (Student’s t).`,
  ],
  views: sweepViews,
});

/** Rows that people see of tables for data formats, where an analysis has no others. */
const SHOWN = 20;

/** Help needs nothing that reads files. */
async function put(subject: FilesSubject, params: SweepReportParameters): Promise<SweepResult> {
  const { putTogether } = await import("./put-together.ts");
  return await putTogether(subject, params);
}

function sweepTables(result: SweepResult): Table[] {
  const { merged, sql } = result;
  if (sql !== null) {
    const { columns, rows } = sql;
    return [{ kind: "sql", columns, rows, notes: missingNotes(result) }];
  }
  const notes = [...mergedNotes(result), ...missingNotes(result)];
  const { analysis, model, prompts, corpus } = result;
  const subtitle = `${analysis} of ${model.name} on ${corpus.name}`;
  const means = merged?.means ?? [];
  const seen = means.some(({ data }) => !data)
    ? means
    : means.map((table) => ({ ...table, data: false, shown: table.shown ?? SHOWN }));
  const tables = meanTables(seen, { total: prompts, subtitle, notes });
  // Where no prompt has a result, there is still that to be said.
  return tables.length > 0 ? tables : [{ kind: "sweep", subtitle, columns: [], rows: [], notes }];
}

function sweepViews(result: SweepResult): View[] {
  const tables = sweepTables(result);
  return result.merged === null
    ? listViews(tables)
    : meanViews(result.merged.means, tables, result.prompts);
}

function mergedNotes({ merged, prompts }: SweepResult): string[] {
  if (merged === null) return [];
  const { refused, unsound, relativeError, relativeErrorFloat64, left } = merged;
  const float64 =
    relativeErrorFloat64 === null ? "" : `, ${short(relativeErrorFloat64)} in float64`;
  return [
    ...(relativeError === null
      ? []
      : [
          `the largest relative error of ${prompts} certificates is ${short(relativeError)}${float64}`,
        ]),
    ...(unsound === 0 ? [] : [`${unsound} of ${prompts} results are not finite, or do not add up`]),
    ...refused.map(({ code, count }) => `${count} of ${prompts} prompts were refused: ${code}`),
    ...(left === 0
      ? []
      : [`${left} rows are in no mean: a table has means of ${MOST_ROWS} different rows at most`]),
  ];
}

function missingNotes({ parts: { total, done, missing } }: SweepResult): string[] {
  if (done === total) return [];
  const more = total - done > missing.length ? ", …" : "";
  return [`${done} of ${total} parts are there; missing: ${missing.join(", ")}${more}`];
}
