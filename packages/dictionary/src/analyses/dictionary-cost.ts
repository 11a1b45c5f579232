import type { Outline } from "@resolvent/analysis";
import {
  type Cost,
  type CostOps,
  type Precision,
  type Priced,
  priced,
  STACK_MEMORY,
} from "@resolvent/tensor";
import { runCost } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { normalise, preActivations } from "../encode.ts";
import { positionsFor } from "../place.ts";

/** Bytes of a number in a precision. */
export const WIDTH: Readonly<Record<Precision, number>> = { f32: 4, f64: 8 };

/** What one sequence of `length` tokens takes to encode and, with `decoded`, to decode, densely at most. */
export function encodeCost(
  dictionary: Dictionary<Priced>,
  precision: Precision,
  length: number,
  { decoded = false }: { readonly decoded?: boolean } = {},
): Cost {
  const { features, d_in, W_dec } = dictionary;
  const rows = positionsFor(dictionary, length).length;
  const step = Math.max(1, Math.floor(STACK_MEMORY / (4 * features * WIDTH[precision])));
  const once = (row: number): Cost =>
    priced(precision, (ops: CostOps) => {
      const x = ops.given({ row, d_in });
      const { deciding, size } = preActivations(
        ops,
        dictionary,
        normalise(ops, dictionary, x).input,
      );
      const active = ops.mul(size, ops.gate(deciding, "relu"));
      if (decoded) ops.matmul(active, W_dec, ["feature"]);
    });
  return rows === 0
    ? timesCost([])
    : timesCost([[once(Math.min(rows, step)), rows / Math.min(rows, step)]]);
}

/** What a plain run of one sequence takes, with the value of a site kept. */
export function sequenceCost({ model, precision }: Outline, length: number): Cost {
  return runCost(model, new Array<number>(length).fill(0), { precision, sites: ["embed"] });
}

/** The sum of costs, each so many times, one after the other; `held` bytes are there all the time. */
export function timesCost(
  costs: readonly (readonly [cost: Cost, times: number])[],
  held = 0,
): Cost {
  const total = (of: (cost: Cost) => number): number =>
    costs.reduce((sum, [cost, times]) => sum + times * of(cost), 0);
  const names = new Set(costs.flatMap(([{ calls }]) => Object.keys(calls)));
  return {
    flops: total(({ flops }) => flops),
    matmulFlops: total(({ matmulFlops }) => matmulFlops),
    bytesMoved: total(({ bytesMoved }) => bytesMoved),
    peakBytes: held + costs.reduce((most, [{ peakBytes }]) => Math.max(most, peakBytes), 0),
    calls: Object.fromEntries(
      [...names].map((name) => [name, Math.round(total(({ calls }) => calls[name] ?? 0))]),
    ),
  };
}
