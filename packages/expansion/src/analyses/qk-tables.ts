import {
  type Cell,
  certificateLine,
  inputLine,
  percent,
  roundingOf,
  short,
  type Table,
  type TokenFacts,
  tokenNotation,
  warningLines,
} from "@resolvent/analysis";
import { headName } from "@resolvent/transformer";
import { allPairs, partsOf, sharesOf } from "./qk-pairs.ts";
import type { QkResult } from "./qk-result.ts";

/** The score by pairs of sources, by the sources of each side, and by degree. */
export function qkTables(result: QkResult): Table[] {
  return [pairTable(result), ...sideTables(result), degreeTable(result), degreePairTable(result)];
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
