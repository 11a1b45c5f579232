import type { PromptSet, SetTable } from "./prompt-set.ts";
import { setTables } from "./prompt-set.ts";
import type { Column } from "./table.ts";
import { listViews, type View } from "./view.ts";

/** Kinds of columns that bars show: what has a zero and may be compared. */
const BARS: readonly Column["kind"][] = ["effect", "bar", "share", "number"];
/** Bars of a view at most. */
const MOST = 20;

/** How many prompts the means are over, in words. */
export function setAnswer({ analysis, model, prompts }: PromptSet): string[] {
  const many = prompts.length === 1 ? "1 prompt" : `${prompts.length} prompts`;
  return [
    `What ${analysis} finds in ${model.name} on ${many}: means over prompts, with 95 % intervals.`,
    `An interval (Student’s t) says where the mean over more prompts of this kind would be; one that reaches over zero leaves the sign open.`,
  ];
}

/** Bars with intervals of what each table measures first, where one column names its rows, and all tables as lists. */
export function setViews(set: PromptSet): View[] {
  const lists = listViews(setTables(set));
  return lists.flatMap((list) => {
    const table = set.means.find(({ kind }) => `${kind}-mean` === list.table);
    const bars = table === undefined ? undefined : barsOf(table);
    return bars === undefined ? [list] : [bars, list];
  });
}

function barsOf({ kind, keys, measures, rest }: SetTable): View | undefined {
  const [key, second] = keys.filter(({ detail }) => detail !== true);
  const shown = measures.filter(({ detail }) => detail !== true);
  const measure =
    shown.find((one) => one.kind === "effect" || one.kind === "bar") ??
    shown.find((one) => BARS.includes(one.kind));
  if (key === undefined || second !== undefined || measure === undefined) return undefined;
  const { name, head = name } = measure;
  return {
    ...{ mark: "bars", table: `${kind}-mean`, y: key.name, x: name, most: MOST },
    ...{ low: `${name}Low`, high: `${name}High`, rest: rest !== null },
    title: `Mean ${head} by ${key.head ?? key.name}`,
    note: "The thin line is the 95 % interval of the mean over prompts.",
  };
}
