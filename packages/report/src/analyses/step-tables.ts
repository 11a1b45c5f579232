import {
  type Cell,
  type Column,
  type CurvesView,
  percent,
  type Spread,
  short,
  type Table,
} from "@resolvent/analysis";
import type { ComparedStep, ReportComparison } from "./report-result.ts";
import { spreadCells, spreadColumns } from "./spread-cells.ts";

type Side = "live" | "frozen";
const SIDES: readonly Side[] = ["live", "frozen"];

/** Degrees that one figure has a curve of: as many as its marks tell apart. */
const CURVES = 4;

/** Along training: a row for each step, a column for each degree. */
export function stepTable({ steps, near }: ReportComparison): Table {
  const degrees = degreesOf(steps);
  const shares = SIDES.flatMap((side) => degrees.map((degree) => ({ side, degree })));
  return {
    kind: "step",
    field: "steps",
    title: "Along training",
    columns: [
      { name: "step", kind: "count" },
      { name: "runs", kind: "count" },
      ...spreadColumns("loss", "number"),
      ...spreadColumns("accuracy", "share"),
      ...shares.flatMap(({ side, degree }) => shareColumns(side, degree)),
      ...SIDES.flatMap((side) => neededColumns(side)),
    ],
    rows: steps.map((step) => [
      ...[step.step, step.runs, ...spreadCells(step.loss), ...spreadCells(step.accuracy)],
      ...shares.flatMap(({ side, degree }) => endCells(shareOf(step, side, degree))),
      ...SIDES.flatMap((side) => endCells(step[side])),
    ]),
    notes: [
      "live 2, frozen 2: share of the logits that degree 2 has, with nothing frozen (truncated tree) and with all gates frozen (path expansion)",
      `live, frozen: degrees until the sum is within ${near} nats of the model`,
      oneTraining(steps)
        ? "± is half the 95 % interval over sequences"
        : "means over trainings; ± is half the 95 % interval over these",
    ],
  };
}

/** Curves along training: the spectra live and frozen, then what has been learned. */
export function stepViews({ steps }: ReportComparison): CurvesView[] {
  const over = oneTraining(steps) ? "sequences" : "trainings";
  const curves = (columns: readonly string[], title: string, note: string): CurvesView => ({
    ...{ mark: "lines", table: "step", x: "step", along: "log", title },
    y: columns.map((column) => ({ column, low: `${column}Low`, high: `${column}High` })),
    note: `${note} Bars are 95 % intervals over ${over}.`,
  });
  const moved = movedMost(steps);
  const chosen =
    moved.length < degreesOf(steps).length ? ` The ${CURVES} degrees that move most.` : "";
  const spectrum = (side: Side, what: string, note: string): CurvesView =>
    curves(
      moved.map((degree) => columnOf(side, degree)),
      `Share of the logits by degree along training, ${what}`,
      `${note}${chosen}`,
    );
  return [
    spectrum("live", "nothing frozen", "The truncated tree: what one more block on a path adds."),
    spectrum("frozen", "all gates frozen", "The path expansion: paths through so many blocks."),
    ...(steps.some(({ accuracy }) => accuracy !== null)
      ? [
          curves(
            ["accuracy"],
            "What has been learned",
            "Share of next tokens that are the model’s first choice.",
          ),
          curves(["loss"], "Loss along training", "Next-token loss, nats a token."),
        ]
      : []),
    curves(
      [...SIDES],
      "Degrees until the sum is near the model, along training",
      "Frozen: the path expansion; live: the truncated tree.",
    ),
  ];
}

/** What moves along training, in words. */
export function stepAnswer({ steps }: ReportComparison): string[] {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return [];
  const runs = oneTraining(steps) ? "one training" : `${last.runs} trainings`;
  const way = (of: (step: ComparedStep) => Spread | null, word: (mean: number) => string): string =>
    [first, last]
      .map((step) => of(step)?.mean)
      .map((x) => (x === undefined ? "–" : word(x)))
      .join(" to ");
  const moves = (side: Side): string =>
    movedMost(steps)
      .map((degree) => `degree ${degree} ${way((step) => shareOf(step, side, degree), percent)}`)
      .join(", ");
  return [
    `From step ${first.step} to step ${last.step} of ${runs}, the loss goes from ${way(({ loss }) => loss, short)} nats, and the share of next tokens told rightly from ${way(({ accuracy }) => accuracy, percent)}.`,
    `Shares of the logits with nothing frozen: ${moves("live")}.`,
    `With all gates frozen: ${moves("frozen")}.`,
  ];
}

function oneTraining(steps: readonly ComparedStep[]): boolean {
  return steps.every(({ runs }) => runs === 1);
}

function degreesOf(steps: readonly ComparedStep[]): number[] {
  const all = steps.flatMap(({ degrees }) => degrees.map(({ degree }) => degree));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The degrees whose shares go through the widest range, live or frozen; in their order. */
function movedMost(steps: readonly ComparedStep[]): number[] {
  const range = (degree: number): number =>
    Math.max(
      ...SIDES.map((side) => {
        const means = steps.flatMap((step) => shareOf(step, side, degree)?.mean ?? []);
        return means.length === 0 ? 0 : Math.max(...means) - Math.min(...means);
      }),
    );
  return degreesOf(steps)
    .sort((a, b) => range(b) - range(a))
    .slice(0, CURVES)
    .sort((a, b) => a - b);
}

function shareOf({ degrees }: ComparedStep, side: Side, degree: number): Spread | null {
  return degrees.find((one) => one.degree === degree)?.[side] ?? null;
}

function columnOf(side: Side, degree: number): string {
  return `${side}${degree}`;
}

/** Of so many columns people see the means. */
function shareColumns(side: Side, degree: number): Column[] {
  const name = columnOf(side, degree);
  return endColumns({ name, head: `${side} ${degree}`, kind: "share", missing: "–" });
}

function neededColumns(side: Side): Column[] {
  return endColumns({ name: side, kind: "number", missing: "–" });
}

function endColumns(column: Column): Column[] {
  const { name, kind } = column;
  const ends = ["Low", "High"].map((end) => ({ name: name + end, kind, detail: true }));
  return [column, ...ends];
}

function endCells(spread: Spread | null): Cell[] {
  return [spread?.mean ?? null, spread?.low ?? null, spread?.high ?? null];
}
