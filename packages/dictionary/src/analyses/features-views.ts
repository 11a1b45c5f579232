import { percent, short, tokenNotation, type View } from "@resolvent/analysis";
import type { FeatureRow, FeaturesResult } from "./features-result.ts";

/** Tokens that a sentence names. */
const NAMED = 3;

/** What the features do, in words; of a single one what it is active on and promotes. */
export function featuresAnswer(result: FeaturesResult): string[] {
  const { features, dictionary, tokens, dead } = result;
  const [first, ...others] = features;
  if (first === undefined) {
    return [`None of the ${dictionary.features} features is active on these ${tokens} tokens.`];
  }
  if (others.length > 0) {
    const most = features.reduce((a, b) => (b.density > a.density ? b : a));
    return [
      `On ${tokens} tokens ${dictionary.features - dead} of ${dictionary.features} features are active; ${features.length} of them are shown.`,
      `The one of these that is active most often is F${most.feature}, on ${percent(most.density)} of the tokens.`,
    ];
  }
  return ofOne(first);
}

function ofOne({
  feature,
  label,
  density,
  max,
  examples,
  promoted,
  suppressed,
}: FeatureRow): string[] {
  const name = `F${feature}${label === null ? "" : ` (“${label}”)`}`;
  const [example] = examples;
  const token = example?.tokens[example.position - example.start]?.text;
  const list = (tokens: FeatureRow["promoted"]): string =>
    (tokens ?? [])
      .slice(0, NAMED)
      .map(({ text }) => tokenNotation(text))
      .join(", ");
  return [
    max === null
      ? `${name} is active on none of the tokens.`
      : `${name} is active on ${percent(density)} of the tokens, at most ${short(max)}${token === undefined ? "" : `, there on ${tokenNotation(token)}`}.`,
    ...(promoted === null
      ? []
      : [`What it writes raises ${list(promoted)} and lowers ${list(suppressed)}.`]),
  ];
}

/** Rows of passages that are drawn at most: their tokens. */
const TOKENS = 3000;

export function featuresViews({ features }: FeaturesResult): View[] {
  const [first, ...others] = features;
  if (first === undefined) return [];
  const one = others.length === 0;
  const passages: View = {
    ...{ mark: "passages", table: "example-token", passage: "example", token: "token" },
    ...{ value: "activation", within: "feature", most: TOKENS, select: "feature" },
    title: one ? "Where it is strongest" : "Where they are strongest",
    note: "Texts of the corpus, at most one place of each; the more colour a token has, the more active the feature is on it.",
  };
  if (!one) {
    return [
      {
        ...{ mark: "list", table: "feature", select: "feature" },
        columns: [
          ...(features.some(({ label }) => label !== null) ? ["feature", "label"] : ["feature"]),
          ...["density", "max", "token", "promotes"],
        ],
        title: "Features",
        note: "How often and how strongly each is active, the token on which it is strongest, and the tokens whose logits it raises most.",
      },
      passages,
      {
        ...{ mark: "scatter", table: "feature", x: "density", y: "max", label: "feature" },
        select: "feature",
        title: "How often, and how strongly",
        note: "To the right: active on more tokens. Upwards: the larger its largest activation.",
      },
    ];
  }
  const bars = (view: {
    readonly table: string;
    readonly y: string;
    readonly x: string;
  }): View => ({
    mark: "bars",
    ...view,
  });
  return [
    passages,
    ...(first.histogram.length === 0
      ? []
      : [
          {
            ...bars({ table: "activation-bin", y: "activation", x: "tokens" }),
            most: first.histogram.length,
            title: "How strongly it is active",
            note: "Tokens by its activation on them; four bins an octave.",
          },
        ]),
    ...(first.promoted === null
      ? []
      : [
          {
            ...bars({ table: "feature-token", y: "token", x: "weight" }),
            most: first.promoted.length + (first.suppressed?.length ?? 0),
            title: "Tokens that it promotes and suppresses",
            note: "What it writes, straight to the logits, an activation of 1, less the mean over the vocabulary.",
          },
        ]),
    {
      ...{ mark: "list", table: "feature-connection" },
      columns: ["relation", "site", "other", "weight"],
      title: "Near to it, before and after it",
      note: "Near: the cosine of what they write. Reads through: the norm of what a head makes of what it reads. Fed by, feeds: what one writes along what the other reads.",
    },
  ];
}
