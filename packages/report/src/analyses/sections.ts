import { type AnyAnalysis, overPrompts, type TextFile, type Values } from "@resolvent/analysis";
import { attentionAnalyses } from "@resolvent/attention/analyses";
import { dictionaryAnalyses } from "@resolvent/dictionary/analyses";
import { expansionAnalyses } from "@resolvent/expansion/analyses";
import { linearityAnalyses } from "@resolvent/linearity/analyses";
import { pathsAnalyses } from "@resolvent/paths/analyses";
import { InternalError } from "@resolvent/tensor";
import type { ReportParameters } from "./report-parameters.ts";

/** An analysis of a report, with what it is asked. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly analysis: AnyAnalysis;
  readonly values: Values;
}

/** A section whose degrees are counted until they are near the model. */
export const SPECTRA: readonly string[] = ["frozen", "live"];

const all = [
  ...expansionAnalyses,
  ...pathsAnalyses,
  ...attentionAnalyses,
  ...linearityAnalyses,
  ...dictionaryAnalyses,
];

function named(name: string): AnyAnalysis {
  const found = all.find((analysis) => analysis.name === name);
  if (found !== undefined) return found;
  throw new InternalError({
    code: "report/no-analysis",
    message: `A report has a section of ${name}, which is no analysis.`,
  });
}

const expand = named("expand");
const series = overPrompts(named("series"));

/** Every analysis that a section may be of, by the section's name. */
export const ANALYSES: Readonly<Record<string, AnyAnalysis>> = {
  frozen: expand,
  live: expand,
  path: named("paths"),
  head: named("heads"),
  linear: named("linearity"),
  series,
  dictionary: named("dictionary"),
};

/** What a report is of: the sequences that all expansions read, and the corpus where there is one. */
export interface Texts {
  readonly sequences: readonly (readonly number[])[];
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
}

/** The sections of a report, in its order. */
export function sectionsOf(
  { order, top, verify, maxDegree, maxTokens, seed, length, withDictionaries }: ReportParameters,
  { sequences, corpus, tokensFile }: Texts,
): Section[] {
  const prompts = sequences.map((ids) => `${JSON.stringify(ids)}\n`).join("");
  const degrees = maxDegree === undefined ? {} : { maxDegree };
  const given = corpus !== undefined || tokensFile !== undefined;
  const files = {
    ...(corpus !== undefined && { corpus }),
    ...(tokensFile !== undefined && { tokensFile }),
    ...{ length, maxTokens },
  };
  const section = (name: string, title: string, values: Values): Section[] => {
    const analysis = ANALYSES[name];
    return analysis === undefined ? [] : [{ name, title, analysis, values }];
  };
  return [
    ...section("frozen", "Path expansion, all gates frozen", {
      ...{ prompts, each: true, freeze: ["pattern", "norm", "activation"] },
      ...degrees,
    }),
    ...section("live", "Truncated tree, nothing frozen", {
      ...{ prompts, each: true, freeze: [] },
      ...degrees,
    }),
    ...section("path", "Strongest paths, frozen and live", { prompts, top, verify }),
    ...section("head", "Heads and what they do", { seed }),
    // Fits need more tokens than the expansions read.
    ...(given ? section("linear", "Linearity by block", { ...files, seed }) : []),
    ...section("series", "Series in ε", { prompts, order }),
    ...(withDictionaries ? section("dictionary", "Dictionaries", given ? files : {}) : []),
  ];
}
