import type { Result, Soundness, Table, View } from "@resolvent/analysis";
import { escapeHtml } from "./escape.ts";
import { layout } from "./layout.ts";
import { certificateHtml, factsHtml } from "./page-facts.ts";
import { PAGE } from "./page-style.ts";
import { tableHtml } from "./page-table.ts";
import { FIGURE, THEME } from "./style.ts";
import { svgOf } from "./svg.ts";
import { minuses, visible } from "./text.ts";

/** What a page is made of. */
export interface PageParts {
  /** What was asked. */
  readonly analysis: {
    readonly name: string;
    readonly summary: string;
    readonly description: string;
  };
  readonly result: Result;
  /** What came out, in sentences. */
  readonly answer: readonly string[];
  readonly tables: readonly Table[];
  /** Checked ones, see `checkViews`. */
  readonly views: readonly View[];
  /** What is wrong with the result as such. */
  readonly soundness: Soundness;
  /** The command that makes it again. */
  readonly command: string;
  /** Of the program that made it. */
  readonly version: string;
}

/** Widths that a figure is drawn for, in pixels: of a screen, of a phone. */
const WIDTHS = { wide: 900, narrow: 356 } as const;
/** What would only get longer is not drawn wider than this. */
const ENOUGH = 700;

/** A figure takes half of a screen up to this width. */
const HALF = 450;

/** Tokens of a prompt that are shown at most. */
const TOKENS = 400;

/**
 * A result as one HTML page that needs nothing else: no network, no scripts; light or dark as the reader likes it.
 * Everything from a model or an input is escaped.
 */
export function pageOf(parts: PageParts): string {
  const { analysis, result, answer, tables, views, soundness, command, version } = parts;
  const { name } = result.model;
  const heading = `${analysis.summary.charAt(0).toUpperCase()}${analysis.summary.slice(1)}`;
  const [first = analysis.description, ...others] = answer;
  const warnings = [...(result.warnings ?? []), ...soundness.warnings];
  const text = (words: string): string => escapeHtml(words);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(`${analysis.name}: ${name}`)}</title>
<style>${THEME}${FIGURE}${PAGE}</style>
</head>
<body>
<main>
<p class="kicker">${text(analysis.name)} · model ${text(name)}</p>
<h1>${text(heading)}</h1>
${promptHtml(result)}
<p class="lead">${typeset(first)}</p>
${others.map((sentence) => `<p>${typeset(sentence)}</p>`).join("\n")}
${warnings.length === 0 ? "" : `<aside aria-label="Warnings"><h2>Warnings</h2><ul>${warnings.map(({ message }) => `<li>${text(message)}</li>`).join("")}</ul></aside>`}
<div class="figures">
${views.map((view, n) => figureHtml(view, tables, n)).join("\n")}
</div>
<h2>The numbers</h2>
${tables.map((table, n) => tableHtml(table, { open: n === 0 && views.length === 0 })).join("\n")}
<h2>Does it add up?</h2>
${certificateHtml(result)}
<h2>How this was made</h2>
<p>${optionsWhole(analysis.description)}</p>
${factsHtml(result, version)}
<pre tabindex="0" aria-label="The command that makes this again">${optionsWhole(command)}</pre>
</main>
</body>
</html>
`;
}

/** The tokens of the prompts, each to be linked by its position: one prompt, or a clean and a corrupt one. */
export function promptHtml(result: Result): string {
  const { input, pairs } = Object(result);
  const [first, second] = Array.isArray(pairs) ? pairs : [];
  const { clean, corrupt } = Object(second === undefined ? first : undefined);
  return [
    tokensHtml(Object(input).tokens, "The prompt"),
    tokensHtml(clean, "The clean prompt", "clean"),
    tokensHtml(corrupt, "The corrupt prompt", "corrupt"),
  ].join("");
}

function tokensHtml(tokens: unknown, label: string, head?: string): string {
  if (!Array.isArray(tokens) || tokens.length === 0) return "";
  const each = tokens.slice(0, TOKENS).map((token: unknown, pos) => {
    const { text = "" } = Object(token);
    return `<span class="token" data-pos="${pos}">${escapeHtml(visible(String(text)))}</span>`;
  });
  const more = tokens.length > TOKENS ? ` … and ${tokens.length - TOKENS} more tokens` : "";
  const before = head === undefined ? "" : `<small>${head}</small> `;
  return `<p class="prompt" aria-label="${label}, token by token" role="group">${before}${each.join("<wbr>")}${more}</p>`;
}

/** A sentence with − before negative numbers; no line ends before %, next to ± or within a short quoted token. */
export function typeset(sentence: string): string {
  return escapeHtml(
    minuses(sentence)
      .replace(/(\d) %/g, "$1\u00a0%")
      .replaceAll(" ± ", "\u00a0±\u00a0")
      .replace(/" (?=[^\s"]{1,20}")/g, '"\u00a0'),
  );
}

/** A text in which no line ends within the name of an option: browsers break it after `--`. */
export function optionsWhole(given: string): string {
  return escapeHtml(given).replace(
    /(^|\s)(--[a-z][a-z-]{0,30})(?![\w-])/g,
    '$1<span class="option">$2</span>',
  );
}

/** A figure for wide and for narrow screens, `n` of its page. */
export function figureHtml(view: View, tables: readonly Table[], n: number): string {
  const long =
    view.mark === "bars" ||
    view.mark === "dots" ||
    view.mark === "lines" ||
    view.mark === "scatter" ||
    view.mark === "slope";
  const wide = layout(view, tables, { width: long ? ENOUGH : WIDTHS.wide });
  const narrow = layout(view, tables, { width: WIDTHS.narrow, turned: true });
  const same = wide.width === narrow.width;
  // Two of them stand side by side where there is room.
  const small = wide.width <= HALF ? ` class="small"` : "";
  const data = view.cursor === undefined ? "" : ` data-cursor="${escapeHtml(view.cursor)}"`;
  const drawn = (drawing: typeof wide, kind: string): string =>
    `<div class="scroll${kind}" tabindex="0" role="region" aria-label="${escapeHtml(drawing.title)}">${svgOf(drawing, { id: `v${n}${kind.trim()}` })}</div>`;
  return `<figure${small} data-mark="${view.mark}"${data}><figcaption><h2>${escapeHtml(wide.title)}</h2>${view.note === undefined ? "" : `<p>${escapeHtml(view.note)}</p>`}</figcaption>${same ? drawn(wide, "") : drawn(wide, " wide") + drawn(narrow, " narrow")}</figure>`;
}
