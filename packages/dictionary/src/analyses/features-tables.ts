import { type Cell, short, type Table, tokenNotation, warningLines } from "@resolvent/analysis";
import { dictionaryLine } from "./dictionary-facts.ts";
import type { FeaturePassage, FeatureRow, FeaturesResult, TokenWeight } from "./features-result.ts";

export const FEATURES_TABLE_KINDS: readonly string[] = [
  ...["feature", "feature-example", "feature-connection"],
  ...["example-token", "activation-bin", "feature-token"],
];

/** Tokens that a row of the list names. */
const NAMED = 4;
/** Examples of a feature that people see in a terminal. */
const SEEN = 3;

/** The features, where they are strongest, and what goes with them; and the same for data formats, a number a row. */
export function featuresTables(result: FeaturesResult): Table[] {
  return [
    featureTable(result),
    exampleTable(result),
    connectionTable(result),
    tokenTable(result),
    binTable(result),
    weightTable(result),
  ];
}

/** What a passage is called: `F12 · 0.83 in text 3`. */
function passageName({ feature, label }: FeatureRow, { activation, text }: FeaturePassage): string {
  return `F${feature}${label === null ? "" : ` (${label})`}: ${short(activation)}, text ${text}`;
}

const words = (tokens: readonly TokenWeight[] | null): string | null =>
  tokens === null
    ? null
    : tokens
        .slice(0, NAMED)
        .map(({ text }) => tokenNotation(text))
        .join(" ");

/** The token on which a feature is strongest. */
function topToken({ examples: [first] }: FeatureRow): string | null {
  return first?.tokens[first.position - first.start]?.text ?? null;
}

function featureTable(result: FeaturesResult): Table {
  const { model, dictionary, corpus, tokens, dead, features, by, precision } = result;
  const labelled = features.some(({ label }) => label !== null);
  const order = { max: "largest activation", density: "density", mean: "mean activation" };
  const chosen = by === null ? "" : by === "index" ? ", the first" : `, by ${order[by]}`;
  return {
    kind: "feature",
    title: `${features.length} of ${dictionary.features} features${chosen}`,
    subtitle: `${model.name}, ${dictionaryLine(dictionary)}; ${corpus.name}: ${tokens} tokens, ${precision}`,
    columns: [
      { name: "feature", kind: "count" },
      { name: "label", kind: "text", ...(labelled ? {} : { detail: true }) },
      { name: "density", kind: "share" },
      { name: "active", kind: "count", detail: true },
      { name: "first", head: "at position 0", kind: "count", minor: true },
      { name: "mean", kind: "number", missing: "–", minor: true },
      { name: "max", kind: "number", missing: "–" },
      { name: "token", head: "strongest on", kind: "token" },
      { name: "promotes", kind: "text" },
      { name: "suppresses", kind: "text", minor: true },
    ],
    rows: features.map((row) => [
      ...[row.feature, row.label, row.density, row.active, row.first, row.mean, row.max],
      ...[topToken(row), words(row.promoted), words(row.suppressed)],
    ]),
    notes: [
      ...warningLines(result.warnings),
      `${dead} of ${dictionary.features} features are active nowhere in it.`,
      "Promotes: tokens whose logits a feature raises most by what it writes, straight to the output, less the mean over the vocabulary.",
    ],
  };
}

/** Each feature's strongest passage, then the second ones, so that the first rows are of all features. */
function byRank(
  features: readonly FeatureRow[],
): { readonly row: FeatureRow; readonly example: FeaturePassage; readonly rank: number }[] {
  return features
    .flatMap((row) => row.examples.map((example, rank) => ({ row, example, rank })))
    .sort((a, b) => a.rank - b.rank); // which keeps the order of the features
}

/** The strongest token of a passage in its text, between »«. */
function marked({ tokens, position, start }: FeaturePassage): string {
  return tokens
    .map(({ text }, i) => (i === position - start ? `»${text}«` : text))
    .join("")
    .replace(/\s+/g, " ");
}

