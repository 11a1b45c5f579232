import { percent, tokenNotation, tokenPlaces, type View } from "@resolvent/analysis";
import { interventionLine } from "./run-interventions.ts";
import type { RunResult } from "./run-result.ts";

/** A probability that is said: a smaller one reads as 0. */
const SAID = 5e-4;

/** What the model says next, in words. */
export function runAnswer({
  model,
  next: [first, second],
  loss,
  input,
  generated,
  interventions = [],
}: RunResult): string[] {
  const said = (one: { readonly text: string; readonly probability: number }): string =>
    `${tokenNotation(one.text)} (${percent(one.probability)})`;
  const changed =
    interventions.length === 0 ? "" : `, with ${interventions.map(interventionLine).join("; ")}`;
  return [
    ...(first === undefined
      ? []
      : [
          `After this text, ${model.name} holds ${said(first)} for the likeliest next token${second === undefined || second.probability < SAID ? "" : `, then ${said(second)}`}${changed}.`,
        ]),
    ...(loss === null
      ? []
      : [
          `On the text itself its loss is ${loss.toFixed(2)} nats, a mean over ${input.tokens.length - 1} predictions.`,
        ]),
    ...(generated === null || generated.text === ""
      ? []
      : [`It goes on with ${tokenNotation(generated.text)}.`]),
  ];
}

export function runViews({ input, next, sites, attention }: RunResult): View[] {
  const places = tokenPlaces(input.tokens);
  return [
    ...(next.length === 0
      ? []
      : [
          {
            ...({ mark: "bars", table: "next-token", y: "text", x: "probability" } as const),
            title: "The likeliest next tokens",
            note: "With the probability of each; ␣ is a space.",
          },
        ]),
    ...(attention === undefined
      ? []
      : [
          {
            ...({ mark: "grid", table: "attention", x: "key", y: "query" } as const),
            ...{ value: "probability", facet: "head" },
            axes: { x: places, y: places },
            title: "Where each head looks",
            note: "A row is a token, a column a token before it; the stronger the colour of a cell, the more of its attention the row gives to the column. Each row adds up to 100 %.",
          },
        ]),
    ...(sites.length === 0
      ? []
      : [
          {
            ...({ mark: "list", table: "site", columns: ["site", "shape", "norm"] } as const),
            title: "Sites",
          },
        ]),
  ];
}
