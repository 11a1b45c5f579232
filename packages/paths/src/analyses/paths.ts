import { type Analysis, defineAnalysis, type Prompt, type TokenName } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  headParameter,
  nodesParameter,
  numberParameter,
  parameters,
  positionParameter,
  promptParameter,
  targetParameter,
  textsParameter,
} from "@resolvent/analysis/parameters";
import { type LevelName, parseHead } from "@resolvent/transformer";
import { expandPaths, pathsError, targetOf } from "../expand-paths.ts";
import type { ExpandPathsOptions } from "../expand-paths-options.ts";
import type { PathExpansion } from "../path-expansion.ts";
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
  readonly check: readonly string[];
  readonly routes: number;
  readonly head?: string | undefined;
  readonly query?: number | undefined;
  readonly key?: number | undefined;
  readonly side: "query" | "key";
}

/** Paths that are named at most: each is a run of its own. */
const CHECKED = 10_000;

/** A logit difference as a sum of paths: `expandPaths` as an analysis. */
export const paths: Analysis<PathsParameters, PathExpansion> = defineAnalysis<
  PathsParameters,
  PathExpansion
>({
  name: "paths",
  summary: "a logit difference as a sum over single paths",
  description:
    "Writes a logit, or a logit difference, at the last position as the sum over all paths through a run of MODEL with its gates frozen; lists the largest paths, and the sum of all others. Where there are too many to enumerate, a search finds large ones, and the output says so.",
  params: parameters(
    {
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
      check: textsParameter(
        "further paths checked by intervention, by name, as they are printed: embed@1 → L0.H2 → L0.mlp; > for the arrows; with L0.H2@5 a single route",
        { title: "path" },
      ),
      routes: countParameter(
        "number of largest routes listed of each path: the position of every hop",
        { default: 0, most: 1000, title: "n" },
      ),
      head: headParameter(
        "in place of a target, the score with which this head looks from --query at --key, less its mean over keys",
        { optional: true },
      ),
      query: positionParameter("position that the head looks from"),
      key: positionParameter("position that the head looks at"),
      side: choiceParameter(
        "side of the score that is made of paths, the other as it is in the run",
        ["query", "key"],
        { default: "query", title: "side" },
      ),
    },
    [
      {
        parameter: "head",
        passes: ({ head, query, key }) =>
          [head, query, key].every((one) => one === undefined) ||
          [head, query, key].every((one) => one !== undefined),
        message: "A score has a head, a query and a key: name all three, or none",
      },
      {
        parameter: "target",
        passes: ({ head, target }) => head === undefined || target === undefined,
        message: "Paths end in a target or in the score of a head, not in both",
      },
      {
        parameter: "check",
        passes: ({ check }) => check.length <= CHECKED,
        message: `At most ${CHECKED} paths are named to be checked`,
      },
    ],
  ),
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
  run: async ({ engine, model, vocabulary, signal, onProgress, inFloat64, kept }, params) => {
    const ids = vocabulary.encode(params.prompt);
    return await expandPaths(engine, model, ids, {
      ...optionsOf(params),
      ...chosen(targetOf(model, params.target, vocabulary)),
      text: vocabulary.text,
      ...{ signal, kept },
      onProgress: (progress) => onProgress({ ...progress, of: "part" }),
      ...(inFloat64 !== undefined && {
        certify: (target) =>
          inFloat64((engine64, model64) => pathsError(engine64, model64, ids, target)),
      }),
    });
  },
  tables: pathsTables,
  tableKinds: ["path", "path-check", "path-agreement", "path-route", "path-degree", "direct"],
  answer: pathsAnswer,
  views: pathsViews,
});

function chosen(target: ExpandPathsOptions["target"] | undefined): ExpandPathsOptions {
  return target === undefined ? {} : { target };
}

function optionsOf(params: PathsParameters): ExpandPathsOptions {
  const { level, top, minDegree, maxDegree, sources, positions, budget, verify, routes } = params;
  const { check, head, query, key, side } = params;
  return {
    ...{ level, top, minDegree, budget, verify, check, routes, byPosition: positions },
    ...(head !== undefined &&
      query !== undefined &&
      key !== undefined && { score: { ...parseHead(head), query, key, side } }),
    ...(maxDegree !== undefined && { maxDegree }),
    ...(sources.length > 0 && { sources }),
  };
}
