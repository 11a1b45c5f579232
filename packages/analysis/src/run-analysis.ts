import { type Cost, cost as costs, type Shaped } from "@resolvent/tensor";
import {
  firstNotFiniteSite,
  type Model,
  type NotedRuns,
  notedRuns,
  type Warning,
} from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { Analysis, OutlineAnalysis } from "./analysis.ts";
import { type ByParameter, byParameter } from "./by-parameter.ts";
import { checkParameters } from "./check.ts";
import type { FoundModel, Host, Loaded, Loading, Values, Wanted } from "./host.ts";
import { keptOf } from "./kept.ts";
import { type FoundOthers, findOthers, namedModels } from "./models.ts";
import { type Need, type Provided, providedFor, refuse } from "./needs.ts";
import { questionHash, withQuestion } from "./question.ts";
import { checkResult, type ModelIdentity, modelIdentity, type Result } from "./result.ts";
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

/**
 * Runs an analysis without a model, where its parameters need none; undefined where they need one.
 *
 * @throws InputError `analysis/bad-parameters`, `analysis/bad-result`, and what the analysis throws
 */
export async function runAlone<P, R extends Result>(
  analysis: Analysis<P, R> | OutlineAnalysis<P, R>,
  values: Values,
  host: AloneHost = {},
): Promise<Outcome<R> | undefined> {
  const prepared = await prepareAlone(analysis, values, host);
  return await prepared?.run();
}

/**
 * An analysis whose parameters need no model, ready to run; undefined where they need one. Nothing of a model is in its
 * cost: what is read is all that there is.
 *
 * @throws InputError `analysis/bad-parameters`, and what the analysis throws
 */
export async function prepareAlone<P, R extends Result>(
  analysis: Analysis<P, R> | OutlineAnalysis<P, R>,
  values: Values,
  { signal, onProgress, warn }: AloneHost = {},
): Promise<PreparedAlone<R> | undefined> {
  if (analysis.alone === undefined) return undefined;
  const work = analysis.alone(await checkParameters(analysis.params, values));
  if (work === undefined) return undefined;
  return {
    cost: { ...costs().total(), weights: NO_WEIGHTS },
    run: async () => {
      const found = await work({ signal, onProgress });
      checkResult(analysis.name, found, analysis.resultSchema);
      const result = withQuestion(found, await questionHash({ analysis, values }));
      warn?.(result.warnings ?? []);
      return { result, soundness: soundnessOf(result) };
    },
  };
}

/** An analysis that needs no model, ready to run. */
export type PreparedAlone<R extends Result> = Omit<Prepared<R>, "found">;

/** What of a host such an analysis has to do with. */
export type AloneHost = Pick<Host, "signal" | "onProgress" | "warn">;

const NO_WEIGHTS: ModelFiles["weights"] = { kept: "no model is needed", bytes: 0 };

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
    const named = namedModels(schema, all);
    const needs = needsOf(analysis, params, named);
    return { params, values: all, named, needs, provided: providedFor(name, needs, host.offers) };
  };
  // What can be refused at once is.
  const early = later === undefined ? await check(values) : undefined;
  const found = await host.find();
  warn?.(found.outline.warnings ?? []);
  const checked = early ?? (await check({ ...values, ...(await later?.()) }));
  const beside = await findOthers(name, checked.named, host);
  const outline = outlineOf(found, host.precision, beside);
  const { value: cost, runs } =
    analysis.needs === "outline"
      ? { value: costs().total(), runs: NO_RUNS }
      : await notedEstimate(analysis, outline, checked, { most: FEW_RUNS });
  warn?.(found.textWarnings?.() ?? []); // of the texts that the estimate has read
  const run = async (): Promise<Outcome<R>> => {
    const made =
      analysis.needs === "outline"
        ? await onFiles(analysis, found, checked, host)
        : await onModel(
            ...([analysis, found] as const),
            { ...checked, beside, runs, peakBytes: cost.peakBytes },
            host,
          );
    return outcomeOf(made, found, host);
  };
  const layers = checked.needs.includes("layers");
  const { others } = beside;
  const weights = found.weights({ peakBytes: cost.peakBytes, layers, others });
  return { found, cost: { ...cost, weights }, run };
}

