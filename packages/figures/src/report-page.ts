import type { Result, Table, View } from "@resolvent/analysis";
import { escapeHtml } from "./escape.ts";
import { figureHtml, optionsWhole, promptHtml, typeset } from "./page.ts";
import { certificateHtml, factsHtml } from "./page-facts.ts";
import { PAGE } from "./page-style.ts";
import { tableHtml } from "./page-table.ts";
import { FIGURE, THEME } from "./style.ts";

/** A figure of a report, with its question. */
export interface ReportFigure {
  readonly title: string;
  /** What its reader has written: plain text. */
  readonly note: string;
  /** The name of the analysis. */
  readonly analysis: string;
  /** What came out, in sentences. */
  readonly answer: readonly string[];
  /** A result's head, or all of it. */
  readonly result: Result;
  /** A checked one, see `checkViews`. */
  readonly view: View;
  readonly table: Table;
  /** The command that asks it again; null for none. */
  readonly command: string | null;
  /** Where it is seen again: an address of http or https; others are left out. */
  readonly link: string;
}

/** How a report looks beside a page. */
const REPORT = `
article{border-top:1px solid var(--rs-ink);margin-top:2.5rem}
.written{border-left:4px solid var(--rs-size);padding-left:1rem}
a{color:var(--rs-size)}
`;

/**
 * Figures of several questions, each with its numbers and what somebody has written about it, as one HTML page that
 * needs nothing else: no network, no scripts. Everything from a model, an input or a reader is escaped.
 *
 * @param options.version of the program that made it
 */
export function reportPage(
  figures: readonly ReportFigure[],
  { version }: { readonly version: string },
): string {
  const models = [...new Set(figures.map(({ result }) => result.model.name))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Report: ${escapeHtml(models.join(", "))}</title>
<style>${THEME}${FIGURE}${PAGE}${REPORT}</style>
</head>
<body>
<main>
<p class="kicker">${figures.length} ${figures.length === 1 ? "figure" : "figures"} · ${models.length === 1 ? "model" : "models"} ${escapeHtml(models.join(", "))}</p>
<h1>Report</h1>
${figures.map((figure, n) => articleHtml(figure, n, version)).join("\n")}
</main>
</body>
</html>
`;
}

function articleHtml(figure: ReportFigure, n: number, version: string): string {
  const { title, note, answer, result, view, table, command, link } = figure;
  const [first, ...others] = answer;
  return [
    `<article aria-label="${escapeHtml(title)}">`,
    `<p class="kicker">${escapeHtml(figure.analysis)} · model ${escapeHtml(result.model.name)}</p>`,
    promptHtml(result),
    first === undefined ? "" : `<p class="lead">${typeset(first)}</p>`,
    note === "" ? "" : `<p class="written">${note.split("\n").map(escapeHtml).join("<br>")}</p>`,
    figureHtml(view, [table], n),
    tableHtml(table, { open: false }),
    "<details><summary>Its question, and whether it adds up</summary>",
    ...others.map((sentence) => `<p>${typeset(sentence)}</p>`),
    certificateHtml(result),
    factsHtml(result, version),
    command === null
      ? ""
      : `<pre tabindex="0" aria-label="The command that asks it again">${optionsWhole(command)}</pre>`,
    /^https?:\/\//.test(link) ? `<p><a href="${escapeHtml(link)}">See it in the lab</a></p>` : "",
    "</details>",
    "</article>",
  ].join("\n");
}