function exampleTable({ features }: FeaturesResult): Table {
  const rows = byRank(features).map(({ row: { feature }, example, rank }): Cell[] => [
    ...[feature, rank, example.text, example.position, example.activation],
    marked(example),
  ]);
  return {
    kind: "feature-example",
    title: "Where they are strongest",
    columns: [
      { name: "feature", kind: "count" },
      { name: "rank", kind: "count", detail: true },
      { name: "text", kind: "count", minor: true },
      { name: "position", kind: "count", minor: true },
      { name: "activation", kind: "number" },
      { name: "passage", kind: "text" },
    ],
    rows,
    shown: Math.min(rows.length, features.length > SEEN ? features.length : SEEN * features.length),
    notes: rows.length === 0 ? [] : ["»«: the token on which it is strongest in this text."],
  };
}

function connectionTable({ features }: FeaturesResult): Table {
  return {
    kind: "feature-connection",
    title: "What they are near to, what feeds them, and what they feed",
    columns: [
      { name: "feature", kind: "count" },
      { name: "relation", head: "", kind: "text" },
      { name: "dictionary", kind: "count", detail: true },
      { name: "site", kind: "text" },
      { name: "other", kind: "count" },
      { name: "label", kind: "text", detail: true },
      { name: "weight", head: "cosine or weight", kind: "effect" },
    ],
    rows: features.flatMap((row) => [
      ...row.nearest.map(({ feature, label, cosine }): Cell[] => [
        ...[row.feature, "near to", null, null, feature, label, cosine],
      ]),
      ...(row.heads ?? []).map(({ name, gain }): Cell[] => [
        ...[row.feature, "reads through", null, name, null, null, gain],
      ]),
      ...row.fedBy.map(({ site, dictionary, feature, weight }): Cell[] => [
        ...[row.feature, "fed by", dictionary, site, feature, null, weight],
      ]),
      ...row.feeds.map(({ site, dictionary, feature, weight }): Cell[] => [
        ...[row.feature, "feeds", dictionary, site, feature, null, weight],
      ]),
    ]),
    // Of many features that would be a long list.
    ...(features.length > SEEN && { data: true }),
    notes: [
      "Near: the cosine of what they write. Reads through: the norm of what a head's value and output make of what it reads. Fed by, feeds: what one writes along what the other reads, an activation of 1 each, straight along the stream and without the norm's denominator.",
    ],
  };
}

function tokenTable({ features }: FeaturesResult): Table {
  return {
    kind: "example-token",
    data: true,
    title: "Where they are strongest, token by token",
    columns: [
      { name: "feature", kind: "count" },
      { name: "example", kind: "text" },
      { name: "position", kind: "count" },
      { name: "id", kind: "count" },
      { name: "token", kind: "token" },
      { name: "activation", kind: "number" },
    ],
    rows: byRank(features).flatMap(({ row, example }) =>
      example.tokens.map(({ id, text, activation }, i): Cell[] => [
        ...[row.feature, passageName(row, example), example.start + i, id, text, activation],
      ]),
    ),
  };
}

function binTable({ features }: FeaturesResult): Table {
  return {
    kind: "activation-bin",
    data: true,
    title: "How strongly it is active",
    columns: [
      { name: "feature", kind: "count" },
      { name: "activation", kind: "text" },
      { name: "from", kind: "number" },
      { name: "to", kind: "number" },
      { name: "tokens", kind: "count" },
    ],
    rows: features.flatMap(({ feature, histogram }) =>
      histogram.map(({ from, to, count }): Cell[] => [
        ...[feature, `${short(from)} to ${short(to)}`, from, to, count],
      ]),
    ),
  };
}

function weightTable({ features }: FeaturesResult): Table {
  const rows = (
    feature: number,
    relation: string,
    tokens: readonly TokenWeight[] | null,
  ): Cell[][] =>
    (tokens ?? []).map(({ id, text, weight }) => [feature, relation, id, text, weight]);
  return {
    kind: "feature-token",
    data: true,
    title: "Tokens that it promotes, suppresses, and reads",
    columns: [
      { name: "feature", kind: "count" },
      { name: "relation", head: "", kind: "text" },
      { name: "id", kind: "count", detail: true },
      { name: "token", kind: "token" },
      { name: "weight", kind: "effect" },
    ],
    rows: features.flatMap(({ feature, promoted, suppressed, reads }) => [
      ...rows(feature, "promotes", promoted),
      ...rows(feature, "suppresses", suppressed),
      ...rows(feature, "reads", reads),
    ]),
  };
}
