import type { FilesAnalysis } from "./analysis.ts";
import { checkParameters } from "./check.ts";
import type { FilesHost, FilesSubject } from "./files-subject.ts";
import type { Values } from "./host.ts";
import { questionHash, withQuestion } from "./question.ts";
import { checkResult, type Result } from "./result.ts";
import { schemaOf } from "./result-schema.ts";
import type { Outcome } from "./run-analysis.ts";
import { soundnessOf } from "./soundness.ts";

/**
 * Runs an analysis that opens models itself.
 *
 * @throws InputError `analysis/bad-parameters`, `analysis/bad-result`, and what the host and the analysis throw
 * @throws DOMException `AbortError` where the host's signal ends it
 */
export async function runFiles<P, R extends Result, D extends Result>(
  analysis: FilesAnalysis<P, R, D>,
  values: Values,
  host: FilesHost,
): Promise<Outcome<R>> {
  const params = await checkParameters(analysis.params, values);
  const made = outcomeOf(analysis, await analysis.run(subjectOf(host), params), host);
  return await asked(analysis, values, made);
}

/** What it would do, as a result of its own: a dry run. @throws InputError what `runFiles` throws */
export async function planFiles<P, R extends Result, D extends Result>(
  analysis: FilesAnalysis<P, R, D>,
  values: Values,
  host: FilesHost,
): Promise<Outcome<D>> {
  const { name, params: schema, resultSchema } = analysis;
  const result = await analysis.plan(subjectOf(host), await checkParameters(schema, values));
  // Of a kind of its own; a schema is of the kind that `run` gives.
  const own = resultSchema !== undefined && schemaOf(resultSchema)?.kind === result.kind;
  const made = outcomeOf({ name, ...(own && { resultSchema }) }, result, host);
  return await asked(analysis, values, made);
}

/** The outcome of what was asked. The models are named in the file that is part of it. */
async function asked<P, R extends Result, D extends Result, F extends Result>(
  analysis: FilesAnalysis<P, R, D>,
  values: Values,
  { result, ...outcome }: Outcome<F>,
): Promise<Outcome<F>> {
  return { ...outcome, result: withQuestion(result, await questionHash({ analysis, values })) };
}

function outcomeOf<F extends Result>(
  { name, resultSchema }: Pick<FilesAnalysis<never, F>, "name" | "resultSchema">,
  result: F,
  { warn }: FilesHost,
): Outcome<F> {
  checkResult(name, result, resultSchema);
  warn?.(result.warnings ?? []);
  return { result, soundness: soundnessOf(result) };
}

function subjectOf({ folder, engine, threads, kept, signal, onProgress }: FilesHost): FilesSubject {
  return {
    ...{ folder, engine, threads },
    kept: kept ?? (() => {}),
    signal: signal ?? new AbortController().signal,
    onProgress: onProgress ?? (() => {}),
  };
}
