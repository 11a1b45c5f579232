import { engineAccuracy, reference } from "@resolvent/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyEngine } from "../../src/index.ts";
import { coreNumbers, families } from "./core-numbers.ts";

/** In milliseconds: kernels are compiled, and adapters may compute on the processor. */
const TIMEOUT = 240_000;

/** Tests that all that is computed of models of some families has, on an engine, the numbers of the reference. */
export function describeEngine(
  name: keyof typeof engineAccuracy,
  open: () => Promise<AnyEngine>,
  on: readonly (typeof families)[number][] = families,
): void {
  const { result: rtol, why } = engineAccuracy[name];
  describe(`${name}, to ${rtol}: ${why}`, () => {
    let engine: AnyEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => await engine.close());

    test.each(on)(
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
      TIMEOUT,
    );

    // The others leave it to JavaScript to free their numbers.
    test.runIf(/cpu|webgpu/.test(name))(
      "nothing of it stays in memory",
      async () => {
        const [family = "gpt2"] = on;
        await coreNumbers(engine, family); // makes the tables that stay
        const { used } = engine.memory ?? {};
        expect(used).toBeGreaterThan(0);
        await coreNumbers(engine, family);
        expect(engine.memory?.used).toBe(used);
      },
      TIMEOUT,
    );
  });
}
