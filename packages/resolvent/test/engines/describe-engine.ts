import { reference } from "@resolvent/tensor";
import { engineAccuracy, type TestedEngine } from "@resolvent/testkit/engines";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyEngine } from "../../src/index.ts";
import { coreNumbers, families } from "./core-numbers.ts";

/** Tests that all that is computed of a model has, on an engine, the numbers of the reference. */
export function describeEngine(name: TestedEngine, open: () => Promise<AnyEngine>): void {
  const { result: rtol, why } = engineAccuracy[name];
  describe(`${name}, to ${rtol}: ${why}`, () => {
    let engine: AnyEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => await engine.close());

    test.each(families)(
      "everything of a %s model has the numbers of the reference",
      async (family) => {
        const [got, expected] = [
          await coreNumbers(engine, family),
          await coreNumbers(reference, family),
        ];
        expect(Object.keys(got)).toEqual(Object.keys(expected));
        for (const [what, numbers] of Object.entries(expected))
          expect(got[what], what).toBeNear(numbers, { rtol });
      },
    );

    test("nothing of it stays in memory", async () => {
      await coreNumbers(engine, "gpt2"); // makes the tables that stay
      const before = engine.memory?.used;
      await coreNumbers(engine, "gpt2");
      expect(engine.memory?.used).toBe(before);
    });
  });
}
