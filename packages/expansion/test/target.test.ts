import { namedTarget, targetText } from "@resolvent/analysis";
import { reference, type Shape, tensor } from "@resolvent/tensor";
import { describeWithFixtures, tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  likeliestTarget,
  loadModel,
  plainSites,
  run,
  type Target,
  targetReadout,
  targetValue,
  uncappedLogits,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { goldenModels, loadGolden } from "./golden.ts";

const tokens = [3, 17, 5, 5];
const number = (a: { data: ArrayLike<number> }): number => a.data[0] ?? Number.NaN;
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);

describe.each(tinyFamilies)("%s", (family) => {
  test.each([
    { a: 4, b: 9 },
    { a: 4, b: null },
  ])("the readout of %o is the logits'", async (target) => {
    const model = await loadModel(reference, tinyModel(family), { hash: false });
    const { residual } = run(reference, model, tokens);
    const logits = uncappedLogits(reference, model, residual, plainSites());
    const { covector, constant } = targetReadout(reference, model, residual, target);
    const width = model.architecture.d_model;
    const value = dot(covector.data, residual.data.slice(-width)) + number(constant);
    const row = logits.data.slice(-model.architecture.vocab);
    const truth = (row[4] ?? 0) - (target.b === null ? 0 : (row[9] ?? 0));
    expect(number(targetValue(reference, logits, target))).toBeNear(truth, { rtol: 1e-12 });
    expect(value).toBeNear(truth, { rtol: 1e-10 });
  });
});

test("the likeliest two are those of the last position, the first of equal ones first", async () => {
  const of = (shape: Shape, data: readonly number[]): Promise<Target> =>
    likeliestTarget(reference, tensor(shape, data));
  const rows = [9, 1, 2, 0, 1, 5, 3, 5];
  expect(await of({ pos: 2, vocab: 4 }, rows)).toEqual({ a: 1, b: 3 });
  const columns = [9, 1, 1, 5, 2, 3, 0, 5];
  expect(await of({ vocab: 4, pos: 2 }, columns)).toEqual({ a: 1, b: 3 });
  expect(await of({ pos: 1, vocab: 1 }, [2])).toEqual({ a: 0, b: null });
  expect(rows).toEqual([9, 1, 2, 0, 1, 5, 3, 5]);
});

test("words name targets", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const vocabulary = { tokenId: Number };
  expect(namedTarget(model, ["4", "9"], vocabulary)).toEqual({ a: 4, b: 9 });
  expect(namedTarget(model, ["4"], vocabulary)).toEqual({ a: 4, b: null });
  for (const words of [[], ["4", "4"], ["1", "2", "3"], ["1", "99999"]]) {
    expect(() => namedTarget(model, words, vocabulary)).toThrow(
      expect.objectContaining({ code: "analysis/bad-target" }),
    );
  }
  expect(targetText({ a: 4, b: 9 }, (id) => ` ${id}`)).toBe('logit " 4" − " 9"');
  expect(targetText({ a: 4, b: null }, String)).toBe('logit "4"');
});

describeWithFixtures("the golden targets", (fixtures) => {
  test.each(goldenModels)("%s", async (name) => {
    const { prompts } = fixtures.golden<{
      prompts: { ids: number[]; target: { a: number; b: number; value: number; const: number } }[];
    }>(name);
    const model = await loadGolden(reference, fixtures, name);
    for (const { ids, target } of prompts) {
      const { residual, logits } = run(reference, model, ids);
      const { a, b, value } = target;
      expect(await likeliestTarget(reference, logits)).toEqual({ a, b });
      expect(number(targetValue(reference, logits, { a, b }))).toBeNear(value, { rtol: 1e-9 });
      const { constant } = targetReadout(reference, model, residual, { a, b });
      expect(number(constant)).toBeNear(target.const, { rtol: 1e-9 });
    }
  });
});
