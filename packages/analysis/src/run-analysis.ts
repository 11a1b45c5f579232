import { type Cost, cost as costs, type Shaped } from "@resolvent/tensor";
import { firstNotFiniteSite, type Warning } from "@resolvent/transformer";
import type { Analysis, OutlineAnalysis } from "./analysis.ts";
import { checkParameters } from "./check.ts";
import type { FoundModel, Host, Loaded, Loading, Values, Wanted } from "./host.ts";
import { type Need, type Provided, providedFor, refuse } from "./needs.ts";
import { checkResult, type Result } from "./result.ts";
import { type Soundness, soundnessOf } from "./soundness.ts";
import type { ModelFiles, Outline, Prompt, Subject } from "./subject.ts";
import { withWarnings } from "./warning.ts";

/** What an analysis found. */
export interface Outcome<R extends Result> {
  /** With all that is to be said about it among its warnings. */
  readonly result: R;
  /** Whether its numbers are finite, and its certificates within their tolerances. */
  readonly soundness: Soundness;
}

/** An analysis of a model that was found, ready to run: nothing is loaded yet. */
export interface Prepared<R extends Result> {
  readonly found: FoundModel;
  /** What it would take, nothing for an analysis of the outline; and the weights beside that. */
  readonly cost: Cost & Pick<ModelFiles, "weights">;
  /** Loads, runs and certifies. */
  run(): Promise<Outcome<R>>;
}

/**
 * Runs an analysis: its parameters are checked, the model found, the work estimated and fitted into memory, the model
 * loaded, the analysis run and certified in float64, and the result looked through.
 *
 * ```ts
 * const { result, soundness } = await runAnalysis(paths, { prompt: "Once upon a time", top: 5 }, host);
 * ```
 *
 * @param values by parameter name: what is not given is as the schema has it by default
 * @throws InputError `analysis/bad-parameters`, `analysis/not-provided`, `analysis/bad-result`, and what the host and
 * the analysis throw
 * @throws DOMException `AbortError` where the host's signal ends it
 */
export async function runAnalysis<P, R extends Result>(
  analysis: Analysis<P, R> | OutlineAnalysis<P, R>,
  values: Values,
  host: Host,
): Promise<Outcome<R>> {
  const prepared = await prepareAnalysis(analysis, values, host);
  return await prepared.run();
}

/** The first half of `runAnalysis`: for hosts that tell what the work takes before they do it, or instead. */
export async function prepareAnalysis<P, R extends Result>(
  analysis: Analysis<P, R> | OutlineAnalysis<P, R>,
  values: Values,
  host: Host,
): Promise<Prepared<R>> {
  const { params: schema, name } = analysis;
  const { later, warn } = host;
  const check = async (all: Values): Promise<Checked<P>> => {
    const params = await checkParameters(schema, all);
    const needs = needsOf(analysis, params);
    return { params, needs, provided: providedFor(name, needs, host.offers) };
  };
  // What can be refused at once is.
  const early = later === undefined ? await check(values) : undefined;
  const found = await host.find();
  warn?.(found.outline.warnings ?? []);
  const checked = early ?? (await check({ ...values, ...(await later?.()) }));
  const outline = outlineOf(found, host.precision);
  const cost =
    analysis.needs === "outline"
      ? costs().total()
      : await estimateOf(analysis, outline, checked.params, checked.provided);
  warn?.(found.textWarnings?.() ?? []); // of the texts that the estimate has read
  const run = async (): Promise<Outcome<R>> => {
    const made =
      analysis.needs === "outline"
        ? await onFiles(analysis, found, checked.params, host)
        : await onModel(analysis, found, { ...checked, peakBytes: cost.peakBytes }, host);
    return outcomeOf(made, found, host);
  };
  const layers = checked.needs.includes("layers");
  const weights = found.weights({ peakBytes: cost.peakBytes, layers });
  return { found, cost: { ...cost, weights }, run };
}

/** Parameters that were checked, and what they need. */
export interface Checked<P> {
  readonly params: P;
  readonly needs: readonly Need[];
  readonly provided: Provided;
}

/** A result, and what is to be said about it. */
interface Made<R> {
  readonly result: R;
  readonly warnings: readonly Warning[];
}

/** A result with all that is to be said about it. */
export function outcomeOf<R extends Result>(
  made: Made<R>,
  found: FoundModel,
  host: Host,
): Outcome<R> {
  const warnings = [...made.warnings, ...(found.textWarnings?.() ?? [])];
  host.warn?.(warnings);
  return { result: withWarnings(made.result, warnings), soundness: soundnessOf(made.result) };
}

/** What an analysis needs for these parameters. */
export function needsOf<P, R extends Result>(
  { needs }: Analysis<P, R> | OutlineAnalysis<P, R>,
  params: P,
): readonly Need[] {
  if (needs === undefined || needs === "outline") return [];
  return typeof needs === "function" ? needs(params) : needs;
}

