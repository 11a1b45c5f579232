import { percent, short, type View } from "@resolvent/analysis";
import type { DegreeExpansion } from "../expand.ts";

/** Degrees up to which the sum says the same likeliest token nearly everywhere. */
const NEARLY = 0.9;

/** What the degrees say, in words. */
export function expandAnswer({ model, terms, target, targetDegrees }: DegreeExpansion): string[] {
  const most = targetDegrees?.degrees.toSorted(
    (a, b) => Math.abs(b.contribution) - Math.abs(a.contribution),
  )[0];
  const shares = terms.flatMap(({ degree, logitShare }) =>
    logitShare === null ? [] : [{ degree, logitShare }],
  );
  const [first] = shares.toSorted((a, b) => b.logitShare - a.logitShare);
  const near = terms.find(({ partial }) => partial.frozenNorm.top1 >= NEARLY) ?? terms.at(-1);
  return [
    ...(target === null || most === undefined
      ? []
      : [
          `After this text ${target.readout} is ${short(target.value)}; degree ${most.degree}, paths through ${most.degree} ${most.degree === 1 ? "block" : "blocks"}, contributes most to it: ${short(most.contribution)}.`,
        ]),
    ...(first === undefined
      ? []
      : [
          `Paths through ${first.degree} ${first.degree === 1 ? "block" : "blocks"} say most of what ${model.name} predicts here: degree ${first.degree} has ${percent(first.logitShare)} of the logits.`,
        ]),
    ...(near === undefined
      ? []
      : [
          `All degrees up to ${near.degree} together name the model’s own likeliest token at ${percent(near.partial.frozenNorm.top1)} of the positions.`,
        ]),
  ];
}

export function expandViews({ terms, remainder, target, targetDegrees }: DegreeExpansion): View[] {
  return [
    ...(target === null || targetDegrees === null
      ? []
      : [
          {
            ...({ mark: "bars", table: "degree-target", y: "degree", x: "contribution" } as const),
            ...{ cursor: "k", rest: remainder.from !== "none" },
            title: `${target.readout} by degree`,
            note: `What paths of each degree contribute at the last position; with a constant, ${short(targetDegrees.constant)}, the bars add up to ${short(target.value)}. To the right of zero: for the answer; to the left: against it.`,
          },
        ]),
    {
      ...{ mark: "bars", table: "degree-term", y: "degree", x: "logitShare", cursor: "k" },
      rest: remainder.from !== "none",
      title: "What each degree says: its share of the logits",
      note: "A path of degree k passes through k blocks; the shares of all degrees add up to 100 %. A negative share speaks against what the model says.",
    },
    {
      ...{ mark: "lines", table: "degree-term", x: "degree", scale: "log", cursor: "k" },
      // Without a final norm both are the same line.
      y: [
        { column: "frozenNormKl" },
        ...(terms.every(({ partial }) => partial.frozenNorm.kl === partial.recomputedNorm.kl)
          ? []
          : [{ column: "recomputedNormKl" }]),
      ],
      title: "How far the sum up to a degree is from the model",
      note: "KL divergence in nats, on a scale of powers of ten, from the model’s predictions to those of all degrees up to k together.",
    },
  ];
}
