import type { Table, View } from "@resolvent/analysis";

/** Marks of a figure at most: a page with more would not answer for seconds. */
const MOST = 30_000;

/** Cells of small grids that are about one shape: those of a line that look alike. */
const ALIKE = 50;

/** Why a view is not drawn, in a sentence: it has more marks than a page can show. Undefined where it can. */
export function tooLarge(view: View, table: Table | undefined): string | undefined {
  const marks = table === undefined ? 0 : marksOf(view, table);
  if (marks <= MOST) return undefined;
  const [had, most] = [marks, MOST].map((count) => count.toLocaleString("en"));
  return `This figure would have about ${had} marks, and a page can show ${most}. Make a result with fewer rows, or look at the table.`;
}

/** About how many there are, before anything is laid out: rows, and what stands at the axes. */
function marksOf(view: View, { rows, shown = rows.length }: Table): number {
  const seen = Math.min(view.most ?? shown, rows.length);
  switch (view.mark) {
    case "list":
      return 0; // has an end of its own
    case "grid": {
      const cells = view.facet === undefined ? rows.length : rows.length / ALIKE;
      return Math.ceil(cells) + (view.axes?.x?.length ?? 0) + (view.axes?.y?.length ?? 0);
    }
    case "routes":
      return seen + view.axes.x.length + view.axes.y.length;
    case "arcs":
      return seen + view.axes.x.length;
    case "graph":
      return seen + named(view.layers) + named(view.columns ?? []);
    default:
      return seen;
  }
}

function named(groups: readonly (readonly string[])[]): number {
  return groups.reduce((sum, { length }) => sum + length + 1, 0);
}
