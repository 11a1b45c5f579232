import { percent, short } from "./figures.ts";
import type { PromptSet, SetTable } from "./prompt-set.ts";
import { setTables } from "./prompt-set.ts";
import { spreadText } from "./spread.ts";
import type { Column, Table } from "./table.ts";
import { listViews, type View } from "./view.ts";

/** Kinds of columns that bars show: what has a zero and may be compared. */
const BARS: readonly Column["kind"][] = ["effect", "bar", "share", "number"];
/** Bars of a view at most. */
const MOST = 20;

/** The largest mean with its interval, and how to read it. */
export function setAnswer({ analysis, model, prompts, means }: PromptSet): string[] {
  const many = prompts.length === 1 ? "1 prompt" : `${prompts.length} prompts`;
  const found = means.flatMap((table) => largestOf(table, prompts.length) ?? [])[0];
  return [
    found === undefined
      ? `What ${analysis} finds in ${model.name} on ${many}: means over prompts, with 95 % intervals.`
      : `Over ${many}, ${found.row} has the largest mean ${found.measure} in ${model.name}: ${found.mean}.`,
    "An interval, after ± half of it, is a 95 % interval (Student’s t): it says where the mean over more prompts of this kind would be; one that reaches over zero leaves the sign open.",
  ];
}

/** Of the rows that every prompt has the one with the largest mean, in words; nothing where none has a number. */
function largestOf(
  { keys, measures, rows, data }: SetTable,
  total: number,
): { readonly row: string; readonly measure: string; readonly mean: string } | undefined {
  const measure = comparedOf(measures);
  if (data || measure === undefined) return undefined;
  const at = measures.indexOf(measure);
  const [largest] = rows
    .flatMap((row) => {
      const spread = row.values[at];
      return spread === null || spread === undefined || row.count < total ? [] : [{ row, spread }];
    })
    .toSorted((a, b) => Math.abs(b.spread.mean) - Math.abs(a.spread.mean));
  if (largest === undefined) return undefined;
  const { low, high } = largest.spread;
  const text = (value: number): string =>
    measure.kind === "share" || measure.kind === "bar" ? percent(value) : short(value);
  const open = low !== null && high !== null && low <= 0 && high >= 0;
  return {
    row: keys
      .flatMap((key, i) =>
        key.detail === true ? [] : [`${key.head ?? key.name} ${largest.row.keys[i] ?? ""}`],
      )
      .join(", "),
    measure: measure.head ?? measure.name,
    mean: `${spreadText(largest.spread, text)}${open ? ", so that its sign is open" : ""}`,
  };
}

/**
 * Bars with intervals of what each table measures first, where one column names its rows; other tables as lists. All
 * numbers of both are in the tables.
 */
export function setViews(set: PromptSet): View[] {
  return meanViews(set.means, setTables(set), set.prompts.length);
}

/** The same of means that are of no set; `tables` are all there are. */
export function meanViews(
  means: readonly SetTable[],
  tables: readonly Table[],
  total: number,
): View[] {
  return listViews(tables).map((list) => {
    const table = means.find(({ kind }) => `${kind}-mean` === list.table);
    return (table === undefined ? undefined : barsOf(table, total)) ?? list;
  });
}

/** What is compared first: an effect, else what has a zero. */
function comparedOf(measures: readonly Column[]): Column | undefined {
  const shown = measures.filter(({ detail }) => detail !== true);
  return (
    shown.find((one) => one.kind === "effect" || one.kind === "bar") ??
    shown.find((one) => BARS.includes(one.kind))
  );
}

function barsOf({ kind, title, keys, measures, rest }: SetTable, total: number): View | undefined {
  const [key, second] = keys.filter(({ detail }) => detail !== true);
  const measure = comparedOf(measures);
  if (key === undefined || second !== undefined || measure === undefined) return undefined;
  const { name, head = name } = measure;
  return {
    ...{ mark: "bars", table: `${kind}-mean`, y: key.name, x: name, most: MOST },
    ...{ low: `${name}Low`, high: `${name}High`, rest: rest !== null },
    title: title === null ? `Mean ${head} by ${key.head ?? key.name}` : `${title}: mean ${head}`,
    note: `The thin line is the 95 % interval of the mean over ${total} prompts.`,
  };
}
