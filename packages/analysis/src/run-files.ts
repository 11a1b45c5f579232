import type { FilesAnalysis } from "./analysis.ts";
import { checkParameters } from "./check.ts";
import type { FilesHost, FilesSubject } from "./files-subject.ts";
import type { Values } from "./host.ts";
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
  return outcomeOf(analysis, await analysis.run(subjectOf(host), params), host);
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
  return outcomeOf({ name, ...(own && { resultSchema }) }, result, host);
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
