import {
  type Analysis,
  type Cell,
  certificateLine,
  defineAnalysis,
  inputLine,
  isNothing,
  namedTarget,
  type Prompt,
  percent,
  roundingOf,
  short,
  type Table,
  type TokenFacts,
  type TokenName,
  targetFacts,
  tokenNotation,
  type Warning,
  warningLines,
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
import { headName, parseHead } from "@resolvent/transformer";
import { chooseEdge } from "../qk/choose-edge.ts";
import { qkDegrees } from "../qk/edge-degrees.ts";
import { expandScore, type ScoreExpansion, scoreBalance } from "../qk/expand-score.ts";
import { scoreCost } from "../qk/score-cost.ts";
import { SPLITTINGS, type Splitting } from "../qk/score-sources.ts";
import type { QkResult, ScorePair } from "./qk-result.ts";
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
  tables: (result) => [
    pairTable(result),
    ...sideTables(result),
    degreeTable(result),
    degreePairTable(result),
  ],
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

/** All pairs of sources, the largest first. */
function allPairs(score: ScoreExpansion, centred: boolean): ScorePair[] {
  const { querySources, keySources } = score;
  const shareOf = sharesOf(score, centred);
  const all = partsOf(score, centred).matrix.flatMap((row, a) =>
    row.map((effect, b) => ({
      querySource: querySources[a] ?? "",
      keySource: keySources[b] ?? "",
      effect,
      share: shareOf(effect),
    })),
  );
  return all.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
}

type Parts = Pick<
  ScoreExpansion,
  "matrix" | "matrixKeyCentred" | "score" | "centredScore" | "precision"
>;

/** The pairs that are shown, and what they add up to. */
function partsOf(
  { matrix, matrixKeyCentred, score, centredScore }: Parts,
  centred: boolean,
): { readonly matrix: ScoreExpansion["matrix"]; readonly total: number } {
  return centred ? { matrix: matrixKeyCentred, total: centredScore } : { matrix, total: score };
}

/** Parts of the score as shares of it; null where the pairs all but cancel, so that there is no score to speak of. */
function sharesOf(score: Parts, centred: boolean): (part: number) => number | null {
  const { matrix, total } = partsOf(score, centred);
  const size = matrix.flat().reduce((sum, x) => sum + Math.abs(x), 0);
  const nothing = isNothing(total, size, score.precision);
  return (part) => (nothing ? null : part / total);
}

function noShares(score: Parts, centred: boolean): Warning {
  return {
    code: "no-shares",
    message: `The pairs add up to ${short(partsOf(score, centred).total)}, which is next to nothing beside them: shares of it are not given.`,
  };
}

function pairTable(result: QkResult): Table {
  const { model, input, head, query, key, pattern, centred, notShown, certificate } = result;
  const { tokens } = input;
  const { total } = partsOf(result, centred);
  const rest = Number(notShown.count);
  const at = (pos: number): string => `${tokenNotation(tokens[pos]?.text ?? "")}@${pos}`;
  const what = centred ? "score minus its mean over keys" : "score before the softmax";
  return {
    kind: "score-pair",
    replaces: "shown",
    title: `${headName(head)} from ${at(query)} to ${at(key)}: ${what} = ${short(total)}, probability ${percent(pattern)}`,
    subtitle: inputLine(model, tokens),
    columns: [
      { name: "querySource", head: "query source", kind: "text", detail: true, refers: "node" },
      { name: "keySource", head: "key source", kind: "text", detail: true, refers: "node" },
      { name: "query", kind: "text", head: "query side", view: true },
      { name: "key", kind: "text", head: "key side", view: true },
      { name: "effect", kind: "effect" },
      { name: "share", kind: "share", missing: "–" },
    ],
    rows: allPairs(result, centred).map((pair) => [
      pair.querySource,
      pair.keySource,
      inWords(pair.querySource, tokens),
      inWords(pair.keySource, tokens),
      pair.effect,
      pair.share,
    ]),
    shown: result.shown.length,
    rounding: roundingOf(result.precision, [result.score, ...result.matrix.flat()]),
    footer: [
      ...(rest > 0
        ? [
            [
              null,
              null,
              `${rest} more pairs`,
              null,
              notShown.sum,
              sharesOf(result, centred)(notShown.sum),
            ],
          ]
        : []),
      [null, null, "sum", null, total, sharesOf(result, centred)(total)],
    ],
    notes: [
      ...warningLines(result.warnings),
      `score ${short(result.score)}, mean over keys ${short(result.score - result.centredScore)}, difference ${short(result.centredScore)}; held: ${result.freeze.join(", ")}`,
      certificateLine("|Σ pairs − score| / largest", certificate, {
        precision: result.precision,
      }),
    ],
  };
}

/** What each source of a side contributes with all of the other side. */
function sideTables(result: QkResult): Table[] {
  const { matrix } = partsOf(result, result.centred);
  const shareOf = sharesOf(result, result.centred);
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, x) => all + x, 0);
  const side = (name: string, sources: readonly string[], sums: readonly number[]): Table => ({
    kind: `${name}-source`,
    title: `${name} side, summed over the other`,
    columns: [
      { name: "source", kind: "text", detail: true },
      { name: "words", head: "source", kind: "text", view: true },
      { name: "effect", kind: "effect" },
      { name: "share", kind: "share", missing: "–" },
    ],
    rows: sources
      .map((source, i) => [source, sums[i] ?? 0] as const)
      .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
      .map(([source, x]) => [source, inWords(source, result.input.tokens), x, shareOf(x)]),
    shown: result.shown.length,
    footer: moreSources(sums, result),
    rounding: roundingOf(result.precision, [result.score, ...result.matrix.flat()]),
  });
  const columns = result.keySources.map((_, b) => sum(matrix.map((row) => row[b] ?? 0)));
  return [
    side("query", result.querySources, matrix.map(sum)),
    side("key", result.keySources, columns),
  ];
}

