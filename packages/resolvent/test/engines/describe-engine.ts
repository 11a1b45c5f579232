import { engineAccuracy, reference } from "@resolvent/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyEngine } from "../../src/index.ts";
import { coreNumbers, families } from "./core-numbers.ts";

/** In milliseconds: kernels are compiled, and adapters may compute on the processor. */
const TIMEOUT = 240_000;

type Family = (typeof families)[number];

/** The numbers of the reference, computed once for all engines of a file. */
const ofReference = new Map<Family, ReturnType<typeof coreNumbers>>();

/** Tests that all that is computed of models of some families has, on an engine, the numbers of the reference. */
export function describeEngine(
  name: keyof typeof engineAccuracy,
  open: () => Promise<AnyEngine>,
  on: readonly Family[] = families,
): void {
  const { result: rtol } = engineAccuracy[name];
  describe(`${name}, to ${rtol}`, () => {
    let engine: AnyEngine;
    /** Families that have been through it: tables of theirs that stay are made. */
    const done = new Set<Family>();
    const numbersOf = async (family: Family): ReturnType<typeof coreNumbers> => {
      const numbers = await coreNumbers(engine, family);
      done.add(family);
      return numbers;
    };
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => await engine.close());

    test.each(on)(
      "everything of a %s model has the numbers of the reference",
      async (family) => {
        const expecting = ofReference.get(family) ?? coreNumbers(reference, family);
        ofReference.set(family, expecting);
        const [got, expected] = [await numbersOf(family), await expecting];
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
        if (!done.has(family)) await numbersOf(family);
        const { used } = engine.memory ?? {};
        expect(used).toBeGreaterThan(0);
        await numbersOf(family);
        expect(engine.memory?.used).toBe(used);
      },
      TIMEOUT,
    );
  });
}
