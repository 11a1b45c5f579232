import { InputError } from "@resolvent/tensor";
import { didYouMean, nearestNames } from "@resolvent/weights";
import type { AnyAnalysis, AnyOutlineAnalysis, ListedAnalysis } from "./analysis.ts";

/**
 * The analysis of that name in a list, for `runAnalysis`.
 *
 * ```ts
 * const { result } = await runAnalysis(analysisOf(pathsAnalyses, "paths"), { prompt: "Once upon" }, host);
 * ```
 *
 * @throws InputError `analysis/no-analysis`, with the nearest name; where it opens models itself (`runFiles` runs it)
 */
export function analysisOf(
  analyses: readonly ListedAnalysis[],
  name: string,
): AnyAnalysis | AnyOutlineAnalysis {
  const found = analyses.find((one) => one.name === name);
  if (found !== undefined && found.needs !== "files") return found;
  const names = analyses.filter(({ needs }) => needs !== "files").map((one) => one.name);
  const near = nearestNames(name, names).slice(0, 1);
  throw new InputError({
    code: "analysis/no-analysis",
    message:
      found === undefined
        ? `There is no analysis "${name}" among these.`
        : `${name} opens models itself, and runs without a host of one model.`,
    remedy:
      found !== undefined
        ? "Run it with runFiles."
        : near.length === 0
          ? `There are ${names.join(", ") || "none"}.`
          : didYouMean(near).trimEnd(),
    details: { name, names },
  });
}