/** Sources of a side beyond those that are shown, as one row. */
function moreSources(sums: readonly number[], result: QkResult): Cell[][] {
  const more = sums.toSorted((a, b) => Math.abs(b) - Math.abs(a)).slice(result.shown.length);
  if (more.length === 0) return [];
  const effect = more.reduce((all, x) => all + x, 0);
  const words = `${more.length} more ${more.length === 1 ? "source" : "sources"}`;
  return [[null, words, effect, sharesOf(result, result.centred)(effect)]];
}

/** V-degrees beside QK-degrees. */
function degreeTable(result: QkResult): Table {
  const { degrees, target, query, head, precision } = result;
  const { value, edge, score } = degrees;
  const rows = Math.max(value.degrees.length, score.both.length);
  const constant = score.sources.length - 1;
  /** Degrees of one side end before its constant, the last entry. */
  const ofSide = (sums: readonly number[], k: number): number | null =>
    k < constant ? (sums[k] ?? null) : null;
  return {
    kind: "degree",
    title: "V-degree and QK-degree",
    subtitle: `target: ${target.readout} at ${query}`,
    columns: [
      { name: "degree", kind: "text" },
      { name: "target", kind: "number", head: "V: target" },
      { name: "edge", kind: "number", head: `V: moved by ${headName(head)}` },
      { name: "query", kind: "number", head: "QK: query" },
      { name: "key", kind: "number", head: "QK: key" },
      { name: "both", kind: "number", head: "QK: both" },
    ],
    rows: [
      ...Array.from({ length: rows }, (_, k) => [
        String(k),
        value.degrees[k] ?? null,
        edge.degrees[k] ?? null,
        ofSide(score.query, k),
        ofSide(score.key, k),
        score.both[k] ?? null,
      ]),
      [
        "constant",
        value.constant,
        null,
        score.query[constant] ?? 0,
        score.key[constant] ?? 0,
        null,
      ],
    ],
    rounding: roundingOf(precision, [result.score, ...result.matrix.flat()]),
    footer: [["sum", value.total, edge.total, score.total, score.total, score.total]],
    notes: [
      "V: what is moved, patterns as they were. QK: why the head looks there, its score minus the mean over keys.",
      certificateLine("|Σ − total| / largest", degrees.certificate, { precision }),
    ],
  };
}

/** What each query degree and key degree contribute together. */
function degreePairTable({ degrees: { score } }: QkResult): Table {
  return {
    kind: "degree-pair",
    data: true,
    columns: [
      { name: "query", kind: "text" },
      { name: "key", kind: "text" },
      { name: "effect", kind: "effect" },
    ],
    rows: score.sources.flatMap((query, a) =>
      score.sources.map((key, b) => [query, key, score.matrix[a]?.[b] ?? null]),
    ),
  };
}

/** A source with the text of its token: `embed.token "Mary"@3`. */
function inWords(source: string, tokens: readonly TokenFacts[]): string {
  const match = /^(embed(?:\.token)?)@(\d+)$/.exec(source);
  const text = match === null ? undefined : tokens[Number(match[2])]?.text;
  return match === null || text === undefined
    ? source
    : `${match[1]} ${tokenNotation(text)}@${match[2]}`;
}
