import { type Made, short } from "@resolvent/analysis";
import { escapeHtml } from "./html.ts";
import { pageFigures } from "./page-figures.ts";
import type { BlockLinearity, BlockMeasure, LinearityResult } from "./result.ts";
import { linearityTables, range } from "./tables.ts";

/**
 * A result as one HTML page, like a figure of a paper: curves over blocks and degrees, a table, what was measured and
 * how. It needs nothing but itself: no scripts, no network; light or dark as the reader likes it.
 */
export function linearityPage(result: LinearityResult, { command }: Made): string {
  const { model, blocks, warnings } = result;
  const title = `How far from linear is ${model.name}?`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(leadOf(result))}</p>
${warnings.length === 0 ? "" : `<aside><h2>Warnings</h2><ul>${warnings.map(({ message }) => `<li>${escapeHtml(message)}</li>`).join("")}</ul></aside>`}
${pageFigures(result)
  .map((text, n) => text.replace("<b>", `<b>Figure ${n + 1}. `))
  .join("\n")}
<h2>The blocks in numbers</h2>
${blockTable(blocks)}
${otherTables(result)}
<h2>How this was made</h2>
<dl>${factsOf(result)
    .map(([name, fact]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(fact)}</dd>`)
    .join("")}</dl>
<pre>${escapeHtml(command)}</pre>
</main>
</body>
</html>
`;
}

/** What was measured, and how. */
function factsOf(result: LinearityResult): readonly (readonly [string, string])[] {
  const { model, settings, input } = result;
  return [
    ["model", `${model.name} (${model.architecture}, ${model.blocks.length} blocks)`],
    ["SHA-256", model.sha256 ?? "not computed"],
    ["corpus", `${input.corpus}, ${input.found} sequences`],
    ["fit on", `${input.fit.tokens} tokens in ${input.fit.sequences} sequences`],
    [
      "scored on",
      `${input.scored.tokens} tokens in ${input.scored.sequences} sequences${settings.split === "none" ? ", the same" : ", none of them fitted"}`,
    ],
    [
      "settings",
      `seed ${settings.seed}; at most ${input.length} tokens a sequence; singular values above ${settings.cutoff} of the largest; tuned lens: ${settings.lensPasses} passes; intervals: 95 %, ${settings.draws} bootstrap draws over sequences`,
    ],
    ["computed by", `${result.engine}, ${result.precision}`],
  ];
}

function leadOf({ blocks, tokens, precision }: LinearityResult): string {
  const of = (measure: BlockMeasure): string => {
    const values = blocks.map((block) => block[measure]).filter((value) => value !== null);
    return values.length === 0
      ? "none"
      : `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
  };
  return `On ${tokens} tokens (${precision}), the best affine map of what a block reads explains ${of("withResidual")} of the variance of the stream behind it, residual included, and ${of("withoutResidual")} of what the block adds.`;
}

const SHOWN: readonly (readonly [BlockMeasure, string])[] = [
  ["withResidual", "with residual"],
  ["withoutResidual", "without residual"],
  ["superpositionDefect", "superposition defect"],
  ["stepToMean", "step to mean"],
  ["stepToToken", "step to token"],
  ["lossChange", "Δ loss replaced"],
  ["replacedKl", "KL replaced"],
  ["logitLensKl", "logit lens KL"],
  ["logitLensTop1", "top-1"],
  ["tunedLensKl", "tuned lens KL"],
  ["tunedLensTop1", "top-1"],
];

function blockTable(blocks: readonly BlockLinearity[]): string {
  const heads = ["block", ...SHOWN.map(([, head]) => head), "rank"];
  const rows = blocks.map((block) => [
    escapeHtml(block.block),
    ...SHOWN.map(([measure]) => {
      const value = block[measure];
      const text = value === null ? "–" : short(value);
      return `${text}<small>${escapeHtml(range(block.intervals[measure]))}</small>`;
    }),
    `${block.rank}<small>${short(block.effectiveRank)}</small>`,
  ]);
  return table(heads, rows);
}

/** Layers, and pairs of sites, as their tables have them. */
function otherTables(result: LinearityResult): string {
  return linearityTables(result)
    .filter(({ kind }) => kind === "layer" || kind === "between")
    .map(({ title = "", columns, rows }) => {
      const shown = columns.flatMap((column, i) => (column.detail === true ? [] : [{ column, i }]));
      const cells = rows.map((row) =>
        shown.map(({ column, i }) => {
          const cell = row[i] ?? null;
          const whole = column.kind === "count";
          return escapeHtml(typeof cell === "number" && !whole ? short(cell) : String(cell ?? "–"));
        }),
      );
      const heads = shown.map(({ column: { name, head = name } }) => head);
      return `<h2>${escapeHtml(title)}</h2>${table(heads, cells)}`;
    })
    .join("\n");
}

/** @param rows cells that are HTML already */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

/** Colours that people of all colour visions tell apart (Okabe & Ito 2008), darker on white, lighter on black. */
const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --faint: #666; --line: #ddd; --warn: #fff4d6;
  --c0: #0072b2; --c1: #c04a00; --c2: #00765a; --c3: #a34c7f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14161a; --ink: #e8e8e6; --faint: #a0a4aa; --line: #33373d; --warn: #3a3010;
    --c0: #56b4e9; --c1: #e69f00; --c2: #2cc295; --c3: #e79bc8; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 Georgia, "Times New Roman", serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
.lead { font-size: 1.05rem; }
aside { background: var(--warn); padding: .5rem 1rem; border-radius: 4px; }
aside h2 { margin: .25rem 0; font-size: 1rem; }
aside ul { margin: .25rem 0; padding-left: 1.2rem; }
figure { margin: 2.5rem 0; }
figcaption { font-size: .9rem; color: var(--faint); }
figcaption b { color: var(--ink); }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
.grid { stroke: var(--line); }
.tick, .axis { fill: var(--faint); }
.curve { fill: none; stroke: currentColor; stroke-width: 1.5; }
.bar { stroke: currentColor; stroke-width: 4; opacity: .3; }
.point, .key { fill: currentColor; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font: 12px/1.35 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 1px solid var(--ink); border-top: 2px solid var(--ink); font-weight: 600; }
tr:last-child td { border-bottom: 2px solid var(--ink); }
td small { display: block; color: var(--faint); white-space: nowrap; font-size: 10px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .9rem; }
li { overflow-wrap: anywhere; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .75rem; border: 1px solid var(--line); border-radius: 4px; font-size: .85rem; }
`;
