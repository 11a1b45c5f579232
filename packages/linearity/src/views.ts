import { percent, short, type View } from "@resolvent/analysis";
import { NEAR_NATS } from "@resolvent/expansion";
import type { BlockMeasure, LinearityResult } from "./result.ts";

/** How linear the blocks are, in words. */
export function linearityAnswer({ blocks, tokens, precision, model }: LinearityResult): string[] {
  const of = (measure: BlockMeasure, shown: (value: number) => string = short): string => {
    const values = blocks.map((block) => block[measure]).filter((value) => value !== null);
    return values.length === 0
      ? "none"
      : `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`;
  };
  return [
    `On ${tokens} tokens (${precision}), the best affine map of what a block of ${model.name} reads explains ${of("withResidual")} of the variance of the stream behind it, residual included, and ${of("withoutResidual")} of what the block adds.`,
    `Replacing a block by that map changes the next-token loss by ${of("lossChange")} nats; for ${of("replacedSuffices", percent)} of the tokens it suffices: the likeliest next token stays, and the prediction within ${NEAR_NATS} nats.`,
  ];
}

export function linearityViews({ labels, loss }: LinearityResult): View[] {
  const series = (names: readonly string[]) =>
    names.map((column) => ({ column, low: `${column}Low`, high: `${column}High` }));
  return [
    {
      ...{
        mark: "dots",
        table: "block",
        x: "block",
        y: series(["withResidual", "withoutResidual"]),
      },
      title: "Linearity score of each block",
      note: `1 − min over A of ‖X̃A − Ỹ‖² (Razzhigaev et al. 2024); 1 is linear. With residual: ${labels.withResidual}. Without: ${labels.withoutResidual}. Bars are 95 % intervals, here and below.`,
    },
    {
      ...{ mark: "dots", table: "block", x: "block" },
      y: series(["superpositionDefect", "stepToMean", "stepToToken"]),
      title: "Answers to sums and to steps, without the residual",
      note: "Superposition defect ‖f(a+b) − f(a) − f(b) + f(0)‖ / ‖f(a+b)‖ with a the embedding and a+b what the block reads; and what the derivative misses, ‖f(r+δ) − f(r) − Jδ‖ / ‖f(r+δ) − f(r)‖, for the step δ to the mean stream and to the stream half a sequence on. An affine block has 0 in all three.",
    },
    {
      ...{ mark: "dots", table: "block", x: "block", y: series(["lossChange"]) },
      title: "What it costs to replace a block by its best affine map",
      note: `Change of the next-token loss in nats, everything after the block recomputed${loss === null ? "" : `; the model itself has ${short(loss)}`}.`,
    },
    {
      ...{ mark: "dots", table: "block", x: "block" },
      y: series(["replacedTop1", "replacedSuffices"]),
      title: "For how many tokens the map suffices in the block’s place",
      note: `Share of tokens for which, with the block replaced by its best affine map and everything after it recomputed, the likeliest next token stays as it is; and, lower, for which the KL divergence from the model’s prediction is below ${NEAR_NATS} nats too.`,
    },
    {
      ...{ mark: "lines", table: "block", x: "block", scale: "log" },
      y: series(["logitLensKl", "affineLensKl", "tunedLensKl"]),
      title: "What linear readouts see in what each block reads",
      note: "KL divergence in nats, on a scale of powers of ten, from the model’s predictions to those of the logit lens (nostalgebraist 2020), of the affine map nearest to the final stream, and of the tuned lens (Belrose et al. 2023), which is that map trained on.",
    },
    {
      ...{ mark: "lines", table: "degree", x: "degree" },
      y: series(["tree", "paths", "distance", "partialDistance"]),
      title: "Truncated tree and path expansion, degree by degree",
      note: "Norms relative to ‖T‖: of the terms D_k with nothing frozen (tree) and with all gates frozen (paths), of their difference, and of the difference of the sums up to k. On affine blocks both are the same.",
    },
  ];
}