/** Parameters that were checked, and what they need. */
export interface Checked<P> {
  readonly params: P;
  /** As they were given. */
  readonly values: Values;
  /** The models that they name. */
  readonly named: ByParameter<string>;
  readonly needs: readonly Need[];
  readonly provided: Provided;
}

/** The same, with the models that they name found. */
export interface Ready<P> extends Checked<P> {
  readonly beside: FoundOthers;
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

/** What an analysis needs for these parameters; those that name models need these. */
export function needsOf<P, R extends Result>(
  { needs = [] }: Analysis<P, R> | OutlineAnalysis<P, R>,
  params: P,
  named: ByParameter<string>,
): readonly Need[] {
  if (needs === "outline") return [];
  const own = typeof needs === "function" ? needs(params) : needs;
  return Object.keys(named).length > 0 ? [...own, "models"] : own;
}

/** What an analysis would take, with what it is provided with. */
async function estimateOf<P, R extends Result>(
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

const NO_RUNS: NotedRuns = new Map();

/** Runs of one analysis that are told to hosts, at most: of one that makes more none is worth keeping. */
const FEW_RUNS = 5;

/** The same, with the plain runs that the estimate has asked for; one that waits for files has none that are known. */
export async function notedEstimate<P, R extends Result>(
  analysis: Analysis<P, R>,
  outline: Outline,
  { params, provided }: Pick<Checked<P>, "params" | "provided">,
  options: { readonly most?: number } = {},
): Promise<{ readonly value: Cost; readonly runs: NotedRuns }> {
  // Runs are noted while shapes are computed.
  if (analysis.estimateProvided === undefined)
    return notedRuns(outline.model, () => analysis.estimate(outline, params), options);
  return { value: await estimateOf(analysis, outline, params, provided), runs: NO_RUNS };
}

/** What is known of models before they are loaded. */
export function outlineOf(
  { outline, vocabulary }: FoundModel,
  precision: Host["precision"],
  { named, others }: FoundOthers = NO_OTHERS,
): Outline {
  const models = byParameter(named, (name) => others.get(name)?.outline);
  return { model: outline, vocabulary, precision, models };
}

const NO_OTHERS: FoundOthers = { named: {}, others: new Map() };

/** An analysis of shapes and files: no weights are loaded. */
async function onFiles<P, R extends Result>(
  analysis: OutlineAnalysis<P, R>,
  found: FoundModel,
  { params, values }: Checked<P>,
  host: Host,
): Promise<Made<R>> {
  const { precision } = host;
  const { warnings, ...files } = await found.files(host);
  const weights = found.weights({ peakBytes: 0, layers: false });
  const made = await analysis.run({ ...outlineOf(found, precision), ...files, weights }, params);
  checkResult(analysis.name, made, analysis.resultSchema);
  const { vocabulary } = found;
  const model = { name: found.outline.name, sha256: files.sha256 };
  const question = await questionHash({ analysis, values, model, vocabulary });
  const result = withQuestion(made, question);
  return { result, warnings: [...(found.outline.warnings ?? []), ...warnings] };
}

/** An analysis of a model that is loaded onto an engine. */
async function onModel<P, R extends Result>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  checked: Ready<P> & { readonly peakBytes: number; readonly runs: NotedRuns },
  host: Host,
): Promise<Made<R>> {
  const { needs, beside, peakBytes, runs } = checked;
  const wanted = {
    precision: host.precision,
    peakBytes,
    layers: needs.includes("layers"),
    purpose: "run",
    others: beside.others,
    runs,
  } as const;
  const loading = found.plan(wanted);
  const inFloat64 = await certificateOf(analysis, found, checked, wanted, host);
  const checkpoint = analysis.resumable ? await host.checkpoint?.() : undefined;
  return await loading.use(async (loaded) => {
    host.warn?.(warningsOf(loaded));
    return await onLoaded(analysis, found, loaded, { ...checked, checkpoint, inFloat64 }, host);
  }, host);
}

/** What is to be said of the models themselves. */
export function warningsOf<T extends Shaped>({ model, others }: Loaded<T>): readonly Warning[] {
  return [model, ...(others?.values() ?? [])].flatMap(({ warnings = [] }) => warnings);
}

/** The same where the model is loaded. */
export async function onLoaded<P, R extends Result, T extends Shaped>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  loaded: Loaded<T>,
  {
    params,
    values,
    needs,
    beside,
    ...own
  }: Ready<P> & Pick<Subject<T>, "checkpoint" | "inFloat64">,
  { signal = new AbortController().signal, onProgress = () => {}, onPartial }: Host,
): Promise<Made<R>> {
  const { others, ...first } = loaded;
  const { provided, checkpoint, inFloat64 } = own;
  const { model } = loaded;
  const { vocabulary } = found;
  const models = modelsLent(beside, others);
  const question = await questionHash({
    ...{ analysis, values, vocabulary, model: modelIdentity(model) },
    models: byParameter(beside.named, (name) => identityOf(others?.get(name))),
    dictionaries: provided.dictionary,
  });
  const subject: Subject<T> = {
    ...{ ...first, provided, checkpoint, inFloat64, signal, onProgress },
    models,
    ...(needs.includes("folders") && { folders: foldersOf(analysis.name, found, beside) }),
    vocabulary,
    kept: loaded.kept && keptOf(loaded.kept, analysis.name),
    linearAlgebra: loaded.linearAlgebra ?? (async () => refuse(analysis.name, "linearAlgebra")),
    onPartial: onPartial && partialTo(analysis.name, question, onPartial),
  };
  const made = await analysis.run(subject, params);
  checkResult(analysis.name, made, analysis.resultSchema);
  const result = withQuestion(made, question);
  return { result, warnings: await warningsAbout(result, loaded, vocabulary, params) };
}

