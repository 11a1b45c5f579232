import { percent, short, tokenNotation, type View } from "@resolvent/analysis";
import { headName } from "@resolvent/transformer";
import type { QkResult } from "./qk-result.ts";

/** Sources of a side that a matrix shows at most. */
const MOST = 24;

/** Why the head looks there, in words. */
export function qkAnswer({
  input,
  head,
  query,
  key,
  pattern,
  shown: [first],
  notShown,
  shown,
  centred,
  score,
  centredScore,
}: QkResult): string[] {
  const at = (pos: number): string =>
    `${tokenNotation(input.tokens[pos]?.text ?? "")} (position ${pos})`;
  const total = centred ? centredScore : score;
  return [
    `${headName(head)} gives ${percent(pattern)} of its attention at ${at(query)} to ${at(key)}.`,
    `Its score there, ${short(total)}${centred ? " above the mean of all keys" : ""}, is a sum of ${shown.length + Number(notShown.count)} pairs of sources${first === undefined ? "" : `; the largest, ${first.querySource} with ${first.keySource}, contributes ${short(first.effect)}`}.`,
  ];
}

export function qkViews({
  matrix,
  matrixKeyCentred,
  centred,
  querySources,
  keySources,
}: QkResult): View[] {
  const values = centred ? matrixKeyCentred : matrix;
  const size = (numbers: readonly (number | undefined)[]): number =>
    numbers.reduce<number>((most, x) => Math.max(most, Math.abs(x ?? 0)), 0);
  const largest = (names: readonly string[], sizes: readonly number[]): string[] => {
    const least = sizes.toSorted((a, b) => b - a)[MOST - 1] ?? 0;
    return names.filter((_, i) => (sizes[i] ?? 0) >= least).slice(0, MOST);
  };
  const rows = largest(querySources, values.map(size));
  const columns = largest(
    keySources,
    keySources.map((_, b) => size(values.map((row) => row[b]))),
  );
  const fewer = rows.length < querySources.length || columns.length < keySources.length;
  return [
    {
      ...{ mark: "grid", table: "score-pair", x: "keySource", y: "querySource", value: "effect" },
      axes: { x: columns.map((key) => ({ key })), y: rows.map((key) => ({ key })) },
      title: "The score by pairs of sources",
      note: `A row is what the query side is made of, a column what the key side is made of; the cells add up to the score.${fewer ? ` Shown are the ${rows.length} of ${querySources.length} rows and ${columns.length} of ${keySources.length} columns with the largest cells.` : ""}`,
    },
    {
      ...{ mark: "bars", table: "query-source", y: "words", x: "effect", most: 12 },
      title: "What the query side brings",
      note: "Each source of the query side with the whole key side.",
    },
    {
      ...{ mark: "bars", table: "key-source", y: "words", x: "effect", most: 12 },
      title: "What the key side brings",
      note: "Each source of the key side with the whole query side.",
    },
    {
      ...{ mark: "list", table: "score-pair", columns: ["query", "key", "effect", "share"] },
      title: "The largest pairs",
    },
  ];
}
