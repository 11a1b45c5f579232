import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import type { Model } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { interactions, interactionTerms } from "../src/index.ts";
import { goldenModels, loadGolden } from "./golden.ts";

/** What the golden files say about interactions of blocks. */
interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly moebius: {
      readonly order_norm: readonly number[];
      readonly order_norm_rel: readonly number[];
      readonly sum_of_term_norms_per_order: readonly number[];
      readonly relerr_cumulative: readonly number[];
      readonly singleton_norm: readonly number[];
      readonly order_last_row_first3: readonly (readonly number[])[];
      readonly top_interactions: readonly {
        readonly blocks: readonly string[];
        readonly norm: number;
      }[];
    };
  }[];
}

const started: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const engine of started) await engine.close();
});

describeWithFixtures("the golden interactions", (fixtures) => {
  agrees("in the float64 reference", async () => reference, goldenModels.slice(1));
  agrees(
    "on the cpu in float64",
    async () => {
      const engine = await createCpu({ precision: "f64", threads: 1 });
      started.push(engine);
      return engine;
    },
    goldenModels,
  );

  function agrees<T extends Shaped>(
    title: string,
    start: () => Promise<Engine<T>>,
    names: readonly string[],
  ): void {
    describe.each(names)(`${title}: %s`, (name) => {
      let engine: Engine<T>;
      let model: Model<T>;
      beforeAll(async () => {
        engine = await start();
        model = await loadGolden(engine, fixtures, name);
      });
      afterAll(() => engine.free(model));
      const each = { of: "each", rtol: 1e-8, atol: 0 } as const;

      test.each(fixtures.golden<Golden>(name).prompts.map((prompt, i) => [i, prompt] as const))(
        "prompt %i",
        async (_, { ids, moebius }) => {
          const found = await interactions(engine, model, ids);
          const { orders } = found;
          expect(orders.map(({ norm }) => norm)).toBeNear(moebius.order_norm, each);
          expect(orders.map((one) => one.relativeNorm)).toBeNear(moebius.order_norm_rel, each);
          expect(orders.map((one) => one.sumOfNorms)).toBeNear(
            moebius.sum_of_term_norms_per_order,
            each,
          );
          expect(orders.map((one) => one.cumulativeRelativeError)).toBeNear(
            moebius.relerr_cumulative,
            { of: "each", rtol: 1e-8, atol: 1e-12 },
          );
          expect(found.single).toBeNear(moebius.singleton_norm, each);
          expect(found.shown.map(({ players }) => players)).toEqual(
            moebius.top_interactions.map(({ blocks }) => blocks),
          );
          expect(found.shown.map(({ norm }) => norm)).toBeNear(
            moebius.top_interactions.map(({ norm }) => norm),
            each,
          );
          expect(found.remainder).toEqual({ relativeNorm: 0, from: "none" });
          expect(found.certificate.relativeError).toBeLessThan(1e-12);
          expect(found.warnings.map(({ code }) => code)).toEqual(
            Math.max(...moebius.order_norm_rel) > 3 ? ["cancellation"] : [],
          );

          const terms = await interactionTerms(engine, model, ids);
          const { d_model } = model.architecture;
          const last = terms.orders.map((order) => [...order.slice(-d_model)].slice(0, 3));
          last.forEach((row, k) => {
            expect(row).toBeNear(moebius.order_last_row_first3[k] ?? [], { rtol: 1e-8 });
          });
        },
      );
    });
  }
});
