import { readFileSync } from "node:fs";
import type { AnyAnalysis, AnyOutlineAnalysis, Result } from "@resolvent/analysis";
import { dictionaryAnalyses } from "@resolvent/dictionary/analyses";
import { expansionAnalyses } from "@resolvent/expansion/analyses";
import { pathsAnalyses } from "@resolvent/paths/analyses";
import { modelAnalyses } from "resolvent/analyses";
import { degreesShows } from "../src/degrees-shows.ts";
import { figureShows } from "../src/figure-shows.ts";
import { graphShows } from "../src/graph-shows.ts";
import type { Shows } from "../src/known.ts";
import { pathsShows } from "../src/paths-shows.ts";
import { patternShows } from "../src/pattern-shows.ts";

/**
 * Results of `tales` in `results`, as `--json` printed them, `series` as `--findings` did, by the command that made each,
 * and what shows them.
 */
export const results: readonly {
  readonly name: string;
  readonly analysis: string;
  readonly shows: Shows;
}[] = [
  { name: "expand", analysis: "expand", shows: degreesShows },
  { name: "paths", analysis: "paths", shows: degreesShows },
  { name: "set", analysis: "expand", shows: degreesShows },
  { name: "paths", analysis: "paths", shows: pathsShows },
  { name: "run", analysis: "run", shows: patternShows },
  { name: "qk", analysis: "qk", shows: patternShows },
  { name: "graph", analysis: "graph", shows: graphShows },
  { name: "expand", analysis: "expand", shows: figureShows },
  { name: "series", analysis: "series", shows: figureShows },
];

export function resultText(name: string): string {
  return readFileSync(new URL(`results/${name}.json`, import.meta.url), "utf8");
}

export function readResult(name: string): Result {
  const { result, ...given } = JSON.parse(resultText(name));
  return result ?? given;
}

const analyses = [...expansionAnalyses, ...pathsAnalyses, ...modelAnalyses, ...dictionaryAnalyses];

/** The analysis of a command. */
export function analysisOf(name: string): AnyAnalysis | AnyOutlineAnalysis {
  const found = analyses.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no analysis ${name}`);
  return found;
}
