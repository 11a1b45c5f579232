import { engineAccuracy, reference } from "@resolvent/tensor";
import { describeConformance, lateEngine } from "@resolvent/testkit/engines";
import { describe, expect, test } from "vitest";

const { primitive: tolerance } = engineAccuracy.reference;
describeConformance("reference", async () => reference, { tolerance, calls: 10 });

const late = lateEngine();
describeConformance("late", async () => late, { tolerance, calls: 10 });

describe("the late engine", () => {
  test("shows nothing of its values but their shapes, and answers later", async () => {
    const engine = lateEngine();
    const a = engine.constant({ x: 2 }, [3, 4]);
    expect(Object.keys(a)).toEqual(["shape"]);
    let there = false;
    const answer = Promise.resolve(engine.read(a)).then(({ data }) => {
      there = true;
      return data;
    });
    await Promise.resolve();
    expect(there).toBe(false);
    engine.free(a); // it was asked for before
    expect(await answer).toEqual(Float64Array.of(3, 4));
    expect(engine.alive()).toBe(0);
  });

  test("refuses what was freed, and what is not its own", async () => {
    const engine = lateEngine();
    const a = engine.fill({ x: 1 }, 1);
    const made = [a];
    const kept = engine.scope(() => {
      const lost = engine.exp(a);
      made.push(lost);
      return { inside: [engine.add(lost, lost)] };
    });
    expect(engine.alive()).toBe(2);
    expect(() => made.map((one) => engine.exp(one))).toThrow("after it was freed");
    engine.free(kept);
    expect(() => engine.read(kept.inside[0] ?? a)).toThrow("after it was freed");
    await expect(engine.top(kept.inside[0] ?? a, "x", 1)).rejects.toThrow("after it was freed");
    expect(() => lateEngine().exp(a)).toThrow("of another interpreter");
  });
});
