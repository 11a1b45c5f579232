import { type Cost, type Precision, type Priced, sizeOf } from "@resolvent/tensor";
import { type Model, mapWeights } from "@resolvent/transformer";

/** The sum of costs, each so many times, one after the other; `held` bytes are there all the time. */
export function costs(all: readonly (readonly [cost: Cost, times: number])[], held = 0): Cost {
  const total = (of: (cost: Cost) => number): number =>
    all.reduce((sum, [cost, times]) => sum + times * of(cost), 0);
  const names = new Set(all.flatMap(([{ calls }]) => Object.keys(calls)));
  return {
    flops: total(({ flops }) => flops),
    matmulFlops: total(({ matmulFlops }) => matmulFlops),
    bytesMoved: total(({ bytesMoved }) => bytesMoved),
    peakBytes: held + all.reduce((most, [{ peakBytes }]) => Math.max(most, peakBytes), 0),
    calls: Object.fromEntries(
      [...names].map((name) => [name, Math.round(total(({ calls }) => calls[name] ?? 0))]),
    ),
  };
}

/** What the weights of a model take on an engine. */
export function weightBytes(model: Model<Priced>, precision: Precision): number {
  const width = precision === "f32" ? 4 : 8;
  let numbers = 0;
  mapWeights(model, (weight) => {
    numbers += sizeOf(weight.shape);
    return weight;
  });
  return numbers * width;
}