function identityOf<T extends Shaped>(model: Model<T> | undefined): ModelIdentity | undefined {
  return model && modelIdentity(model);
}

/** The models that parameters name, as a host has loaded them. */
function modelsLent<T extends Shaped>(
  { named }: FoundOthers,
  others: Loaded<T>["others"],
): ByParameter<Model<T>> {
  return byParameter(named, (name) => others?.get(name));
}

/** The files of all models. @throws InputError `analysis/not-provided` where a host has none of one */
function foldersOf(
  analysis: string,
  found: FoundModel,
  { named, others }: FoundOthers,
): ByParameter<Folder> {
  const files = ({ folder }: FoundModel): Folder => folder ?? refuse(analysis, "folders");
  const folders = byParameter(named, (name) => {
    const other = others.get(name);
    return other && files(other);
  });
  return { ...folders, model: files(found) };
}

/** Hands what an analysis has so far to its host, with a word about that. */
function partialTo(
  name: string,
  question: string,
  hear: NonNullable<Host["onPartial"]>,
): Subject<Shaped>["onPartial"] {
  return (result, { done, total, of }) => {
    checkResult(name, result);
    const message = `This is unfinished: ${of} ${done} of ${total}.`;
    hear(withWarnings(withQuestion(result, question), [{ code: "unfinished", message }]));
  };
}

/** The model in float64 on an engine of its own, while it is used, where it is wanted; throws now where it would not fit. */
export async function certificateOf<P, R extends Result>(
  analysis: Analysis<P, R>,
  found: FoundModel,
  { params, provided, beside }: Ready<P>,
  wanted: Wanted,
  host: Host,
): Promise<Subject<Shaped>["inFloat64"]> {
  const again = analysis.float64 && host.float64 !== false && wanted.precision === "f32";
  if (!again) return undefined;
  const precision = "f64";
  const outline = outlineOf(found, precision, beside);
  const { peakBytes } = await estimateOf(analysis, outline, params, provided);
  const loading: Loading = found.plan({ ...wanted, precision, peakBytes, purpose: "certificate" });
  return async (use) =>
    await loading.use(
      async ({ engine, model, others }) => await use(engine, model, modelsLent(beside, others)),
      host,
    );
}

/** What is to be said of a result that a model gave: the model's own warnings, and of numbers that are not finite. */
async function warningsAbout<T extends Shaped>(
  result: Result,
  loaded: Loaded<T>,
  vocabulary: Subject<T>["vocabulary"],
  params: unknown,
): Promise<readonly Warning[]> {
  const { engine, model } = loaded;
  const warnings = warningsOf(loaded);
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
