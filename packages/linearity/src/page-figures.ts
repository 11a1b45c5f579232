import { short } from "@resolvent/analysis";
import { type Curve, drawFigure } from "./figure.ts";
import { escapeHtml } from "./html.ts";
import type { BlockMeasure, LinearityResult } from "./result.ts";

/** The figures of a result's page as HTML, with what each shows. */
export function pageFigures(result: LinearityResult): string[] {
  const { blocks, degrees, labels } = result;
  const names = blocks.map(({ block }) => block);
  const curve = (measure: BlockMeasure, name: string): Curve => ({
    name,
    values: blocks.map((block) => block[measure]),
    intervals: blocks.map((block) => block.intervals[measure]),
  });
  const degreeCurve = (
    measure: "tree" | "paths" | "distance" | "partialDistance",
    name: string,
  ): Curve => ({
    name,
    values: degrees.map((degree) => degree[measure]),
    intervals: degrees.map((degree) => degree.intervals[measure]),
  });
  return [
    figure(
      "Linearity score of each block.",
      `1 − min<sub>A</sub> ‖X̃A − Ỹ‖² (Razzhigaev et al. 2024). With residual: ${escapeHtml(labels.withResidual)}. Without: ${escapeHtml(labels.withoutResidual)}.`,
      drawFigure({
        label: "Linearity scores by block, with and without the residual",
        places: names,
        axis: "block",
        curves: [
          curve("withResidual", "with residual"),
          curve("withoutResidual", "without residual"),
        ],
        to: 1,
      }),
    ),
    figure(
      "Answers to sums and to steps, without the residual.",
      "Superposition defect ‖f(a+b) − f(a) − f(b) + f(0)‖ / ‖f(a+b)‖ with a the embedding and a+b what the block reads; and what the derivative misses, ‖f(r+δ) − f(r) − Jδ‖ / ‖f(r+δ) − f(r)‖, for the step δ to the mean stream and to the stream half a sequence on. An affine block has 0 in all three.",
      drawFigure({
        label: "Superposition defect and steps against the derivative by block",
        places: names,
        axis: "block",
        curves: [
          curve("superpositionDefect", "superposition"),
          curve("stepToMean", "step to mean"),
          curve("stepToToken", "step to token"),
        ],
      }),
    ),
    figure(
      "What it costs to replace a block by its best affine map.",
      `Change of the next-token loss in nats, everything after the block recomputed${result.loss === null ? "" : `; the model itself has ${short(result.loss)}`}.`,
      drawFigure({
        label: "Change of loss by replaced block",
        places: names,
        axis: "replaced block",
        curves: [curve("lossChange", "Δ loss")],
      }),
    ),
    figure(
      "What linear readouts see in what each block reads.",
      "KL divergence in nats, on a scale of powers of ten, from the model’s predictions to those of the logit lens (nostalgebraist 2020), of the affine map nearest to the final stream, and of the tuned lens (Belrose et al. 2023), which is that map trained on.",
      drawFigure({
        label: "KL divergence of lenses by block",
        places: names,
        axis: "read by block",
        powers: true,
        curves: [
          curve("logitLensKl", "logit lens"),
          curve("affineLensKl", "affine lens"),
          curve("tunedLensKl", "tuned lens"),
        ],
      }),
    ),
    figure(
      "Truncated tree and path expansion, degree by degree.",
      "Norms relative to ‖T‖: of the terms D<sub>k</sub> with nothing frozen (tree) and with all gates frozen (paths), of their difference, and of the difference of the sums up to k. On affine blocks both are the same.",
      drawFigure({
        label: "Norms and distances by degree",
        places: degrees.map(({ degree }) => String(degree)),
        axis: "degree k",
        curves: [
          degreeCurve("tree", "tree"),
          degreeCurve("paths", "paths"),
          degreeCurve("distance", "distance"),
          degreeCurve("partialDistance", "distance of sums"),
        ],
      }),
    ),
  ];
}

function figure(title: string, text: string, picture: string): string {
  return `<figure>${picture}<figcaption><b>${title}</b> ${text}</figcaption></figure>`;
}
