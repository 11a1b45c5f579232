import { type Figure, readFindings } from "@resolvent/analysis/remote";
import { layout, svgOf } from "@resolvent/figures";

/**
 * The figures of findings, as SVG in colours written out.
 *
 * @throws InputError `remote/bad-reply`, `analysis/bad-table`, `analysis/bad-view`
 */
export function drawn(findings: unknown, width: number): readonly Figure[] {
  const { tables, views } = readFindings(findings);
  return views.map((view) => {
    const drawing = layout(view, tables, { width });
    const svg = svgOf(drawing, { alone: true, theme: "light" });
    return { title: drawing.title, note: view.note ?? null, svg };
  });
}
