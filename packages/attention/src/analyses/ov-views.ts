import { percent, short, tokenNotation, type View } from "@resolvent/analysis";
import { headName } from "@resolvent/transformer";
import type { OvResult, ScoredToken } from "./ov-result.ts";

/** Tokens that a sentence names. */
const NAMED = 3;

/** What a head moves, in words. */
export function ovAnswer(result: OvResult): string[] {
  const { copying, directions } = result;
  const name = headName(result.head);
  const texts = (tokens: readonly ScoredToken[]): string =>
    tokens
      .slice(0, NAMED)
      .map(({ text }) => tokenNotation(text))
      .join(", ");
  const [first] = directions;
  const score = copying.embeddingCentred ?? copying.embedding ?? copying.residual;
  return [
    score === null
      ? `${name} moves next to nothing.`
      : `${name} ${score > 0 ? "mostly raises the tokens it attends to" : "mostly lowers the tokens it attends to"}: its copying score from token to token is ${short(score)}.`,
    ...(first === undefined || first.share === null
      ? []
      : [
          `Its strongest direction, ${percent(first.share)} of what it moves, reads tokens such as ${texts(first.input.positive)} and raises ${texts(first.output.positive)}.`,
        ]),
  ];
}

export function ovViews({ table, singularValues }: OvResult): View[] {
  return [
    {
      ...{
        mark: "list",
        table: "direction",
        columns: ["direction", "share", "sign", "reads", "writes"],
      },
      title: "What it reads and what it raises",
      note: "Each singular direction has two sides: attending to tokens on the left raises the tokens on the right. Share: its part of all that the head moves.",
    },
    ...(table === null
      ? []
      : [
          {
            ...({ mark: "grid", table: "token-effect", x: "target", y: "source" } as const),
            value: "effect",
            title: "From token to token",
            note: "What attending to the token of a row does to the logit of the token of a column, relative to the mean over the vocabulary.",
          },
        ]),
    {
      ...{ mark: "bars", table: "singular-value", y: "direction", x: "value" },
      most: Math.min(16, Math.max(1, singularValues.length)),
      title: "How many directions it uses",
      note: "The largest singular values of W_V W_O.",
    },
  ];
}
