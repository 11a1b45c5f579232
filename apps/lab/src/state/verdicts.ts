import type { Findings } from "@resolvent/analysis/remote";
import { type PathExpansion, withVerdicts } from "@resolvent/paths";
import { pathsPresentation } from "@resolvent/paths/presentations";

/** Findings of paths with the verdicts of further ones, as if all had been asked for together. */
export function withChecked(findings: Findings, checked: Findings): Findings {
  const more = (checked.result as PathExpansion).checked ?? []; // both are of `paths`
  const result = withVerdicts(findings.result as PathExpansion, more);
  return { ...findings, result, tables: pathsPresentation.tables(result) };
}
