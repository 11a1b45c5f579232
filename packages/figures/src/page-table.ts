import type { Cell, Table } from "@resolvent/analysis";
import { escapeHtml } from "./escape.ts";
import { cellText, headOf, refersOf } from "./reading.ts";
import { rounded } from "./rounded.ts";

/** Rows of a table in a page. */
const ROWS = 100;
const WORDS = new Set(["text", "token", "shape"]);

/** The name of a kind of rows in words: `score-pair` as `Score pair`. */
function wordsOf(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("-", " ");
}

/** A table as HTML that folds; long ones say what is left out. Nothing where it says nothing. */
export function tableHtml(given: Table, { open }: { readonly open: boolean }): string {
  const table = rounded(given);
  const {
    kind,
    title = wordsOf(kind),
    subtitle,
    columns,
    rows,
    shown = rows.length,
    rest,
    footer = [],
  } = table;
  const notes = (table.notes ?? []).filter((note) => note !== "" && !note.startsWith("warning: "));
  const seen = columns.flatMap((column, i) => (column.detail === true ? [] : [{ column, i }]));
  const listed = rows.slice(0, Math.min(ROWS, Math.max(shown, 1)));
  const last = [...(rest === undefined ? [] : [rest]), ...footer];
  if (listed.length + last.length + notes.length === 0) return "";
  const cell = (
    row: readonly Cell[],
    { column, i }: (typeof seen)[number],
    head: boolean,
  ): string => {
    const text = escapeHtml(cellText(row[i] ?? null, column).trim());
    const tag = head ? `th scope="row"` : "td";
    const kindOf = WORDS.has(column.kind)
      ? ` class="${column.kind === "token" ? "token-cell" : "words"}"`
      : "";
    return `<${tag}${kindOf}>${text}</${head ? "th" : "td"}>`;
  };
  const line = (row: readonly Cell[]): string => {
    const { node, pos } = refersOf(table, row);
    const data = `${node === undefined ? "" : ` data-node="${escapeHtml(node)}"`}${pos === undefined ? "" : ` data-pos="${escapeHtml(pos)}"`}`;
    return `<tr${data}>${seen.map((one, n) => cell(row, one, n === 0)).join("")}</tr>`;
  };
  const heads = seen.map(
    ({ column }) =>
      `<th scope="col"${WORDS.has(column.kind) ? ` class="words"` : ""}>${escapeHtml(headOf(column)) || `<span class="hidden">${escapeHtml(column.name)}</span>`}</th>`,
  );
  const left = rows.length - listed.length;
  return [
    `<details${open ? " open" : ""}><summary>${escapeHtml(title)} <small>${rows.length} ${rows.length === 1 ? "row" : "rows"}</small></summary>`,
    subtitle === undefined
      ? ""
      : `<p class="note">${escapeHtml(subtitle.replaceAll("\n", "; "))}</p>`,
    seen.length === 0
      ? ""
      : `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table><thead><tr>${heads.join("")}</tr></thead><tbody>${listed.map(line).join("")}</tbody>${last.length === 0 ? "" : `<tfoot>${last.map(line).join("")}</tfoot>`}</table></div>`,
    left > 0
      ? `<p class="note">${left} more ${left === 1 ? "row is" : "rows are"} left out here; --only ${escapeHtml(kind)} --format csv has all.</p>`
      : "",
    ...notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
    "</details>",
  ].join("");
}
