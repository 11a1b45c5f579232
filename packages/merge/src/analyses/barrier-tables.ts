import { short, type Table, type View, warningCodes, warningLines } from "@resolvent/analysis";
import type { BarrierResult } from "./barrier-result.ts";

export const BARRIER_TABLE_KINDS: readonly string[] = ["barrier-point", "barrier-grid"];

/** The losses along the path, and over the grid. */
export function barrierTables(result: BarrierResult): Table[] {
  const { model, other, method, corpus, points, ends, grid, warnings, precision } = result;
  const codes = warningCodes(warnings);
  return [
    {
      kind: "barrier-point",
      field: "points",
      title: `Loss between ${model.name} and ${other.name}, ${method}`,
      subtitle: `${corpus.name}: ${corpus.tokens} tokens in ${corpus.sequences} sequences, ${precision}`,
      columns: [
        { name: "alpha", kind: "number" },
        { name: "loss", kind: "logit" },
        { name: "straight", head: "line between the ends", kind: "logit" },
        { name: "excess", head: "above it", kind: "effect" },
        { name: "warnings", kind: "text", detail: true },
      ],
      rows: points.map(({ alpha, loss, excess }) => [
        ...[alpha, loss, (1 - alpha) * ends.first + alpha * ends.second, excess, codes],
      ]),
      notes: [
        ...warningLines(warnings),
        `barrier ${short(result.barrier)} nats by predicted token, at α = ${short(result.at)}: the largest excess over the line between the ends (Frankle et al. 2020)`,
        `the largest loss is ${short(result.aboveWorseEnd)} above the worse end; the least, at α = ${short(result.best.alpha)}, is ${short(result.best.belowBetterEnd)} below the better one`,
      ],
    },
    ...(grid === null
      ? []
      : [
          {
            kind: "barrier-grid",
            replaces: "grid",
            title: `Loss of ${grid.base.name} + u (${model.name} − ${grid.base.name}) + v (${other.name} − ${grid.base.name})`,
            columns: [
              { name: "u", kind: "number" } as const,
              { name: "v", kind: "number" } as const,
              { name: "loss", kind: "logit" } as const,
            ],
            rows: grid.u.flatMap((u, i) =>
              grid.v.map((v, j) => [u, v, grid.losses[i]?.[j] ?? null]),
            ),
          },
        ]),
  ];
}

/** How high the barrier is, in words. */
export function barrierAnswer(result: BarrierResult): string[] {
  const { model, other, barrier, at, ends, corpus, aboveWorseEnd, best } = result;
  const between = `between ${model.name} (${short(ends.first)}) and ${other.name} (${short(ends.second)})`;
  return [
    barrier === 0
      ? `There is no barrier ${between}: at no point of the path is the loss above the line between the ends.`
      : `The loss ${between} rises to ${short(barrier)} nats a token above the line between the ends, at α = ${short(at)}.`,
    `On ${corpus.tokens} tokens of ${corpus.name} ${aboveWorseEnd > 0 ? `the worst point is ${short(aboveWorseEnd)} above the worse end` : "no point is worse than the worse end"}${best.belowBetterEnd > 0 ? `, and the best, at α = ${short(best.alpha)}, is ${short(best.belowBetterEnd)} below the better end` : ", and none better than the better end"}.`,
  ];
}

export function barrierViews({ method, grid }: BarrierResult): View[] {
  return [
    {
      ...{ mark: "lines", table: "barrier-point", x: "alpha" },
      y: [{ column: "loss" }, { column: "straight" }],
      title: "Loss along the path",
      note: `Nats by predicted token, from the first model to the second by ${method} merges, and the straight line between the ends: the barrier is the most that the loss is above it.`,
    },
    ...(grid === null
      ? []
      : [
          {
            ...({ mark: "grid", table: "barrier-grid", x: "v", y: "u", value: "loss" } as const),
            axes: {
              x: grid.v.map((v) => ({ key: String(v) })),
              y: grid.u.toReversed().map((u) => ({ key: String(u) })),
            },
            title: "Loss over the two task vectors",
            note: `How much of what each model learned is added to ${grid.base.name}: u of the first upwards, v of the second to the right.`,
          },
        ]),
  ];
}
