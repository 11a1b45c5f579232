import type { Outline } from "@resolvent/analysis";
import { headsAnalysis } from "@resolvent/attention/analyses";
import { expandCost, GATES, seriesCost } from "@resolvent/expansion";
import { linearityCost } from "@resolvent/linearity";
import { pathsCost } from "@resolvent/paths";
import type { Cost } from "@resolvent/tensor";
import { runCost } from "@resolvent/transformer";
import type { ReportParameters } from "./report-parameters.ts";
import { lengthOf } from "./texts.ts";

/** What a report would take: each of its analyses after the other, on sequences of full length. */
export function reportCost(outline: Outline, params: ReportParameters): Cost {
  const { model, precision } = outline;
  const { sequences, maxDegree, order, top, verify, maxTokens, seed } = params;
  const length = lengthOf(params, model.architecture);
  const ids = new Array<number>(length).fill(0);
  const own = { maxDegree, precision };
  const each = [
    runCost(model, ids, { precision }),
    expandCost(model, ids, { ...own, freeze: GATES }),
    expandCost(model, ids, { ...own, freeze: [] }),
    pathsCost(model, ids, { top, verify, precision }),
    seriesCost(model, ids, { order, precision }),
  ];
  const given = params.corpus !== undefined || params.tokensFile !== undefined;
  return inTurn([
    ...each.map((cost) => ({ cost, times: sequences })),
    { cost: headsAnalysis.estimate(outline, { ...HEADS, seed }), times: 1 },
    ...(given
      ? [
          {
            cost: linearityCost(
              { model, precision },
              { length, maxTokens, split: "half", lensPasses: 4, between: [] },
            ),
            times: 1,
          },
        ]
      : []),
  ]);
}

/** As the analysis has them by default. */
const HEADS = { weightsOnly: false, raw: false, sequences: 4, each: false };

function inTurn(all: readonly { readonly cost: Cost; readonly times: number }[]): Cost {
  const sum = (of: (cost: Cost) => number): number =>
    all.reduce((sofar, { cost, times }) => sofar + times * of(cost), 0);
  const calls: Record<string, number> = {};
  for (const { cost, times } of all) {
    for (const [name, count] of Object.entries(cost.calls))
      calls[name] = (calls[name] ?? 0) + times * count;
  }
  return {
    flops: sum((cost) => cost.flops),
    matmulFlops: sum((cost) => cost.matmulFlops),
    bytesMoved: sum((cost) => cost.bytesMoved),
    peakBytes: Math.max(...all.map(({ cost }) => cost.peakBytes)),
    calls,
  };
}
