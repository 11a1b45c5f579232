import {
  type Analysis,
  defineAnalysis,
  namedTarget,
  type Prompt,
  short,
  type TokenName,
  targetFacts,
  type Warning,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  headParameter,
  parameters,
  positionParameter,
  promptParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import { parseHead } from "@resolvent/transformer";
import { chooseEdge } from "../qk/choose-edge.ts";
import { qkDegrees } from "../qk/edge-degrees.ts";
import { expandScore, type ScoreExpansion, scoreBalance } from "../qk/expand-score.ts";
import { scoreCost } from "../qk/score-cost.ts";
import { SPLITTINGS, type Splitting } from "../qk/score-sources.ts";
import { allPairs, type Parts, partsOf, sharesOf } from "./qk-pairs.ts";
import type { QkResult } from "./qk-result.ts";
import { qkTables } from "./qk-tables.ts";
import { qkAnswer, qkViews } from "./qk-views.ts";

interface QkParameters {
  readonly prompt: Prompt;
  readonly head?: string | undefined;
  readonly query?: number | undefined;
  readonly key?: number | undefined;
  readonly by: Splitting;
  readonly queryBy?: Splitting | undefined;
  readonly keyBy?: Splitting | undefined;
  readonly centred: boolean;
  readonly target?: readonly TokenName[] | undefined;
  readonly top: number;
}

/** Why a head looks where it looks: `expandScore` and `qkDegrees` as an analysis. */
export const qk: Analysis<QkParameters, QkResult> = defineAnalysis<QkParameters, QkResult>({
  name: "qk",
  summary: "why a head attends where it does: its score by pairs of sources",
  description:
    "Writes the attention score of a head of MODEL (before the softmax, from a query to a key) as an exact sum over pairs of sources, one on the query side and one on the key side; and splits the score, and what the head moves, by degree.",
  params: parameters({
    prompt: promptParameter("text to read"),
    head: headParameter(
      "head, as L1.H5, L1H5 or 1.5; default: after the first layer, the one with the largest probability on a key other than 0 and the query",
      { optional: true },
    ),
    query: positionParameter("query position; default: the last"),
    key: positionParameter("key position; default: the one the head attends to most"),
    by: choiceParameter("how both sides are split into sources", SPLITTINGS, {
      ...{ default: "block", title: "splitting" },
    }),
    queryBy: choiceParameter("the same for the query side; default: as --by", SPLITTINGS, {
      ...{ optional: true, title: "splitting" },
    }),
    keyBy: choiceParameter("the same for the key side; default: as --by", SPLITTINGS, {
      ...{ optional: true, title: "splitting" },
    }),
    centred: flagParameter("subtract the mean of the score over keys, which the softmax ignores", {
      default: true,
    }),
    target: targetParameter(
      "tokens (text or id:N) whose logit difference at the query is split by V-degree, or one for its logit; default: the two likeliest",
    ),
    top: countParameter("number of pairs shown", { default: 20, least: 1, title: "n" }),
  }),
  examples: [
    'tales --prompt "Lily had a cat. Lily had a" --by head',
    "path/to/model --tokens 1,403,407,403 --head L1.H5 --query-by token --key-by head --json",
  ],
  float64: true,
  estimate: ({ model, vocabulary, precision }, params) => {
    if (params.target !== undefined) namedTarget(model, params.target, vocabulary);
    return scoreCost(model, vocabulary.encode(params.prompt), { ...given(params), precision });
  },
  run: async ({ engine, model, vocabulary, signal, inFloat64 }, params) => {
    const tokens = vocabulary.encode(params.prompt);
    const { target: likeliest, ...edge } = await chooseEdge(engine, model, tokens, given(params));
    signal.throwIfAborted();
    const target =
      params.target === undefined ? likeliest : namedTarget(model, params.target, vocabulary);
    const score = await expandScore(engine, model, tokens, {
      ...edge,
      by: given(params).by,
      text: vocabulary.text,
      ...(inFloat64 !== undefined && {
        certify: (same) =>
          inFloat64((engine64, model64) => scoreBalance(engine64, model64, tokens, same)),
      }),
    });
    signal.throwIfAborted();
    const degrees = await qkDegrees(engine, model, tokens, { ...edge, target });
    const { centred, top } = params;
    return {
      ...score,
      centred,
      ...largestPairs(score, centred, top),
      warnings: sharesOf(score, centred)(0) === null ? [noShares(score, centred)] : [],
      target: targetFacts(target, degrees.value.total, vocabulary.text),
      degrees,
    };
  },
  tables: qkTables,
  tableKinds: ["score-pair", "query-source", "key-source", "degree", "degree-pair"],
  answer: qkAnswer,
  views: qkViews,
});

/** What the parameters say, as choices of the library. */
function given({ head, query, key, by, queryBy, keyBy }: QkParameters) {
  if (key !== undefined && query !== undefined && key > query) {
    throw new InputError({
      code: "expansion/bad-position",
      message: `A key is not later than its query, got key ${key} and query ${query}.`,
      remedy: "Positions count tokens from 0.",
      details: { query, key },
    });
  }
  return {
    ...(head !== undefined && { head: parseHead(head) }),
    ...(query !== undefined && { query }),
    ...(key !== undefined && { key }),
    by: { query: queryBy ?? by, key: keyBy ?? by },
  };
}

function largestPairs(
  score: ScoreExpansion,
  centred: boolean,
  top: number,
): Pick<QkResult, "shown" | "notShown"> {
  const all = allPairs(score, centred);
  const rest = all.slice(top);
  return {
    shown: all.slice(0, top),
    notShown: {
      count: String(rest.length),
      sum: rest.reduce((sum, pair) => sum + pair.effect, 0),
    },
  };
}

function noShares(score: Parts, centred: boolean): Warning {
  return {
    code: "no-shares",
    message: `The pairs add up to ${short(partsOf(score, centred).total)}, which is next to nothing beside them: shares of it are not given.`,
  };
}
