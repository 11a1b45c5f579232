import type { Spread } from "@resolvent/analysis";
import { badReports } from "./documents.ts";
import type {
  ComparedCard,
  ComparedDegree,
  ReportComparison,
  ReportResult,
} from "./report-result.ts";
import { SPECTRA } from "./sections.ts";
import { stepOf } from "./steps.ts";

/** What a document adds to a comparison. */
export type ComparedPart = Pick<ReportComparison, "model" | "near" | "cards" | "degrees">;

/** @throws InputError `report/bad-reports` where it is neither a report nor a comparison; `place` says which it is */
export function partIn(value: unknown, place: number): ComparedPart {
  if (isComparison(value)) return value;
  const report = reportIn(value, place);
  const { model, near } = report;
  return { model, near, cards: [cardOf(report)], degrees: degreesOf(report) };
}

function cardOf(report: ReportResult): ComparedCard {
  const { model, corpus, sequences, tokens, needed } = report;
  const of = (name: string): Spread | null =>
    needed.find(({ section }) => section === name)?.degree ?? null;
  const { name, sha256, blocks } = model;
  const { loss = null, accuracy = null } = report.nextTokens ?? {};
  return {
    ...{ name, sha256, step: stepOf(name), blocks: blocks.length, corpus, sequences, tokens },
    ...{ frozen: of("frozen"), live: of("live"), loss, accuracy },
  };
}

/** The spectra of a report: the mean share of the logits of each degree, as its sections have it. */
function degreesOf({ model, sections }: ReportResult): ComparedDegree[] {
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
    .map(([degree, shares]) => ({ card: 1, name: model.name, degree, ...shares }));
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

/** As far as it is read: what a program of this version wrote. */
function isComparison(value: unknown): value is ComparedPart {
  const { kind, schemaVersion, near, model, cards, degrees } = Object(value);
  return (
    kind === "report-comparison" &&
    schemaVersion === 1 &&
    typeof near === "number" &&
    typeof Object(model).name === "string" &&
    Array.isArray(cards) &&
    cards.length > 0 &&
    cards.every(isCard) &&
    Array.isArray(degrees) &&
    degrees.every((row: unknown) => {
      const { card, name, degree, frozen, live } = Object(row);
      return (
        typeof name === "string" &&
        Number.isInteger(degree) &&
        Number.isInteger(card) &&
        card >= 1 &&
        card <= cards.length &&
        [frozen, live].every(isSpread)
      );
    })
  );
}

function isCard(value: unknown): value is ComparedCard {
  const { name, step, blocks, frozen, live, loss, accuracy } = Object(value);
  return (
    typeof name === "string" &&
    (step === null || Number.isInteger(step)) &&
    Number.isInteger(blocks) &&
    isOfTexts(Object(value)) &&
    [frozen, live, loss, accuracy].every(isSpread)
  );
}

/** What a card says of its texts. */
function isOfTexts({ corpus, sequences, tokens }: Readonly<Record<string, unknown>>): boolean {
  return (
    (corpus === null || typeof corpus === "string") && [sequences, tokens].every(Number.isInteger)
  );
}

/** A spread, or none. */
function isSpread(value: unknown): value is Spread | null {
  const { mean, low, high } = Object(value);
  const ends = [low, high].every((end) => end === null || typeof end === "number");
  return value === null || (typeof mean === "number" && ends);
}

function reportIn(value: unknown, place: number): ReportResult {
  const { kind, schemaVersion, near, model, sections, needed, nextTokens } = Object(value);
  const { name, blocks } = Object(model);
  const { loss = null, accuracy = null } = Object(nextTokens);
  const sound =
    kind === "report" &&
    schemaVersion === 1 &&
    typeof near === "number" &&
    typeof name === "string" &&
    Array.isArray(blocks) &&
    isOfTexts(Object(value)) &&
    [loss, accuracy].every(isSpread) &&
    Array.isArray(needed) &&
    needed.every((one: unknown) => isSpread(Object(one).degree)) &&
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
      measures.every((measure: unknown) => typeof Object(measure).name === "string") &&
      Array.isArray(rows) &&
      rows.every((row: unknown) => {
        const { keys, values } = Object(row);
        return Array.isArray(keys) && Array.isArray(values) && values.every(isSpread);
      })
    );
  };
  return Array.isArray(means) && means.every(lists);
}
