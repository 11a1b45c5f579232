import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkViews, type View } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { FIGURE, layout, svgOf, THEME } from "../src/index.ts";
import { examples } from "./examples.ts";

const file = (name: string): string => fileURLToPath(new URL(`figures/${name}`, import.meta.url));

/** The closed set of marks. */
const marks: Readonly<Record<View["mark"], true>> = {
  ...{ bars: true, dots: true, lines: true, grid: true, routes: true, arcs: true },
  ...{ scatter: true, slope: true, graph: true, passages: true, list: true },
};

test("every mark has an example, which is a view as others may send it", () => {
  expect(new Set(examples.map(({ view }) => view.mark))).toEqual(new Set(Object.keys(marks)));
  for (const { view, table } of examples) {
    expect(checkViews(JSON.parse(JSON.stringify([view])), [table])).toEqual([view]);
  }
});

test.each(examples)("$name is drawn as its file shows", async ({ name, view, table }) => {
  const svg = svgOf(layout(view, [table], { width: 640 }), { alone: true });
  await expect(svg).toMatchFileSnapshot(file(`${name}.svg`));
});

test.each(examples)("marks of $name refer to nodes, positions and keys", ({ view, table }) => {
  const { shapes, alt } = layout(view, [table], { width: 640 });
  const at = table.columns.findIndex(({ name }) => name === view.select);
  const keys = new Set(shapes.flatMap(({ key }) => key ?? []));
  const drawn = table.rest === undefined || !("rest" in view) ? [] : [table.rest];
  expect(keys).toEqual(new Set([...table.rows, ...drawn].map((row) => String(row[at]))));
  const nodes = new Set(shapes.flatMap(({ node }) => node?.split(" ") ?? []));
  const positions = new Set(shapes.flatMap(({ pos }) => pos?.split(" ") ?? []));
  for (const [i, { refers }] of table.columns.entries()) {
    if (refers === undefined) continue;
    const named = table.rows.flatMap((row) => String(row[i] ?? "").split(" "));
    const found = refers === "node" ? nodes : positions;
    expect(named.filter((one) => !found.has(one))).toEqual([]);
  }
  expect(alt.length).toBeGreaterThan(10);
});

// EXAMPLES=1 npx vitest run packages/figures/test/examples.test.ts
test.runIf(process.env.EXAMPLES === "1")("the page of examples is written, to be looked at", () => {
  const figures = examples.map(({ name, view, table }) => {
    const svgs = [640, 356].map((width) =>
      svgOf(layout(view, [table], { width }), { id: `${name}-${width}` }),
    );
    return `<h2>${name}</h2>${svgs.join("<br>")}<pre>${JSON.stringify(view)}</pre>`;
  });
  const folder = fileURLToPath(new URL("../../../temp/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    `${folder}figures.html`,
    `<!doctype html><meta charset="utf-8"><title>Figures</title><style>${THEME}${FIGURE}body{background:var(--rs-paper);color:var(--rs-ink);font-family:system-ui}pre{white-space:pre-wrap}</style>${figures.join("\n")}\n`,
  );
});
