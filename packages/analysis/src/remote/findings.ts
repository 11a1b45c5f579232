import type { ListedAnalysis } from "../analysis.ts";
import { checkViews } from "../check-views.ts";
import type { Result } from "../result.ts";
import type { Outcome } from "../run-analysis.ts";
import { plainResult } from "../soundness.ts";
import { listViews } from "../view.ts";
import type { Findings } from "./protocol.ts";

/**
 * A result with its sentences, tables and views: all that a page needs to show it.
 *
 * @throws InputError `analysis/bad-view`
 */
export function findingsOf(
  { answer, tables: tablesOf, views }: ListedAnalysis,
  { result, soundness }: Outcome<Result>,
): Findings {
  const tables = tablesOf(result);
  return {
    result: plainResult(result, soundness) as Result, // with null where numbers are not finite
    soundness,
    answer: answer?.(result) ?? [],
    tables,
    views: checkViews(views?.(result) ?? listViews(tables), tables),
  };
}