/** What an analysis would take, with what it is provided with. */
export async function estimateOf<P, R extends Result>(
  analysis: Analysis<P, R>,
  outline: Outline,
  params: P,
  provided: Provided,
): Promise<Cost> {
  const { estimateProvided } = analysis;
  return estimateProvided === undefined
    ? analysis.estimate(outline, params)
    : await estimateProvided(outline, params, provided);
}

/** What is known of a model before it is loaded. */
export function outlineOf(
  { outline, vocabulary }: FoundModel,
  precision: Host["precision"],
): Outline {
  return { model: outline, vocabulary, precision };
}

/** An analysis of shapes and files: no weights are loaded. */
async function onFiles<P, R extends Result>(
  analysis: OutlineAnalysis<P, R>,
  found: FoundModel,
  params: P,
  { precision }: Host,
): Promise<Made<R>> {
  const { warnings, ...files } = await found.files();
  const weights = found.weights({ peakBytes: 0, layers: false });
  const result = await analysis.run({ ...outlineOf(found, precision), ...files, weights }, params);
  checkResult(analysis.name, result, analysis.resultSchema);
  return { result, warnings: [...(found.outline.warnings ?? []), ...warnings] };
}

/** An analysis of a model that is loaded onto an engine. */
async function onModel<P, R extends Result>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  { params, needs, provided, peakBytes }: Checked<P> & { readonly peakBytes: number },
  host: Host,
): Promise<Made<R>> {
  const { precision, warn } = host;
  const wanted = {
    precision,
    peakBytes,
    layers: needs.includes("layers"),
    purpose: "run",
  } as const;
  const loading = found.plan(wanted);
  const inFloat64 = await certificateOf(analysis, found, { params, provided }, wanted, host);
  const checkpoint = analysis.resumable ? await host.checkpoint?.() : undefined;
  return await loading.use(async (loaded) => {
    warn?.(loaded.model.warnings ?? []);
    const own = { params, provided, checkpoint, inFloat64 };
    return await onLoaded(analysis, found, loaded, own, host);
  });
}

/** The same where the model is loaded. */
export async function onLoaded<P, R extends Result, T extends Shaped>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  loaded: Loaded<T>,
  {
    params,
    ...own
  }: { readonly params: P } & Pick<Subject<T>, "provided" | "checkpoint" | "inFloat64">,
  { signal = new AbortController().signal, onProgress = () => {}, onPartial }: Host,
): Promise<Made<R>> {
  const subject = {
    ...{ ...loaded, ...own, signal, onProgress },
    vocabulary: found.vocabulary,
    linearAlgebra: loaded.linearAlgebra ?? (async () => refuse(analysis.name, "linearAlgebra")),
    onPartial: onPartial && partialTo(analysis.name, onPartial),
  };
  const result = await analysis.run(subject, params);
  checkResult(analysis.name, result, analysis.resultSchema);
  return { result, warnings: await warningsAbout(result, subject, params) };
}

/** Hands what an analysis has so far to its host, with a word about that. */
function partialTo(
  name: string,
  hear: NonNullable<Host["onPartial"]>,
): Subject<Shaped>["onPartial"] {
  return (result, { done, total, of }) => {
    checkResult(name, result);
    const message = `This is unfinished: ${of} ${done} of ${total}.`;
    hear(withWarnings(result, [{ code: "unfinished", message }]));
  };
}

/** The model in float64 on an engine of its own, while it is used, where it is wanted; throws now where it would not fit. */
export async function certificateOf<P, R extends Result>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  { params, provided }: Pick<Checked<P>, "params" | "provided">,
  wanted: Wanted,
  host: Host,
): Promise<Subject<Shaped>["inFloat64"]> {
  const again = analysis.float64 && host.float64 !== false && wanted.precision === "f32";
  if (!again) return undefined;
  const precision = "f64";
  const outline = outlineOf(found, precision);
  const { peakBytes } = await estimateOf(analysis, outline, params, provided);
  const loading: Loading = found.plan({ ...wanted, precision, peakBytes, purpose: "certificate" });
  return async (use) => await loading.use(async ({ engine, model }) => await use(engine, model));
}

/** What is to be said of a result that a model gave: the model's own warnings, and of numbers that are not finite. */
async function warningsAbout<T extends Shaped>(
  result: Result,
  { engine, model, vocabulary }: Loaded<T> & Pick<Subject<T>, "vocabulary">,
  params: unknown,
): Promise<readonly Warning[]> {
  const { warnings = [] } = model;
  if (soundnessOf(result).notFinite.length === 0) return warnings;
  // Where no weight explains it, the run that made it is looked at; all analyses call their text `prompt`.
  const { prompt } = params as { readonly prompt?: Prompt };
  const explained = warnings.some(({ code }) => code === "not-finite");
  const site =
    explained || prompt === undefined
      ? undefined
      : await firstNotFiniteSite(engine, model, vocabulary.encode(prompt));
  if (site === undefined) return warnings;
  const message = `The first site of the run that is not finite is ${site}.`;
  return [...warnings, { code: "not-finite-site", message }];
}
