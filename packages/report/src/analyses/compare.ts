import type { Spread } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type {
  ComparedCard,
  ComparedDegree,
  ReportComparison,
  ReportResult,
} from "./report-result.ts";
import { SPECTRA } from "./sections.ts";

/** Reports that are compared at most. */
const MOST = 256;

/**
 * Reports that were written as JSON, side by side, in their order.
 *
 * @param text reports one after the other: JSON lines, or files as they are
 * @throws InputError `report/bad-reports`
 */
export function compareReports(text: string): ReportComparison {
  const reports = documentsIn(text).map((value, i) => reportIn(value, i + 1));
  const [first] = reports;
  if (first === undefined || reports.length > MOST) {
    throw badReports(`it has ${reports.length} reports, 1 to ${MOST} are compared`);
  }
  const { model, near } = first;
  const other = reports.find((report) => report.near !== near);
  if (other !== undefined) {
    throw badReports(`near is within ${near} nats in one, within ${other.near} in another`);
  }
  return {
    ...{ schemaVersion: 1, kind: "report-comparison", model, engine: null, precision: null },
    ...{ freeze: [], reference: null, weightProcessing: "none", certificate: null, warnings: [] },
    near,
    cards: reports.map(cardOf),
    degrees: reports.flatMap((report, i) => degreesOf(report, i + 1)),
  };
}

function cardOf({ model, corpus, sequences, tokens, needed }: ReportResult): ComparedCard {
  const of = (name: string): Spread | null =>
    needed.find(({ section }) => section === name)?.degree ?? null;
  const { name, sha256, blocks } = model;
  return {
    ...{ name, sha256, blocks: blocks.length, corpus, sequences, tokens },
    ...{ frozen: of("frozen"), live: of("live") },
  };
}

/** The spectra of a report: the mean share of the logits of each degree, as its sections have it. */
function degreesOf({ model, sections }: ReportResult, card: number): ComparedDegree[] {
  const rows = new Map<number, { frozen: Spread | null; live: Spread | null }>();
  for (const { name, result } of sections) {
    if (!SPECTRA.includes(name)) continue;
    const { means } = result as unknown as Spectrum; // an expansion over sequences, as reports have it
    const table = means.find(({ kind }) => kind === "degree-term");
    const at = table?.measures.findIndex((measure) => measure.name === "logitShare") ?? -1;
    for (const { keys, values } of table?.rows ?? []) {
      const degree = Number(keys[0]);
      const row = rows.get(degree) ?? { frozen: null, live: null };
      row[name === "frozen" ? "frozen" : "live"] = values[at] ?? null;
      rows.set(degree, row);
    }
  }
  return [...rows]
    .sort(([a], [b]) => a - b)
    .map(([degree, shares]) => ({ card, name: model.name, degree, ...shares }));
}

/** What is read of the result of a spectrum. */
interface Spectrum {
  readonly means: readonly {
    readonly kind: string;
    readonly measures: readonly { readonly name: string }[];
    readonly rows: readonly {
      readonly keys: readonly unknown[];
      readonly values: readonly (Spread | null)[];
    }[];
  }[];
}

function reportIn(value: unknown, place: number): ReportResult {
  const { kind, schemaVersion, model, sections, needed } = Object(value);
  const { name, blocks } = Object(model);
  const sound =
    kind === "report" &&
    schemaVersion === 1 &&
    typeof name === "string" &&
    Array.isArray(blocks) &&
    Array.isArray(needed) &&
    Array.isArray(sections) &&
    sections.every((section: unknown) => {
      const { name: own, result } = Object(section);
      return typeof own === "string" && (!SPECTRA.includes(own) || isSpectrum(result));
    });
  if (sound) return value as ReportResult; // as far as it is read
  throw badReports(`its document ${place} is no report of this version`);
}

function isSpectrum(value: unknown): value is Spectrum {
  const { means } = Object(value);
  const lists = (table: unknown): boolean => {
    const { measures, rows } = Object(table);
    return (
      Array.isArray(measures) &&
      Array.isArray(rows) &&
      rows.every(
        (row: unknown) => Array.isArray(Object(row).keys) && Array.isArray(Object(row).values),
      )
    );
  };
  return Array.isArray(means) && means.every(lists);
}

/** The JSON documents of a text, however they are broken into lines. */
function documentsIn(text: string): unknown[] {
  const found: unknown[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") {
      if (depth++ === 0) start = at;
    } else if ((char === "}" || char === "]") && --depth === 0) {
      found.push(parsed(text.slice(start, at + 1), found.length + 1));
    }
    if (depth < 0) throw badReports("it is no JSON");
  }
  if (depth !== 0 || quoted) throw badReports("its last document has no end");
  return found;
}

function parsed(text: string, place: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badReports(`its document ${place} is no JSON`);
  }
}

function badReports(why: string): InputError {
  return new InputError({
    code: "report/bad-reports",
    message: `What --compare names cannot be compared: ${why}.`,
    remedy: "Give what resolvent report … --json has written, one after the other.",
  });
}
