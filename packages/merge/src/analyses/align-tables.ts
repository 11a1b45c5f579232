import {
  type Cell,
  certificateLine,
  percent,
  short,
  type Table,
  type View,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import type { AlignmentResult } from "./align-result.ts";

export const ALIGN_TABLE_KINDS: readonly string[] = [
  ...["alignment-stage", "alignment-group", "alignment-barrier", "alignment-sweep"],
];

/** What each stage gained, what moved, and the loss on the way between the models before and after. */
export function alignTables(result: AlignmentResult): Table[] {
  return [stageTable(result), groupTable(result), ...barrierTable(result), sweepTable(result)];
}

function stageTable(result: AlignmentResult): Table {
  const { model, other, stages, exactness, precision, warnings, written } = result;
  const codes = warningCodes(warnings);
  return {
    kind: "alignment-stage",
    replaces: "stages",
    title: `${other.name} brought near ${model.name}`,
    subtitle: `${stages.map(({ stage, by }) => `${stage} by ${by}`).join(", then ")}; ${precision}`,
    columns: [
      { name: "stage", kind: "text" },
      { name: "by", kind: "text" },
      { name: "objectiveBefore", head: "Σ⟨A, B⟩ before", kind: "number" },
      { name: "objectiveAfter", head: "after", kind: "number" },
      { name: "distanceBefore", head: "‖A − B‖/‖A‖ before", kind: "number" },
      { name: "distanceAfter", head: "and after", kind: "number" },
      { name: "sweeps", kind: "count" },
      { name: "settled", kind: "text" },
      { name: "order", kind: "text", detail: true },
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: stages.map(({ stage, by, objective, distance, settled, groups }) => [
      ...[stage, by, objective[0] ?? null, objective.at(-1) ?? null, ...distance],
      ...[objective.length - 1, settled ? "yes" : "no"],
      ...[groups.map(groupName).join(" "), codes],
    ]),
    notes: [
      ...warningLines(warnings),
      `order of groups: ${stages.map(({ groups }) => startOf(groups.map(groupName))).join("; then ")}: another may end in another optimum`,
      `the same function: the largest difference of a logit is ${short(exactness.largest)} over ${exactness.tokens} tokens${exactness.drawn ? ", drawn at random" : ""}, where logits reach ${short(exactness.scale)}`,
      certificateLine("max |Δlogit| / max |logit|", exactness.certificate, { precision }),
      ...(written === null
        ? []
        : [
            `written to ${written.folder} in ${written.dtypes.join(", ")}: ${written.files.join(", ")}`,
          ]),
    ],
  };
}

/** The first few of some names. */
function startOf(names: readonly string[]): string {
  const [shown, more] = [names.slice(0, 6), names.length - 6];
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function groupName({ kind, layer }: AlignmentResult["stages"][number]["groups"][number]): string {
  return layer < 0 ? kind : `L${layer}.${kind}`;
}

function groupTable({ groups, stages }: AlignmentResult): Table {
  const correlation = stages.find((stage) => stage.correlation !== undefined)?.correlation ?? {};
  return {
    kind: "alignment-group",
    field: "groups",
    title: "What stands at another place",
    columns: [
      { name: "group", kind: "text", refers: "node" },
      { name: "size", kind: "count" },
      { name: "moved", kind: "count" },
      { name: "turned", head: "other sign", kind: "count" },
      { name: "share", kind: "bar" },
      {
        ...{ name: "correlation", kind: "number", missing: "–" },
        detail: Object.keys(correlation).length === 0,
      },
    ],
    rows: groups.map(({ group, size, moved, turned }) => [
      ...[group, size, moved, turned, size === 0 ? 0 : moved / size],
      correlation[group] ?? null,
    ]),
  };
}

function barrierTable({ barrier, corpus, model, other }: AlignmentResult): Table[] {
  if (barrier === null || corpus === null) return [];
  const { unaligned: before, aligned: after } = barrier;
  const [first, last] = [before.points[0], before.points.at(-1)];
  return [
    {
      kind: "alignment-barrier",
      replaces: "barrier",
      title: `Loss between ${model.name} and ${other.name}, before and after`,
      subtitle: `${corpus.name}: ${corpus.tokens} tokens in ${corpus.sequences} sequences`,
      columns: [
        { name: "alpha", kind: "number" },
        { name: "before", kind: "logit" },
        { name: "after", kind: "logit" },
        { name: "straight", head: "line between the ends", kind: "logit" },
      ],
      rows: before.points.map(({ alpha, loss }, i): Cell[] => [
        ...[alpha, loss, after.points[i]?.loss ?? null],
        (1 - alpha) * (first?.loss ?? 0) + alpha * (last?.loss ?? 0),
      ]),
      notes: [
        `barrier ${short(before.barrier)} before (at α = ${short(before.at)}), ${short(after.barrier)} after (at ${short(after.at)}), nats by predicted token`,
      ],
    },
  ];
}

function sweepTable({ stages }: AlignmentResult): Table {
  return {
    kind: "alignment-sweep",
    data: true,
    title: "The objective, sweep by sweep",
    columns: [
      { name: "stage", kind: "text" },
      { name: "sweep", kind: "count" },
      { name: "objective", kind: "number" },
    ],
    rows: stages.flatMap(({ stage, objective }) =>
      objective.map((value, sweep): Cell[] => [stage, sweep, value]),
    ),
  };
}

/** What alignment gained, in words; it may be nothing, or less. */
export function alignAnswer({
  stages,
  model,
  other,
  exactness,
  barrier,
}: AlignmentResult): string[] {
  const [first, last] = [stages[0], stages.at(-1)];
  if (first === undefined || last === undefined) return [];
  const distance = `${short(first.distance[0])} to ${short(last.distance[1])}`;
  return [
    `Put in order, ${other.name} computes the same (logits differ by ${short(exactness.largest)} at most) and its distance from ${model.name} goes from ${distance} of the size of its weights.`,
    ...(barrier === null
      ? []
      : [
          `The loss barrier between them goes from ${short(barrier.unaligned.barrier)} to ${short(barrier.aligned.barrier)} nats a token${gain(barrier)}.`,
        ]),
  ];
}

function gain({ unaligned, aligned }: NonNullable<AlignmentResult["barrier"]>): string {
  if (unaligned.barrier === 0) return "";
  const share = (aligned.barrier - unaligned.barrier) / unaligned.barrier;
  return share > 0 ? `, ${percent(share)} more` : `, ${percent(-share)} less`;
}

export function alignViews({ barrier }: AlignmentResult): View[] {
  return [
    ...(barrier === null
      ? []
      : [
          {
            ...({ mark: "lines", table: "alignment-barrier", x: "alpha" } as const),
            y: [{ column: "before" }, { column: "after" }, { column: "straight" }],
            title: "Loss on the straight path between the models",
            note: "Nats by predicted token, before and after the second model was put in order, and the line between the ends.",
          },
        ]),
    {
      ...{ mark: "bars", table: "alignment-group", y: "group", x: "share", most: 40 },
      title: "What stands at another place",
      note: "The share of the residual basis, of each layer’s heads and of its neurons that the alignment moved.",
    },
    {
      ...{ mark: "list", table: "alignment-stage" },
      columns: [
        "stage",
        "by",
        "objectiveBefore",
        "objectiveAfter",
        "distanceBefore",
        "distanceAfter",
      ],
      title: "What each stage gained",
      note: "The objective is the sum of the products of all entries; the distance is relative to the first model’s weights.",
    },
  ];
}
