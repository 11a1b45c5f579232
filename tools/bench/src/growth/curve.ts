import type { CurvesView, Table } from "@resolvent/analysis";
import { layout, svgOf } from "@resolvent/figures";

const WIDTH = 640;

/** A curve of milliseconds for each contestant, both axes by logarithms, so that a power is a line: SVG. */
export function curveOf({
  title,
  along,
  sizes,
  series,
}: {
  readonly title: string;
  readonly along: string;
  readonly sizes: readonly number[];
  readonly series: readonly { readonly name: string; readonly milliseconds: readonly number[] }[];
}): string {
  const table: Table = {
    kind: "growth",
    columns: [
      { name: along, kind: "count" },
      ...series.map(({ name }) => ({ name, head: `${name}, ms`, kind: "number" as const })),
    ],
    rows: sizes.map((size, i) => [
      size,
      ...series.map(({ milliseconds }) => finite(milliseconds[i])),
    ]),
  };
  const view: CurvesView = {
    ...{ mark: "lines", table: "growth", title, scale: "log", along: "log" },
    ...{ x: along, y: series.map(({ name }) => ({ column: name })) },
  };
  return svgOf(layout(view, [table], { width: WIDTH }), { alone: true });
}

function finite(number: number | undefined): number | null {
  return number !== undefined && Number.isFinite(number) ? number : null;
}
