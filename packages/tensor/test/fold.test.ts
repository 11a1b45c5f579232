import { expect, test } from "vitest";
import { cost, foldOver, type Ops, type Priced, reference, type Shaped } from "../src/index.ts";

test("goes from state to state", () => {
  const start = reference.fill({ x: 2 }, 1);
  const end = foldOver(reference, [2, 3, 4], start, (a, factor) => reference.scale(a, factor));
  expect(Array.from(end.data)).toEqual([24, 24]);
  expect(foldOver(reference, [], start, () => expect.fail("no item"))).toBe(start);
});

test("holds two states at most, and what a step makes", () => {
  const peak = (count: number): number => {
    const ops = cost();
    ops.scope(() => {
      const items = Array.from({ length: count }, (_, i) => i);
      const start = ops.fill({ x: 100 }, 0);
      return foldOver(ops, items, start, (a) => ops.scale(ops.exp(a), 2));
    });
    return ops.total().peakBytes;
  };
  expect(peak(1)).toBe(3 * 400);
  expect(peak(50)).toBe(peak(1));
});

test("keeps what the next state has of the one before", () => {
  const freed: Shaped[] = [];
  const ops: Ops<Priced> = { ...cost(), free: (value) => void freed.push(...(value as Priced[])) };
  const kept = ops.fill({ x: 3 }, 1);
  const first = ops.fill({ x: 5 }, 1);
  const end = foldOver(ops, [0, 1], { kept, own: [first] }, (state) => ({
    ...state,
    own: [ops.exp(state.own[0] as Priced)], // one
  }));
  expect(end.kept).toBe(kept);
  expect(freed).toHaveLength(2);
  expect(freed[0]).toBe(first);
  expect(freed).not.toContain(kept);
});
