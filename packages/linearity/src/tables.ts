import {
  type Cell,
  type Column,
  percent,
  roundingOf,
  short,
  type Table,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import { NEAR_NATS } from "@resolvent/expansion";
import { BLOCK_MEASURES, type Interval, type LinearityResult, type ScoredPair } from "./result.ts";

const SCORE_MEASURES = ["withResidual", "withoutResidual"] as const;
const DEGREE_MEASURES = ["tree", "paths", "distance", "partialDistance"] as const;

/** A result as tables: the blocks, whatever else was scored, the degrees; warnings first among the notes. */
export function linearityTables(result: LinearityResult): Table[] {
  const { blocks, layers, between, degrees, labels, loss, settings, precision } = result;
  return [
    {
      kind: "block",
      field: "blocks",
      title: "Linearity of blocks, measure by measure",
      subtitle: subtitleOf(result),
      columns: [
        { name: "block", kind: "text", refers: "node" },
        { name: "withResidual", head: "with residual", kind: "number", missing: "–" },
        { name: "withoutResidual", head: "without residual", kind: "number", missing: "–" },
        { name: "withoutResidualInterval", head: "95 %", kind: "text", view: true, minor: true },
        {
          name: "superpositionDefect",
          head: "defect",
          kind: "number",
          missing: "–",
          rounding: roundingOf(precision, [1]), // a part of what is written
        },
        { name: "stepToMean", head: "step to mean", kind: "number", missing: "–" },
        { name: "stepToToken", head: "to token", kind: "number", missing: "–" },
        { name: "lossChange", head: "Δloss replaced", kind: "number", missing: "–" },
        { name: "lossChangeInterval", head: "95 %", kind: "text", view: true, minor: true },
        { name: "replacedKl", head: "KL replaced", kind: "divergence", detail: true },
        { name: "replacedTop1", head: "likeliest stays", kind: "share", detail: true },
        { name: "replacedSuffices", head: "map suffices", kind: "share" },
        { name: "replacedSufficesInterval", head: "95 %", kind: "text", view: true, minor: true },
        { name: "logitLensKl", head: "logit lens KL", kind: "divergence" },
        { name: "logitLensTop1", kind: "share", detail: true },
        { name: "affineLensKl", head: "affine lens KL", kind: "divergence", detail: true },
        { name: "affineLensTop1", kind: "share", detail: true },
        { name: "tunedLensKl", head: "tuned KL", kind: "divergence" },
        { name: "tunedLensTop1", kind: "share", detail: true },
        { name: "rank", kind: "count" },
        { name: "effectiveRank", kind: "number", detail: true },
        ...endColumns(BLOCK_MEASURES),
        // A file of rows has no other place for them.
        { name: "warnings", kind: "text", detail: true },
      ],
      rows: blocks.map((b) => [
        ...[b.block, b.withResidual, b.withoutResidual, range(b.intervals.withoutResidual)],
        ...[b.superpositionDefect, b.stepToMean, b.stepToToken],
        ...[b.lossChange, range(b.intervals.lossChange), b.replacedKl],
        ...[b.replacedTop1, b.replacedSuffices, range(b.intervals.replacedSuffices, percent)],
        ...[b.logitLensKl, b.logitLensTop1, b.affineLensKl, b.affineLensTop1],
        ...[b.tunedLensKl, b.tunedLensTop1, b.rank, b.effectiveRank],
        ...endCells(BLOCK_MEASURES, b.intervals),
        warningCodes(result.warnings),
      ]),
      notes: [
        ...warningLines(result.warnings),
        `with residual: score ${labels.withResidual}`,
        `without residual: score ${labels.withoutResidual}; so are defect, steps and Δloss`,
        `Δloss: change of the mean next-token loss${loss === null ? "" : `, ${short(loss)} for the model,`} with one block replaced by its best affine map; nats`,
        `map suffices: share of tokens for which that leaves the likeliest next token as it is, and the KL divergence from the model’s prediction below ${NEAR_NATS} nats`,
        `lenses read what the block reads${settings.lensPasses === 0 ? "; the tuned lens was not trained: it is the affine lens" : ""}`,
      ],
    },
    {
      kind: "layer",
      field: "layers",
      title: "Layers",
      columns: [{ name: "layer", kind: "count" }, ...SCORE_COLUMNS],
      rows: layers.map((layer) => [layer.layer, ...scoreCells(layer)]),
    },
    ...(between.length === 0
      ? []
      : [
          {
            kind: "between",
            field: "between",
            title: "Between sites",
            columns: [
              { name: "from", kind: "text" } as const,
              { name: "to", kind: "text" } as const,
              ...SCORE_COLUMNS,
            ],
            rows: between.map((pair) => [pair.from, pair.to, ...scoreCells(pair)]),
          },
        ]),
    {
      kind: "degree",
      field: "degrees",
      title: "Truncated tree and path expansion by degree, relative to ‖T‖",
      columns: [
        { name: "degree", kind: "count" },
        { name: "tree", head: "‖D‖ tree", kind: "number", missing: "–" },
        { name: "paths", head: "‖D‖ paths", kind: "number", missing: "–" },
        { name: "distance", kind: "number", missing: "–" },
        { name: "distanceInterval", head: "95 %", kind: "text", view: true, minor: true },
        { name: "partialDistance", head: "distance of sums", kind: "number", missing: "–" },
        ...endColumns(DEGREE_MEASURES),
      ],
      rows: degrees.map(({ degree, tree, paths, distance, partialDistance, intervals }) => [
        ...[degree, tree, paths, distance, range(intervals.distance), partialDistance],
        ...endCells(DEGREE_MEASURES, intervals),
      ]),
      // Relative to ‖T‖, which is 1.
      rounding: roundingOf(precision, [1, ...degrees.flatMap(({ tree, paths }) => [tree, paths])]),
      notes: ["tree: nothing frozen; paths: all gates frozen. On affine blocks both are the same."],
    },
  ];
}

const SCORE_COLUMNS: readonly Column[] = [
  { name: "withResidual", head: "with residual", kind: "number", missing: "–" },
  { name: "withResidualInterval", head: "95 %", kind: "text", view: true, minor: true },
  { name: "withoutResidual", head: "without residual", kind: "number", missing: "–" },
  { name: "withoutResidualInterval", head: "95 %", kind: "text", view: true, minor: true },
  { name: "rank", kind: "count" },
  { name: "effectiveRank", head: "effective rank", kind: "number" },
  ...endColumns(SCORE_MEASURES),
];

function scoreCells(pair: ScoredPair): Cell[] {
  const { withResidual, withoutResidual, rank, effectiveRank, intervals } = pair;
  return [
    ...[withResidual, range(intervals.withResidual)],
    ...[withoutResidual, range(intervals.withoutResidual), rank, effectiveRank],
    ...endCells(SCORE_MEASURES, intervals),
  ];
}

/** Columns for both ends of the intervals of some measures. */
export function endColumns(measures: readonly string[]): Column[] {
  return measures.flatMap((name): Column[] => [
    { name: `${name}Low`, kind: "number", detail: true },
    { name: `${name}High`, kind: "number", detail: true },
  ]);
}

export function endCells<M extends string>(
  measures: readonly M[],
  intervals: Readonly<Record<M, Interval>>,
): Cell[] {
  return measures.flatMap((name) => [intervals[name]?.[0] ?? null, intervals[name]?.[1] ?? null]);
}

/** What was measured, in a line. */
function subtitleOf({ model, input, settings, precision }: LinearityResult): string {
  const { fit, scored } = input;
  const how =
    settings.split === "half"
      ? `fit on ${fit.tokens} tokens, scored on ${scored.tokens} others`
      : `fit and scored on the same ${scored.tokens} tokens`;
  return `${model.name}, ${model.blocks.length} blocks, ${input.corpus}: ${how} (${fit.sequences} and ${scored.sequences} sequences, seed ${settings.seed}), ${precision}`;
}

/** An interval in few characters, its ends written as its measure is. */
export function range(interval: Interval, write: (end: number) => string = short): string {
  return interval === null ? "" : `${write(interval[0])} … ${write(interval[1])}`;
}
