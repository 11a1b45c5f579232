import {
  type Analysis,
  checkParameters,
  computedResult,
  defineAnalysis,
  type PromptSet,
  type Result,
  type Subject,
  setHead,
  spreadOf,
} from "@resolvent/analysis";
import {
  countParameter,
  fileParameter,
  flagParameter,
  jsonLinesParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import { type DegreeExpansion, degreeWithin, NEAR_NATS } from "@resolvent/expansion";
import { InputError, type Shaped } from "@resolvent/tensor";
import { compareReports } from "./compare.ts";
import { comparisonAnswer, comparisonTables, comparisonViews } from "./comparison-tables.ts";
import { type NextTokens, nextTokens } from "./next-tokens.ts";
import { reportCost } from "./report-cost.ts";
import type { ReportParameters } from "./report-parameters.ts";
import type {
  NeededDegree,
  ReportComparison,
  ReportResult,
  ReportSection,
} from "./report-result.ts";
import { reportAnswer, reportTables, reportViews } from "./report-tables.ts";
import { type Section, SPECTRA, sectionsOf, type Texts } from "./sections.ts";
import { textsOf } from "./texts.ts";

/** The degree card of a model: what the analyses by degree say of it, on one corpus. */
export const reportAnalysis: Analysis<ReportParameters, ReportResult | ReportComparison> =
  defineAnalysis<ReportParameters, ReportResult | ReportComparison>({
    name: "report",
    summary: "the degree card of a model: spectra, heads, paths, linearity, series",
    description:
      "Puts together what the analyses by degree say of MODEL on one corpus, or on texts that it writes itself: how well it tells what comes next, the spectra of the path expansion and of the truncated tree, the degrees that are needed to be near its predictions, its heads, its strongest paths with what they do frozen and live, how linear each block is, its series in ε, and dictionaries where they are named. Numbers over sequences have 95 % intervals.",
    params: parameters({
      corpus: fileParameter("text to measure it on, UTF-8; without one, the model writes its own"),
      tokensFile: fileParameter("corpus as token ids instead, one list a line, such as 1,403,407"),
      length: countParameter("tokens of a sequence at most; default: 64, if the context allows", {
        ...{ optional: true, least: 2 },
      }),
      sequences: countParameter("sequences that expansions, paths and series are of, the first", {
        ...{ default: 8, least: 1, most: 4096, title: "n" },
      }),
      maxDegree: countParameter("highest degree of the spectra; default: all", {
        ...{ optional: true, title: "k" },
      }),
      top: countParameter("paths that are listed of a sequence", {
        ...{ default: 10, most: 1000, title: "n" },
      }),
      verify: countParameter("paths of a sequence that are checked by intervention", {
        ...{ default: 3, most: 1000, title: "n" },
      }),
      order: countParameter("highest power of ε", { default: 6, most: 64, title: "k" }),
      maxTokens: countParameter("tokens that linearity and dictionaries are measured on at most", {
        ...{ default: 16384, least: 2, title: "n" },
      }),
      predictFrom: countParameter(
        "first position of a sequence, from 0, whose token counts in loss and accuracy: what is before is only read",
        { default: 1, least: 1, title: "pos" },
      ),
      seed: countParameter("random seed", { default: 0, most: 2 ** 31, title: "n" }),
      withDictionaries: flagParameter(
        "also measure the dictionaries that are named (--dictionary)",
      ),
      compare: jsonLinesParameter(
        "in place of a model, reports that were written as JSON, one after the other, side by side: models, or checkpoints whose names tell their step (step-512), as curves along training, with the mean over trainings where there are several",
      ),
    }),
    examples: [
      "tales --corpus texts.txt --html tales.html",
      "path/to/model --sequences 32 --resume report.state --json",
      "--compare reports.jsonl",
    ],
    needs: ({ withDictionaries }) =>
      withDictionaries ? ["layers", "linearAlgebra", "dictionary"] : ["layers", "linearAlgebra"],
    mayNeed: ["dictionary"],
    float64: true,
    resumable: true,
    estimate: (outline, params) => reportCost(outline, ofModel(params)),
    alone: ({ compare }) =>
      compare === undefined ? undefined : async () => compareReports(compare),
    run: (subject, params) => run(subject, ofModel(params)),
    tables: (result) =>
      result.kind === "report" ? reportTables(result) : comparisonTables(result),
    answer: (result) =>
      result.kind === "report" ? reportAnswer(result) : comparisonAnswer(result),
    views: (result) => (result.kind === "report" ? reportViews(result) : comparisonViews(result)),
  });

/** @throws InputError `report/model-and-reports` */
function ofModel(params: ReportParameters): ReportParameters {
  if (params.compare === undefined) return params;
  throw new InputError({
    code: "report/model-and-reports",
    message: "Reports are compared without a model.",
    remedy: "Leave out MODEL, or --compare.",
  });
}

/** What is kept of unfinished work. */
interface State {
  /** Of which report it is. */
  readonly of: string;
  readonly done: readonly Done[];
  /** What the section that is at work keeps itself. */
  readonly inner: unknown;
}

/** A section that is done. */
interface Done {
  readonly name: string;
  readonly result: Result;
  /** By sequence, of a spectrum. */
  readonly near: readonly (number | null)[] | null;
}

async function run<T extends Shaped>(
  subject: Subject<T>,
  params: ReportParameters,
): Promise<ReportResult> {
  const { model, checkpoint, signal, onProgress, onPartial } = subject;
  const texts = await textsOf(params, subject);
  const sections = sectionsOf(params, texts);
  const of = JSON.stringify([model.sha256 ?? model.name, texts.sequences, withoutFiles(params)]);
  const saved = stateOf(checkpoint?.saved, of);
  const done: Done[] = [...(saved?.done ?? [])];
  const next = await nextTokens(subject, texts.sequences, params.predictFrom);
  const soFar = (): ReportResult => reportOf(subject, params, { texts, next, sections, done });
  for (const section of sections.slice(done.length)) {
    signal.throwIfAborted();
    const progress = {
      done: done.length,
      total: sections.length,
      of: "section",
      note: section.name,
    };
    onProgress(progress);
    const inner = checkpoint && {
      saved: saved?.done.length === done.length ? saved.inner : undefined,
      save: (state: unknown) => checkpoint.save({ of, done, inner: state }),
    };
    const { onPartial: _, ...quiet } = subject; // who looks on sees sections, not parts of one
    const own = { ...quiet, checkpoint: inner, onProgress: () => {} };
    done.push(await doneBy(section, own));
    await checkpoint?.save({ of, done, inner: undefined });
    if (done.length < sections.length) onPartial?.(soFar(), { ...progress, done: done.length });
  }
  return soFar();
}

async function doneBy<T extends Shaped>(
  { name, analysis, values }: Section,
  subject: Subject<T>,
): Promise<Done> {
  const result: Result = await analysis.run(
    subject,
    await checkParameters(analysis.params, values),
  );
  if (!SPECTRA.includes(name)) return { name, result, near: null };
  // Of each sequence only the degree is kept: what else it says is in the means.
  const { each, ...set } = result as PromptSet; // as an analysis over prompts gives
  const expansions = (each ?? []) as readonly DegreeExpansion[]; // those of `expand`
  const near = expansions.map(({ terms }) => degreeWithin(terms, NEAR_NATS));
  return { name, result: { ...set, each: null } as Result, near };
}

function reportOf<T extends Shaped>(
  { engine, model }: Subject<T>,
  { corpus, tokensFile }: ReportParameters,
  {
    texts: { sequences },
    next,
    sections,
    done,
  }: {
    readonly texts: Texts;
    readonly next: NextTokens | null;
    readonly sections: readonly Section[];
    readonly done: readonly Done[];
  },
): ReportResult {
  const head = setHead();
  for (const { result } of done) head.add(result);
  const { warnings = [] } = head.fields();
  return {
    // Each section has the certificate of its own sums, with the tolerance of these.
    ...computedResult("report", engine, model, { warnings }),
    corpus: corpus?.name ?? tokensFile?.name ?? null,
    sequences: sequences.length,
    tokens: sequences.reduce((sum, ids) => sum + ids.length, 0),
    near: NEAR_NATS,
    needed: done.flatMap(({ name, near }) => (near === null ? [] : [neededOf(name, near)])),
    nextTokens: next,
    sections: done.flatMap(({ name, result }): ReportSection[] => {
      const section = sections.find((one) => one.name === name);
      if (section === undefined) return [];
      return [{ name, title: section.title, analysis: section.analysis.name, result }];
    }),
  };
}

function neededOf(section: string, near: readonly (number | null)[]): NeededDegree {
  const degrees = near.filter((degree) => degree !== null);
  return {
    section,
    degree: degrees.length === 0 ? null : spreadOf(degrees),
    never: near.length - degrees.length,
  };
}

/** What of the parameters says which report it is; texts are told by their ids. */
function withoutFiles({
  corpus,
  tokensFile,
  ...params
}: ReportParameters): Readonly<Record<string, unknown>> {
  return { ...params, corpus: (corpus ?? tokensFile)?.name ?? null };
}

/** A state of this very report; what is of another one is passed over. */
function stateOf(saved: unknown, of: string): State | undefined {
  const state = Object(saved);
  return state.of === of && Array.isArray(state.done) ? state : undefined;
}
