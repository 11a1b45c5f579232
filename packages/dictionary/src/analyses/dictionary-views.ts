import { percent, short, type View } from "@resolvent/analysis";
import { dictionaryLine } from "./dictionary-facts.ts";
import type { DictionaryResult } from "./dictionary-result.ts";

/** How well it fits, in words. */
export function dictionaryAnswer(result: DictionaryResult): string[] {
  const { dictionary, tokens, l0, explainedVariance, loss, recovered, dead, weights } = result;
  if (tokens === null || l0 === null) {
    return [
      `This is a ${dictionaryLine(dictionary)}.`,
      `Its decoder's rows have norms of ${short(weights.decoderNorm.least)} to ${short(weights.decoderNorm.most)}.`,
    ];
  }
  return [
    `On ${tokens} tokens ${short(l0)} of ${dictionary.features} features are active at a time${explainedVariance === null ? "" : `, and explain ${percent(explainedVariance)} of the variance`}; ${dead} are never active.`,
    ...(loss === null || recovered === null
      ? []
      : [
          `With its output in place the model loses ${short(loss.spliced)} nats a token instead of ${short(loss.model)}: ${percent(recovered)} of the loss is recovered, against zero in its place.`,
        ]),
  ];
}

export function dictionaryViews({ tokens, loss }: DictionaryResult): View[] {
  return [
    ...(loss === null
      ? []
      : [
          {
            ...({ mark: "bars", table: "loss", y: "with", x: "above" } as const),
            title: "What the model loses",
            note: "Nats a token more than the model itself, with something else in place of the value: the shorter the dictionary's bar is next to zero's, the better it stands for it.",
          },
        ]),
    ...(tokens === null
      ? []
      : [
          {
            ...({ mark: "bars", table: "density-bin", y: "density", x: "features" } as const),
            title: "How often features are active",
            note: "Features by the share of tokens on which they are active.",
          },
        ]),
    {
      ...({ mark: "list", table: "weight", columns: ["of", "least", "mean", "most"] } as const),
      title: "Its weights",
      note: "The least, the mean and the largest over features.",
    },
  ];
}
