import { percent, short, type View } from "@resolvent/analysis";
import type { PathChange } from "../measure/index.ts";
import type { ComparisonResult } from "./compare-result.ts";

/** Where the merge is linear and where it breaks, and what became of the paths, in words. */
export function compareAnswer(result: ComparisonResult): string[] {
  const { degrees, model, other, merge, paths } = result;
  const worst = degrees.tree.reduce<(typeof degrees.tree)[number] | undefined>(
    (most, one) => ((one.relativeDifference ?? 0) > (most?.relativeDifference ?? -1) ? one : most),
    undefined,
  );
  const [zero] = degrees.tree;
  const total = degrees.total.relativeDifference;
  const what = merge.name ?? `The mean of ${model.name} and ${other.name}`;
  const count = (change: PathChange): number =>
    paths.filter((path) => path.change === change).length;
  return [
    total === null || worst?.relativeDifference == null
      ? `${what} has an output of next to nothing.`
      : `${what} misses the mean of their outputs by ${percent(total)}: by ${percent(zero?.relativeDifference ?? 0)} at degree 0, and most, by ${percent(worst.relativeDifference)}, at degree ${worst.degree}${worst.between === null ? "" : `, where the cosine between the two models is ${short(worst.between)}`}.`,
    `Of the ${paths.length} largest paths of each, ${count("appears")} appear, ${count("vanishes")} vanish and ${count("flips")} flip their sign from ${model.name} to ${other.name}.`,
  ];
}

export function compareViews(result: ComparisonResult): View[] {
  const { paths, heads, model, other, tensorsOf, degrees } = result;
  const changed = paths.some(({ change }) => change !== "kept");
  const shares = degrees.paths.some(({ firstShare }) => firstShare !== null);
  return [
    ...(shares
      ? [
          {
            ...({ mark: "slope", table: "merged-degree", label: "term" } as const),
            ...{ from: "firstShare", to: "secondShare" },
            title: "Each degree’s share of the logits, in both models",
            note: `A line for each degree, by the path expansion, from ${model.name} to ${other.name}: how much of what the model says comes from paths through so many blocks.`,
          },
        ]
      : []),
    changed
      ? {
          ...{ mark: "list", table: "changed-path", select: "path" },
          columns: ["path", "first", "second", "change"],
          title: "Paths that appear, vanish or flip",
          note: "Of the largest paths of each model, those that are not in both with one sign.",
        }
      : {
          ...{ mark: "list", table: "compared-path", select: "path", rest: true, most: 20 },
          columns: ["path", "first", "second", "change"],
          title: "The largest paths of each model: none appears, vanishes or flips",
        },
    {
      ...{ mark: "lines", table: "merged-degree", x: "degree" },
      y: [{ column: "tree" }, { column: "paths" }],
      title: "At which degrees the merge is not the merge of its parts",
      note: "How far the merge’s term of each degree is from the mean of the models’ terms, relative to its whole output: with nothing frozen (tree), and with all gates frozen (paths). 0 is linear.",
    },
    {
      ...{ mark: "lines", table: "merged-degree", x: "degree" },
      y: [{ column: "treeCosine" }, { column: "treeBetween" }],
      title: "How alike the terms of each degree are",
      note: "Cosine between the merge’s term and the mean of the models’ terms, and, for comparison, between the two models: where these agree anyway, the first says little.",
    },
    {
      ...{ mark: "dots", table: "compared-block", x: "block" },
      y: [{ column: "relativeError" }, { column: "apart" }],
      title: "How far each activation is off, block by block",
      note: "Of the stream after each block: how far the merge is from the mean of the two models, and how far these are apart, each relative to its size.",
    },
    ...(heads.length === 0
      ? []
      : [
          {
            ...({ mark: "scatter", table: "compared-head", label: "head" } as const),
            ...{ x: "attentionApart", y: "apart" },
            title: "Which heads differ between the two models",
            note: "To the right: the second model’s head looks elsewhere. Above: it writes something else.",
          },
        ]),
    {
      ...{ mark: "list", table: "compared-tensor" },
      columns: ["name", "angle", "normRatio", "signConflict", "slerp"],
      title:
        tensorsOf === "deltas" ? "What training changed, tensor by tensor" : "Tensor by tensor",
      note:
        tensorsOf === "deltas"
          ? "Angle and ratio of what training changed in the two models, and the share of entries that it moved in opposite directions."
          : "Angle and ratio of the weights, and the share of entries of opposite signs.",
    },
  ];
}
