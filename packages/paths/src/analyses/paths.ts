import { type Analysis, defineAnalysis, type Prompt, type TokenName } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  nodesParameter,
  numberParameter,
  parameters,
  promptParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import type { LevelName } from "@resolvent/transformer";
import {
  type ExpandPathsOptions,
  expandPaths,
  type PathExpansion,
  pathsError,
  targetOf,
} from "../expand-paths.ts";
import { pathsCost } from "../paths-cost.ts";
import { pathsTables } from "./paths-tables.ts";
import { pathsAnswer, pathsViews } from "./paths-views.ts";

interface PathsParameters {
  readonly prompt: Prompt;
  readonly target?: readonly TokenName[] | undefined;
  readonly level: LevelName;
  readonly top: number;
  readonly minDegree: number;
  readonly maxDegree?: number | undefined;
  readonly sources: readonly string[];
  readonly positions: boolean;
  readonly budget: number;
  readonly verify: number;
  readonly routes: number;
}

/** A logit difference as a sum of paths: `expandPaths` as an analysis. */
export const paths: Analysis<PathsParameters, PathExpansion> = defineAnalysis<
  PathsParameters,
  PathExpansion
>({
  name: "paths",
  summary: "a logit difference as a sum over single paths",
  description:
    "Writes a logit, or a logit difference, at the last position as the sum over all paths through a run of MODEL with its gates frozen; lists the largest paths, and the sum of all others. Where there are too many to enumerate, a search finds large ones, and the output says so.",
  params: parameters({
    prompt: promptParameter("text to read"),
    target: targetParameter(),
    level: choiceParameter(
      "steps of a path: whole blocks, heads and MLPs, or heads and neurons",
      ["block", "head", "neuron"],
      { default: "head", title: "level" },
    ),
    top: countParameter("number of paths listed", { default: 20, most: 10_000, title: "n" }),
    minDegree: countParameter("lowest degree listed", { default: 0, title: "k" }),
    maxDegree: countParameter("highest degree listed; default: all", {
      optional: true,
      title: "k",
    }),
    sources: nodesParameter(
      "sources where paths start, such as embed.token or bias:*; default: all",
    ),
    positions: flagParameter("split sources by position"),
    budget: numberParameter(
      "search budget, in forward passes by operation count, if there are too many paths to enumerate",
      { default: 16, least: 0, title: "passes" },
    ),
    verify: countParameter("number of paths checked by intervention", { default: 0, title: "n" }),
    routes: countParameter(
      "number of largest routes listed of each path: the position of every hop",
      { default: 0, most: 1000, title: "n" },
    ),
  }),
  examples: [
    'tales --prompt "When Mary and John went to the market, John gave a drink to" --target " Mary"," John"',
    "path/to/model --tokens 1,403,407 --level block --top 5 --verify 5 --json",
  ],
  needs: ["layers"],
  float64: true,
  estimate: ({ model, vocabulary, precision }, params) =>
    pathsCost(model, vocabulary.encode(params.prompt), {
      ...optionsOf(params),
      ...chosen(targetOf(model, params.target, vocabulary)),
      precision,
    }),
  run: async ({ engine, model, vocabulary, signal, onProgress, inFloat64 }, params) => {
    const ids = vocabulary.encode(params.prompt);
    return await expandPaths(engine, model, ids, {
      ...optionsOf(params),
      ...chosen(targetOf(model, params.target, vocabulary)),
      text: vocabulary.text,
      signal,
      onProgress: (progress) => onProgress({ ...progress, of: "part" }),
      ...(inFloat64 !== undefined && {
        certify: (target) =>
          inFloat64((engine64, model64) => pathsError(engine64, model64, ids, target)),
      }),
    });
  },
  tables: pathsTables,
  tableKinds: ["path", "path-agreement", "path-route", "path-degree", "direct"],
  answer: pathsAnswer,
  views: pathsViews,
});

function chosen(target: ExpandPathsOptions["target"] | undefined): ExpandPathsOptions {
  return target === undefined ? {} : { target };
}

function optionsOf(params: PathsParameters): ExpandPathsOptions {
  const { level, top, minDegree, maxDegree, sources, positions, budget, verify, routes } = params;
  return {
    ...{ level, top, minDegree, budget, verify, routes, byPosition: positions },
    ...(maxDegree !== undefined && { maxDegree }),
    ...(sources.length > 0 && { sources }),
  };
}
