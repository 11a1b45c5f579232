import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { expandPaths } from "../src/index.ts";

const tokens = [3, 17, 5, 5, 9];
const target = { a: 4, b: 9 };

test("of a model that caps its logits targets are before the cap, probabilities after it", async () => {
  const model = await loadModel(reference, tinyModel("gemma2", { seed: 7 }), { hash: false });
  const { logits, trace } = run(reference, model, tokens, { sites: ["final.uncapped"] });
  const lastOf = (data: ArrayLike<number> = []): number[] => Array.from(data).slice(-29);
  const [said, read] = [lastOf(logits.data), lastOf(trace.get("final.uncapped")?.data)];
  const difference = (row: readonly number[]): number => (row[4] ?? 0) - (row[9] ?? 0);
  const top = said.indexOf(Math.max(...said));
  const total = (row: readonly number[]): number => row.reduce((sum, x) => sum + Math.exp(x), 0);
  const probability = (row: readonly number[]): number => Math.exp(row[top] ?? 0) / total(row);
  // The cap tells the two apart.
  expect(Math.abs(difference(said) - difference(read))).toBeGreaterThan(0.01);
  expect(Math.abs(probability(said) - probability(read))).toBeGreaterThan(0.01);

  const found = await expandPaths(reference, model, tokens, { target, top: 3, verify: 1 });
  expect(found.total + found.constant).toBeNear(difference(read), { rtol: 1e-10 });
  expect(found.answer.value).toBeNear(difference(read), { rtol: 1e-12 });
  const [first] = found.answer.top;
  expect([first?.id, first?.logit]).toEqual([top, expect.closeTo(said[top] ?? Number.NaN, 12)]);
  expect(first?.probability).toBeNear(probability(said), { rtol: 1e-12 });
  const verified = found.shown[0]?.verified;
  expect(verified?.frozen).toBeNear(found.shown[0]?.effect ?? Number.NaN, { rtol: 1e-9 });
  const without = difference(read) - (verified?.frozen ?? Number.NaN);
  expect(verified?.without.frozen.value).toBeNear(without, { rtol: 1e-9 });
});
