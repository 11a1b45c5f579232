import {
  checkViews,
  type ListedAnalysis,
  listViews,
  plainResult,
  type Result,
  type Soundness,
  type Table,
  type View,
} from "@resolvent/analysis";
import type { Findings } from "@resolvent/analysis/remote";
import { layout, pageOf, svgOf } from "@resolvent/figures";
import { Option } from "commander";
import { commandLine } from "./command-line.ts";
import type { EndOptions } from "./ends.ts";
import { usageError } from "./failure.ts";
import { writeNew } from "./files.ts";
import { STANDARD } from "./place.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** The options of pages, figures, and what draws them elsewhere. */
export function figureOptions(): Option[] {
  return [
    new Option(
      "--html <file>",
      "also write the result as a self-contained HTML page; - is standard output",
    ),
    new Option("--svg <file>", "also write one figure of it as SVG; - is standard output"),
    new Option(
      "--findings <file>",
      "also write the result with its tables and views as JSON, which resolvent-figure of @resolvent/elements draws; - is standard output",
    ),
    new Option(
      "--view <n|mark>",
      "which figure --svg writes, by number or mark; default: the first",
    ),
  ];
}

/** Pixels of a figure in a file of its own. */
const WIDTH = 720;

/**
 * Writes a result as a page, as a figure and as all that draws its figures, where these were asked for.
 *
 * @throws InputError `cli/usage` for a figure that it does not have; `analysis/bad-view`; what writing throws
 */
export async function writeFigures(
  analysis: ListedAnalysis,
  result: Result,
  {
    tables,
    soundness,
    flags: { html, svg, findings, view, overwrite = false },
    argv,
    terminal,
  }: {
    readonly tables: readonly Table[];
    readonly soundness: Soundness;
    readonly flags: EndOptions & { readonly overwrite?: boolean };
    readonly argv: readonly string[];
    readonly terminal: Pick<Terminal, "out" | "note">;
  },
): Promise<void> {
  if (html === undefined && svg === undefined && findings === undefined) return;
  const views = checkViews(analysis.views?.(result) ?? listViews(tables), tables);
  const answer = analysis.answer?.(result) ?? [];
  const write = async (path: string, text: string, what: string): Promise<void> => {
    if (path === STANDARD) return terminal.out(text);
    await writeNew(path, text, overwrite);
    terminal.note(`${path} has the ${what}.`);
  };
  if (svg !== undefined) {
    const drawing = layout(chosenView(views, view), tables, { width: WIDTH });
    await write(svg, svgOf(drawing, { alone: true }), "figure");
  }
  if (html !== undefined) {
    const command = commandLine(argv);
    const page = pageOf({ analysis, result, answer, tables, views, soundness, command, version });
    await write(html, page, "page");
  }
  if (findings !== undefined) {
    const plain = plainResult(result, soundness) as Result; // with null where numbers are not finite
    const found: Findings = { result: plain, soundness, answer, tables, views };
    await write(findings, `${JSON.stringify(found)}\n`, "result with its tables and views");
  }
}

function chosenView(views: readonly View[], asked = "1"): View {
  const found = /^\d+$/.test(asked)
    ? views[Number(asked) - 1]
    : views.find(({ mark }) => mark === asked);
  if (found !== undefined) return found;
  const there = views.map(({ mark, title = "" }, i) => `${i + 1} ${mark} ${title}`.trim());
  throw usageError(
    `This result has no figure "${asked}".`,
    `Its figures: ${there.join("; ") || "none"}.`,
  );
}
