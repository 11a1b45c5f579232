import type { Table } from "@resolvent/analysis";
import { type ListHead, type ListRow, listRows } from "@resolvent/figures";
import { element } from "./dom.ts";

/** Rows of a table in a page. */
const ROWS = 100;

/** A table that folds, with the numbers of a figure; its rows are made when it is opened first. */
export function tableDetails(table: Table): HTMLDetailsElement {
  const { rows, title = wordsOf(table.kind) } = table;
  const count = ` ${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  const details = element(
    "details",
    "",
    element("summary", "", title, element("small", "", count)),
  );
  details.addEventListener("toggle", () => details.append(...insideOf(table, title)), {
    once: true,
  });
  return details;
}

function insideOf(table: Table, title: string): Node[] {
  const columns = table.columns.filter(({ detail }) => detail !== true).map(({ name }) => name);
  const { shown = table.rows.length } = table;
  const most = Math.min(ROWS, Math.max(shown, 1));
  const list = listRows({ mark: "list", table: table.kind, columns, rest: true, most }, [table]);
  if (list === undefined) return [];
  const { heads, more, rest, footer } = list;
  const head = heads.map(({ text, name, kind }) => {
    const cell = element(
      "th",
      kind === "words" ? "words" : "",
      text.trim() || element("span", "hidden", name),
    );
    cell.scope = "col";
    return cell;
  });
  const line = (row: ListRow): HTMLTableRowElement =>
    element("tr", "", ...row.cells.map(({ text }, i) => cellOf(text, heads[i], i === 0)));
  const last = [...(rest === undefined ? [] : [rest]), ...footer];
  const whole = element(
    "table",
    "",
    element("thead", "", element("tr", "", ...head)),
    element("tbody", "", ...list.rows.map(line)),
    ...(last.length === 0 ? [] : [element("tfoot", "", ...last.map(line))]),
  );
  const scroll = element("div", "scroll", whole);
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", title);
  const notes = (table.notes ?? []).filter((note) => note !== "" && !note.startsWith("warning: "));
  return [
    scroll,
    ...(more > 0
      ? [element("p", "note", `${more} more ${more === 1 ? "row is" : "rows are"} in the result.`)]
      : []),
    ...notes.map((note) => element("p", "note", note)),
  ];
}

function cellOf(text: string, head: ListHead | undefined, first: boolean): HTMLTableCellElement {
  const kind = head === undefined || head.kind === "number" ? "" : head.kind;
  const cell = element(first ? "th" : "td", kind, text.trim());
  if (first) cell.scope = "row";
  return cell;
}

/** The name of a kind of rows in words: `score-pair` as `Score pair`. */
function wordsOf(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("-", " ");
}
