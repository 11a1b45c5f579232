import {
  percent,
  short,
  type Table,
  type View,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import { endCells, endColumns, range } from "../tables.ts";
import type { JacobianLensResult } from "./result.ts";
import { LENS_MEASURES } from "./score-jacobian-lens.ts";

export function jacobianTables(result: JacobianLensResult): Table[] {
  const { model, input, settings, precision, layers, warnings, saved } = result;
  const { fit, scored } = input;
  return [
    {
      kind: "jacobian-layer",
      field: "layers",
      title: "What lenses read behind each layer, against the model’s own predictions",
      subtitle: `${model.name}, ${input.corpus}: fit on ${fit.tokens} tokens, scored on ${settings.split === "half" ? `${scored.tokens} others` : "the same"} (${fit.sequences} and ${scored.sequences} sequences, seed ${settings.seed}), ${precision}`,
      columns: [
        { name: "layer", kind: "count" },
        { name: "after", kind: "text", refers: "node" },
        { name: "logitLensKl", head: "logit lens KL", kind: "divergence" },
        { name: "jacobianLensKl", head: "Jacobian lens KL", kind: "divergence" },
        { name: "jacobianLensKlInterval", head: "95 %", kind: "text", view: true, minor: true },
        { name: "logitLensTop1", head: "logit lens top-1", kind: "share" },
        { name: "jacobianLensTop1", head: "Jacobian lens top-1", kind: "share" },
        { name: "jacobianLensTop1Interval", head: "95 %", kind: "text", view: true, minor: true },
        ...endColumns(LENS_MEASURES),
        // A file of rows has no other place for them.
        { name: "warnings", kind: "text", detail: true },
      ],
      rows: layers.map((row) => [
        ...[row.layer, row.after, row.logitLensKl, row.jacobianLensKl],
        ...[range(row.intervals.jacobianLensKl), row.logitLensTop1, row.jacobianLensTop1],
        range(row.intervals.jacobianLensTop1, percent),
        ...endCells(LENS_MEASURES, row.intervals),
        warningCodes(warnings),
      ]),
      notes: [
        ...warningLines(warnings),
        "KL: nats, of what is read from the model’s predictions; top-1: share of positions with the model’s likeliest token",
        `logit lens: the stream as it is; Jacobian lens: the stream times its mean Jacobian to the end, over ${fit.sequences} prompts without their first ${settings.skip} positions and the last`,
        ...(saved === null ? [] : [`the lens is in ${saved.file}, in ${saved.dtype}`]),
      ],
    },
  ];
}

/** Where the Jacobian lens is nearer to the model than the logit lens, in words. */
export function jacobianAnswer({ layers, input, saved }: JacobianLensResult): string[] {
  const nearer = layers.filter(
    ({ logitLensKl, jacobianLensKl }) =>
      jacobianLensKl !== null && logitLensKl !== null && jacobianLensKl < logitLensKl,
  );
  const [first] = layers;
  const number = (value: number | null | undefined): string => short(value ?? Number.NaN);
  return [
    `On ${input.scored.tokens} tokens the Jacobian lens is nearer to the model’s predictions than the logit lens behind ${nearer.length} of ${layers.length} ${layers.length === 1 ? "layer" : "layers"}.`,
    ...(first === undefined
      ? []
      : [
          `Behind the first, its KL divergence is ${number(first.jacobianLensKl)} nats, that of the logit lens ${number(first.logitLensKl)}.`,
        ]),
    ...(saved === null ? [] : [`The lens is in ${saved.file}.`]),
  ];
}

export function jacobianViews(): View[] {
  const series = (names: readonly string[]) =>
    names.map((column) => ({ column, low: `${column}Low`, high: `${column}High` }));
  return [
    {
      ...{ mark: "lines", table: "jacobian-layer", x: "after", scale: "log" },
      y: series(["logitLensKl", "jacobianLensKl"]),
      title: "How far what is read out is from what the model says",
      note: "KL divergence in nats, on a scale of powers of ten, from the model’s predictions to those read from the stream behind each layer: as it is (nostalgebraist 2020), and times its mean Jacobian to the final stream (Gurnee et al. 2026). Bars are 95 % intervals, here and below.",
    },
    {
      ...{ mark: "lines", table: "jacobian-layer", x: "after" },
      y: series(["logitLensTop1", "jacobianLensTop1"]),
      title: "How often both name the same token",
      note: "Share of positions at which the likeliest token that is read out is the model’s.",
    },
  ];
}
