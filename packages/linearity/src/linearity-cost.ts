import type { Outline } from "@resolvent/analysis";
import { type Cost, priced } from "@resolvent/tensor";
import { blockNames, plainSites, unembed } from "@resolvent/transformer";
import { degreeSquares } from "./degrees.ts";
import { byStart, sitesOf } from "./fit.ts";
import { startLens, trainLens } from "./lens.ts";
import { curvature, superposition } from "./local.ts";
import { BATCH_TOKENS } from "./measure.ts";
import { lensPoints, pairsOf, recordSites, type SitePair, valueAt } from "./pairs.ts";
import { regressionBytes } from "./regression.ts";
import { replacedRuns } from "./replacement.ts";
import { applied } from "./score.ts";

/** What `measureLinearity` would take at most, from shapes alone: for a sample of all the tokens that are allowed. */
export function linearityCost(
  { model, precision }: Pick<Outline, "model" | "precision">,
  settings: {
    readonly length: number;
    readonly maxTokens: number;
    readonly split: "half" | "none";
    readonly lensPasses: number;
    readonly maxDegree?: number | undefined;
    readonly between: readonly SitePair[];
  },
): Cost {
  const { length, maxTokens, split, lensPasses } = settings;
  const count = Math.max(1, Math.floor(BATCH_TOKENS / length));
  const rows = Array.from({ length: count }, () => new Array<number>(length).fill(0));
  const batches = maxTokens / (count * length);
  const pairs = pairsOf(model.architecture, settings.between);
  const { d_model } = model.architecture;
  const part = split === "half" ? 0.5 : 1;
  const each = {
    fit: priced(precision, (ops) => void recordSites(ops, model, rows, sitesOf(pairs))),
    lens: priced(precision, (ops) => {
      const points = lensPoints(model.architecture);
      const values = recordSites(ops, model, rows, sitesOf(pairs));
      const map = { A: ops.given({ d_model, target: d_model }), b: ops.given({ d_model }) };
      for (const point of points) {
        ops.scope(() => {
          const x = valueAt(values, point);
          const p = unembed(ops, model, x, plainSites());
          return trainLens(ops, model, startLens(ops, map), { x, p, step: 1, rate: 1 });
        });
      }
    }),
    score: priced(precision, (ops) => {
      const values = recordSites(ops, model, rows, sitesOf(pairs));
      const map = { A: ops.given({ d_model, target: d_model }), b: ops.given({ d_model }) };
      for (const stage of model.stages) {
        for (const block of stage) {
          ops.scope(() => {
            const read = valueAt(values, "embed");
            superposition(ops, block, read, read);
            curvature(ops, model, block, read, ops.given({ d_model }));
          });
        }
      }
      ops.scope(() => {
        const runs = replacedRuns(ops, model, rows, () => map);
        for (let i = 0; i <= blockNames(model.architecture).length; i++) {
          ops.scope(() => void unembed(ops, model, ops.slice(runs, "variant", 0, 1), plainSites()));
        }
      });
      for (const point of lensPoints(model.architecture)) {
        ops.scope(() => {
          const x = valueAt(values, point);
          for (const stream of [x, applied(ops, map, x), applied(ops, map, x)])
            ops.scope(() => void unembed(ops, model, stream, plainSites()));
        });
      }
      degreeSquares(ops, model, rows, settings.maxDegree ?? model.stages.length);
    }),
  };
  const { fit, lens, score } = each;
  // Beside the engine, in float64: folding rows into triangles, 2(d² + 2dq) a row and start, and what is solved.
  const groups = [...byStart(pairs).values()].map((own) => d_model * own.length);
  const starts = groups.length;
  const folding = 2 * d_model * d_model * (starts + 2 * pairs.length) * maxTokens * part;
  const host =
    groups.reduce((sum, targets) => sum + regressionBytes(d_model, targets).held, 0) +
    groups.reduce((most, targets) => Math.max(most, regressionBytes(d_model, targets).work), 0) +
    8 * (d_model + 1) * d_model * pairs.length;
  // What the engine holds from batch to batch: a map for each pair, a lens and its moments for each start.
  const width = precision === "f32" ? 4 : 8;
  const held = width * (d_model + 1) * d_model * (pairs.length + 3 * starts);
  const times = [
    [fit, batches * part],
    [lens, batches * part * lensPasses],
    [score, batches * part],
  ] as const;
  const all = summed(times);
  return {
    ...all,
    flops: all.flops + folding,
    peakBytes: host + held + all.peakBytes,
  };
}

/** What some things cost together, each done some times, one after the other. */
export function summed(times: readonly (readonly [cost: Cost, times: number])[]): Cost {
  const total = (of: (cost: Cost) => number): number =>
    times.reduce((sum, [one, n]) => sum + of(one) * n, 0);
  const names = new Set(times.flatMap(([one]) => Object.keys(one.calls)));
  return {
    flops: total(({ flops }) => flops),
    matmulFlops: total(({ matmulFlops }) => matmulFlops),
    bytesMoved: total(({ bytesMoved }) => bytesMoved),
    peakBytes: Math.max(...times.map(([{ peakBytes }]) => peakBytes)),
    calls: Object.fromEntries(
      [...names].map((name) => [name, Math.round(total(({ calls }) => calls[name] ?? 0))]),
    ),
  };
}
