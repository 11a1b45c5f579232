import { commonRuns, sharedRuns, sharedSize } from "@resolvent/transformer";
import type { AnyAnalysis } from "./analysis.ts";
import { checkParameters } from "./check.ts";
import type { FoundModel, Host, Values } from "./host.ts";
import { findOthers, namedModels } from "./models.ts";
import { providedFor } from "./needs.ts";
import type { Result } from "./result.ts";
import {
  type Checked,
  certificateOf,
  needsOf,
  notedEstimate,
  type Outcome,
  onLoaded,
  outcomeOf,
  outlineOf,
  type Ready,
  warningsOf,
} from "./run-analysis.ts";

/** One of several analyses that are run together. */
export interface Asked {
  readonly analysis: AnyAnalysis;
  /** By parameter name. */
  readonly values: Values;
}

/**
 * Runs several analyses of one model: it is found and loaded once, and a plain run that more than one of them needs (of
 * the same tokens) is made once, with all sites that any of them keeps. Results are those of `runAnalysis`, in order;
 * everything is checked, estimated and fitted into memory before anything is loaded. None of them is resumed.
 *
 * ```ts
 * const prompt = "Once upon a time";
 * const outcomes = await runAnalyses(
 *   [
 *     { analysis: expand, values: { prompt } },
 *     { analysis: lens, values: { prompt } },
 *   ],
 *   host,
 * );
 * ```
 *
 * @throws InputError what `runAnalysis` throws, for the first of them that fails
 */
export async function runAnalyses(asked: readonly Asked[], host: Host): Promise<Outcome<Result>[]> {
  const { warn, precision } = host;
  const checked: (Pick<Asked, "analysis"> & Checked<unknown>)[] = [];
  for (const { analysis, values } of asked) {
    const params = await checkParameters(analysis.params, values);
    const named = namedModels(analysis.params, values);
    const needs = needsOf(analysis, params, named);
    const provided = providedFor(analysis.name, needs, host.offers);
    checked.push({ analysis, params, values, named, needs, provided });
  }
  const found = await host.find();
  warn?.(found.outline.warnings ?? []);
  const ready: (Pick<Asked, "analysis"> & Ready<unknown>)[] = [];
  const others = new Map<string, FoundModel>(); // each is found once, whoever names it
  for (const one of checked) {
    ready.push({ ...one, beside: await findOthers(one.analysis.name, one.named, host, others) });
  }
  const noted = await Promise.all(
    ready.map(async ({ analysis, params, provided, beside }) => {
      const outline = outlineOf(found, precision, beside);
      return await notedEstimate(analysis, outline, { params, provided });
    }),
  );
  const common = commonRuns(noted.map(({ runs }) => runs));
  const shared = sharedSize(common, found.outline.architecture.d_model);
  const peakBytes =
    Math.max(0, ...noted.map(({ value }) => value.peakBytes)) +
    shared * (precision === "f64" ? 8 : 4);
  const layers = checked.some(({ needs }) => needs.includes("layers"));
  const wanted = { precision, peakBytes, layers, purpose: "run", others } as const;
  const loading = found.plan(wanted);
  const exact = await Promise.all(
    ready.map(async ({ analysis, ...own }) => {
      const alone = { ...wanted, layers: own.needs.includes("layers"), others: own.beside.others };
      return await certificateOf(analysis, found, own, alone, host);
    }),
  );
  return await loading.use(async (loaded) => {
    warn?.(warningsOf(loaded));
    return await sharedRuns(loaded.engine, loaded.model, common, async () => {
      const outcomes: Outcome<Result>[] = [];
      for (const [i, { analysis, ...own }] of ready.entries()) {
        host.signal?.throwIfAborted();
        const inFloat64 = exact[i];
        const made = await onLoaded(analysis, found, loaded, { ...own, inFloat64 }, host);
        outcomes.push(outcomeOf(made, found, host));
      }
      return outcomes;
    });
  }, host);
}
