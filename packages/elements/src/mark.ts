import type { Table, View } from "@resolvent/analysis";
import type { Refers, Shape } from "@resolvent/figures";
import type { Selection } from "./figure-element.ts";

/** What can be picked in a figure: all shapes of a row. */
export interface Mark {
  readonly refers: Refers;
  /** Indices of its shapes in the drawing. */
  readonly shapes: readonly number[];
  /** The one that has the focus: of those that are no text, the first. */
  readonly focus: number;
  /** What it says. */
  readonly words: string;
}

/**
 * The view with a column by which its rows are picked, and the name of that column where the view has none itself: the
 * one that names its rows.
 */
export function selectable<V extends View>(
  view: V,
): { readonly view: V; readonly column: string | null } {
  if (view.select !== undefined) return { view, column: null };
  const column = namingColumn(view);
  return { view: column === null ? view : { ...view, select: column }, column };
}

function namingColumn(view: View): string | null {
  switch (view.mark) {
    case "bars":
      return view.y;
    case "dots":
    case "lines":
      return view.x;
    case "slope":
      return view.label;
    case "scatter":
      return view.label ?? null;
    case "list":
      return view.columns[0] ?? null;
    default:
      return null;
  }
}

/** The marks of a drawing, in its order. */
export function marksOf(shapes: readonly Shape[]): readonly Mark[] {
  const found = new Map<string, { refers: Refers; at: number[] }>();
  shapes.forEach(({ key, node, pos, says }, i) => {
    if (key === undefined && node === undefined && pos === undefined) return;
    // Cells of a grid have no key, but say different things.
    const id = JSON.stringify(key === undefined ? [node, pos, says] : [key]);
    const own = found.get(id) ?? { refers: { ...refer(key, node, pos) }, at: [] };
    own.at.push(i);
    found.set(id, own);
  });
  return [...found.values()].map(({ refers, at }) => {
    const [first = 0] = at;
    return {
      refers,
      shapes: at,
      focus: at.find((i) => shapes[i]?.kind !== "text") ?? first,
      words: wordsOf(at.flatMap((i) => shapes[i] ?? [])),
    };
  });
}

function refer(key?: string, node?: string, pos?: string): Refers {
  return {
    ...(key !== undefined && { key }),
    ...(node !== undefined && { node }),
    ...(pos !== undefined && { pos }),
  };
}

function wordsOf(shapes: readonly Shape[]): string {
  const said = shapes.find(({ says }) => says !== undefined)?.says;
  if (said !== undefined) return said;
  return shapes
    .flatMap((shape) => (shape.kind === "text" && shape.text ? [shape.text] : []))
    .join(", ");
}

/** What is picked where a mark is. */
export function selectionOf({ refers }: Mark, column: string | null): Selection {
  const { key = null, node = null, pos = null } = refers;
  return { key, column: key === null ? null : column, node, pos };
}

/** What rows of a view are known by. */
export interface Rows {
  /** The column of their keys, where the view has no `select`. */
  readonly column: string | null;
  /** Whether a row of that key has a cell in another column: a path its degree. */
  readonly has: (key: string, column: string, cell: string) => boolean;
}

/** The same of a view and its table. */
export function rowsOf({ select }: View, column: string | null, table: Table | undefined): Rows {
  const indexOf = (name: string | undefined): number =>
    table?.columns.findIndex((one) => one.name === name) ?? -1;
  const keys = indexOf(select);
  // A selection is held against every mark: rows are gone through once for a column.
  const found = new Map<number, ReadonlyMap<string, ReadonlySet<string>>>();
  const byCell = (at: number): ReadonlyMap<string, ReadonlySet<string>> => {
    const made = new Map<string, Set<string>>();
    for (const row of table?.rows ?? []) {
      const [cell, key] = [String(row[at]), String(row[keys])];
      made.set(cell, (made.get(cell) ?? new Set()).add(key));
    }
    found.set(at, made);
    return made;
  };
  return {
    column,
    has: (key, other, cell) => {
      const at = indexOf(other);
      if (at < 0) return false;
      return (found.get(at) ?? byCell(at)).get(cell)?.has(key) === true;
    },
  };
}

/**
 * Whether a mark lights up with a selection: where both have a key of one sort, by the key; where its row has what was
 * picked in a column of that name; else where the nodes of one are among the other's, and its positions. What has no
 * node does not belong to one.
 */
export function isLit({ refers }: Mark, { column, has }: Rows, selection: Selection): boolean {
  const { key, node, pos } = refers;
  if (key !== undefined && selection.key !== null) {
    if (selection.column === column) return key === selection.key;
    if (selection.column !== null && has(key, selection.column, selection.key)) return true;
  }
  if (selection.node !== null && node === undefined) return false;
  const nodes = within(selection.node, node);
  const places = within(selection.pos, pos);
  return nodes !== false && places !== false && (nodes ?? places ?? false);
}

/** Whether the words of one are among those of the other; undefined where one has none. */
function within(a: string | null, b: string | undefined): boolean | undefined {
  if (a === null || b === undefined) return undefined;
  const [own, other] = [new Set(a.split(" ")), new Set(b.split(" "))];
  return [...own].every((word) => other.has(word)) || [...other].every((word) => own.has(word));
}

/** A selection from an event, which any script of a page may send; undefined where it is none. */
export function readSelection(given: unknown): Selection | null | undefined {
  if (given === null) return null;
  const { key = null, column = null, node = null, pos = null } = Object(given);
  const fits = [key, column, node, pos].every((one) => one === null || typeof one === "string");
  return typeof given === "object" && fits ? { key, column, node, pos } : undefined;
}
