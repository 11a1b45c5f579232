import {
  csvLines,
  entriesOf,
  jsonLines,
  type Result,
  type Table,
  type View,
} from "@resolvent/analysis";
import type { AnalysisDescription, Findings, Work } from "@resolvent/analysis/remote";
import { type ColourTheme, layout, pageOf, svgOf } from "@resolvent/figures";
import { version } from "resolvent/package.json";
import { commandOf } from "./copies.ts";
import { wholeOf } from "./works.ts";

/** A figure as it is on the screen: its view, and the tables that it is drawn from. */
export interface Figure {
  readonly view: View;
  readonly tables: readonly Table[];
}

/** Pixels of a figure in a file of its own, whatever the screen: as `--svg` draws it. */
const WIDTH = 720;

/** Pixels of a side of a picture at most: browsers have no larger canvases. */
const MOST_PIXELS = 16_384;

/** How many pixels of a picture one of the figure is, where there is room. */
const SCALE = 2;

/** The figure as a file that needs nothing else: with its title, and its colours written out. */
export function svgFile({ view, tables }: Figure, theme: ColourTheme): string {
  return svgOf(layout(view, tables, { width: WIDTH }), { alone: true, theme });
}

/** The same as pixels, two to one; fewer where it is larger than a browser draws. */
export async function pngFile(figure: Figure, theme: ColourTheme): Promise<Blob> {
  const svg = new Blob([svgFile(figure, theme)], { type: "image/svg+xml" });
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const scale = Math.min(SCALE, MOST_PIXELS / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const png = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (png === null) throw new Error("This browser has no room for the picture: save it as SVG.");
    return png;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The table of a figure, as `--format csv` has it: all of its rows and digits, and those only that the figure shows. */
export async function csvFile({ view, tables }: Figure): Promise<string> {
  const table = tables.find(({ kind }) => kind === view.table);
  return table === undefined ? "" : [...csvLines(await wholeOf(table))].join("");
}

/** The result, as `--json` writes it. */
export function jsonFile({ result }: Pick<Findings, "result">): string {
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

/** The result with its tables line by line, as `--format ndjson` writes it. */
export function ndjsonFile({ result, tables }: Pick<Findings, "result" | "tables">): string {
  const data = tables.filter(({ view }) => view !== true);
  const written = data.map((table) => ({ table, entries: () => entriesOf(result, table) }));
  return [...jsonLines(result, tables, written)].join("");
}

/** The page that `--html` writes. */
export function pageFile(findings: Findings, work: Work, analysis: AnalysisDescription): string {
  const { result, answer, views, soundness } = findings;
  const tables = findings.tables.map(({ accuracy: _, ...table }) => table);
  const command = commandOf(work, analysis);
  return pageOf({ analysis, result, answer, tables, views, soundness, command, version });
}

/** What a file is called: model, analysis, the question, and what of it. */
export function fileName(
  result: Result | undefined,
  {
    analysis,
    of,
    ending,
  }: { readonly analysis: string; readonly of: string; readonly ending: string },
): string {
  const parts = [result?.model.name, analysis, result?.question?.slice(0, 8), of];
  const words = parts.flatMap((part) => {
    const word = (part ?? "").replace(/[^\w.]+/g, "-").replace(/^[-.]+|-+$/g, "");
    return word === "" ? [] : [word.slice(0, 60)];
  });
  return `${words.join("-") || "figure"}.${ending}`;
}

/** Hands a file to whoever looks at the page. */
export function download(name: string, file: Blob): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
