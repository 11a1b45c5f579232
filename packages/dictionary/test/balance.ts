import { effects, logitReadout } from "@resolvent/paths";
import { reference, type Tensor } from "@resolvent/tensor";
import { type Model, openLanes, run } from "@resolvent/transformer";
import { expect } from "vitest";
import { type DictionaryRun, sourceStreams } from "../src/index.ts";

export const tokens: readonly number[] = [3, 17, 5, 28, 9];
export const target = { a: 4, b: 9 } as const;
export const rounding = { rtol: 1e-10, atol: 1e-12 } as const;

/** Sum of the streams of all sources and degrees, `pos, d_model`. */
function sumOfStreams(expansion: DictionaryRun<Tensor>): Tensor {
  return sourceStreams(reference, expansion)
    .map(({ values }) => reference.sum(values, ["degree", "source"]))
    .reduce((a, b) => reference.add(a, b));
}

const residual = (model: Model<Tensor>): Tensor => {
  const { trace } = run(reference, model, tokens, { sites: ["embed", "*.write"] });
  return [...trace.values()].reduce((a, b) => reference.add(a, b));
};

/** The sources add up to the model, and what paths give a target to its value. */
export async function expectBalance(
  model: Model<Tensor>,
  expansion: DictionaryRun<Tensor>,
): Promise<void> {
  const truth = residual(model);
  const end = openLanes(reference, expansion.model.final.lanes, expansion.run.residual);
  expect(end).toBeNear(truth, { rtol: 1e-12, atol: 1e-12 });
  expect(sumOfStreams(expansion)).toBeNear(truth, { rtol: 1e-12, atol: 1e-12 });
  const { sources, run: frozen, model: own } = expansion;
  const readout = logitReadout(reference, own, frozen, target);
  const [found] = await effects(reference, own, frozen, sources, [readout]);
  const sum = (found?.sources ?? []).flatMap(({ byDegree }) => byDegree);
  const said = run(reference, model, tokens, { sites: ["*.uncapped"] });
  const logits = said.trace.get("final.uncapped") ?? said.logits; // readouts are taken before a cap
  const { vocab } = model.architecture;
  const last = (tokens.length - 1) * vocab;
  const value = (logits.data[last + target.a] ?? 0) - (logits.data[last + target.b] ?? 0);
  expect(sum.reduce((a, b) => a + b, found?.constant ?? 0)).toBeNear(value, rounding);
}
