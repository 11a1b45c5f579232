import {
  type Cell,
  type Column,
  type CurvesView,
  percent,
  short,
  type Table,
  type View,
  warningLines,
} from "@resolvent/analysis";
import type { DictionaryTraining } from "./train-result.ts";

/** A training as tables: what was measured, and how it went. */
export function trainingTables(result: DictionaryTraining): Table[] {
  const { measured, steps, saved, warnings, heldOut } = result;
  const kinds = [...new Set(steps.flatMap(({ losses }) => Object.keys(losses)))];
  const subtitle = subtitleOf(result);
  const thresholds = steps.some(({ threshold }) => threshold !== undefined);
  const columns: Column[] = [
    { name: "step", kind: "count" },
    { name: "tokens", kind: "count", detail: true },
    { name: "loss", kind: "number" },
    ...kinds.map((name) => ({ name, kind: "number", minor: true }) as const),
    { name: "l0", head: "L0", kind: "number" },
    { name: "explainedVariance", head: "explained", kind: "number" },
    { name: "dead", kind: "count" },
    { name: "gradientNorm", head: "gradient", kind: "number", minor: true },
    { name: "rate", kind: "number", minor: true },
    { name: "sparsity", kind: "number", detail: true },
    ...(thresholds ? [{ name: "threshold", kind: "number", detail: true } as const] : []),
  ];
  const cellsOf = (told: DictionaryTraining["steps"][number]): Cell[] => [
    ...[told.step, told.tokens, told.loss],
    ...kinds.map((name) => told.losses[name] ?? null),
    ...[told.l0, told.explainedVariance, told.dead, told.gradientNorm, told.rate, told.sparsity],
    ...(thresholds ? [told.threshold ?? null] : []),
  ];
  return [
    {
      kind: "dictionary-metric",
      title: "The dictionary, measured",
      subtitle,
      columns: [
        { name: "metric", kind: "text" },
        { name: "value", kind: "number" },
        { name: "formula", kind: "text", minor: true },
      ],
      rows: measured === null ? [] : metricRows(measured),
      notes: [
        ...warningLines(warnings),
        ...(measured === null
          ? []
          : [`Measured on ${heldOut.texts} texts, ${heldOut.tokens} tokens.`]),
        ...(saved === null
          ? []
          : saved.files.map(
              ({ name, bytes }) => `${saved.folder}/${name}: ${bytes} bytes, ${saved.dtype}`,
            )),
      ],
    },
    {
      ...{ kind: "training-course", view: true, title: "How the training went" },
      ...{ columns, rows: course(steps).map(cellsOf) },
    },
    {
      ...{ kind: "training-step", field: "steps", data: true, title: "The training, step by step" },
      ...{ columns, rows: steps.map(cellsOf) },
    },
  ];
}

/** Steps that people see in a table; the curves have all. */
const SEEN = 12;

/** Some of the steps, evenly spread, the last among them. */
function course<S>(steps: readonly S[]): S[] {
  const count = Math.min(SEEN, steps.length);
  return Array.from(
    { length: count },
    (_, i) => steps[Math.round(((i + 1) * steps.length) / count) - 1] as S, // within
  );
}

function subtitleOf({ model, settings, corpus, trained, precision }: DictionaryTraining): string {
  const { site, output, features, loss, steps } = settings;
  const at = output === site ? site : `${site} → ${output}`;
  return `${model.name}, ${at}: ${features} features by ${loss.kind}, ${steps} steps on ${corpus.name} (${trained.texts} texts, ${trained.tokens} tokens), ${precision}`;
}

function metricRows(measured: NonNullable<DictionaryTraining["measured"]>): Cell[][] {
  const { formulas, loss } = measured;
  return [
    ["L0", measured.l0, formulas.l0],
    ["L0 without first", measured.l0WithoutFirst, formulas.l0WithoutFirst],
    ["dead", measured.dead, formulas.dead],
    ["explained variance", measured.explainedVariance, formulas.explainedVariance],
    [
      "explained variance, centred",
      measured.explainedVarianceCentred,
      formulas.explainedVarianceCentred,
    ],
    ["mse", measured.mse, formulas.mse],
    ["cosine", measured.cosine, formulas.cosine],
    ["L2 ratio", measured.l2Ratio, formulas.l2Ratio],
    [
      "relative reconstruction bias",
      measured.relativeReconstructionBias,
      formulas.relativeReconstructionBias,
    ],
    ["loss of the model", loss.model, formulas.loss],
    ["loss, spliced", loss.spliced, null],
    ["loss, zeroed", loss.zeroed, null],
    ["loss, mean", loss.mean, null],
    ["recovered", measured.recovered, formulas.recovered],
    ["recovered from mean", measured.recoveredFromMean, formulas.recoveredFromMean],
    ["KL", measured.kl, formulas.kl],
  ];
}

/** What came of it, in words. */
export function trainingAnswer({ measured, settings, steps, saved }: DictionaryTraining): string[] {
  const last = steps.at(-1);
  if (measured === null) {
    return last === undefined
      ? ["No step has been taken."]
      : [
          `After ${last.step} of ${last.steps} steps ${short(last.l0)} features are active on a token, and explain ${percent(last.explainedVariance)} of the variance of a batch.`,
        ];
  }
  return [
    `${short(measured.l0)} of ${settings.features} features are active on a token, and explain ${percent(measured.explainedVariance)} of the variance; ${measured.dead} are dead.`,
    `With its output in place of what it stands for, ${percent(measured.recovered)} of the loss is recovered: ${short(measured.loss.spliced)} nats, of the model itself ${short(measured.loss.model)}, of zeros ${short(measured.loss.zeroed)}.${saved === null ? "" : ` It is in ${saved.folder}.`}`,
  ];
}

export function trainingViews({ steps, settings }: DictionaryTraining): View[] {
  const curve = (column: string): CurvesView => ({
    ...{ mark: "lines", table: "training-step", x: "step", y: [{ column }] },
  });
  const metrics: View = {
    ...{ mark: "list", table: "dictionary-metric", columns: ["metric", "value", "formula"] },
    title: "What was measured of it",
  };
  if (steps.length < 2) return [metrics];
  return [
    {
      ...curve("loss"),
      scale: "log",
      title: "Loss",
      note: `Of the batch before each step, ${settings.loss.kind}: the mean of ‖y − x^‖² and what is added, on a scale of powers of ten.`,
    },
    metrics,
    ...SIDE.filter(({ column }) => new Set(steps.map((told) => told[column])).size > 1).map(
      ({ column, title, note }): View => ({ ...curve(column), title, note }),
    ),
  ];
}

/** Curves that are shown where they are no level line, as L0 of topk is. */
const SIDE = [
  { column: "explainedVariance", title: "Explained variance", note: "Of the batch." },
  { column: "l0", title: "L0", note: "Active features of a token." },
  {
    column: "dead",
    title: "Dead features",
    note: "Not active for as many tokens as the settings say.",
  },
] as const;
