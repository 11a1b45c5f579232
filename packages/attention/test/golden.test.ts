import { type Cpu, createCpu } from "@resolvent/cpu";
import type { LinearAlgebra } from "@resolvent/tensor";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel, type Model } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  attentionFactors,
  COMPOSITION_KINDS,
  composition,
  compositionScore,
  copying,
  cyclicFormsOf,
  eigenvaluesOf,
  headScores,
  ovCircuit,
  processingFor,
  RAW,
  repeatedSequences,
} from "../src/index.ts";
import { type GoldenHeads, goldenModels } from "./golden.ts";

const near = { rtol: 1e-8 };

describeWithFixtures("the golden head tables", (fixtures) => {
  agrees("in the float64 reference", async () => reference);
  agrees("on the cpu in float64", async () => cpu);

  let cpu: Cpu;
  let linear: LinearAlgebra;
  beforeAll(async () => {
    cpu = await createCpu({ precision: "f64", threads: 1 });
    linear = await cpu.linearAlgebra();
  });
  afterAll(() => cpu.close());

  function agrees<T extends Shaped>(title: string, start: () => Promise<Engine<T>>): void {
    describe.each(goldenModels)(`${title}: %s`, (name) => {
      const { attention_static: golden, head_scores } = fixtures.golden<GoldenHeads>(name);
      let engine: Engine<T>;
      let model: Model<T>;
      beforeAll(async () => {
        engine = await start();
        model = await loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
      });
      afterAll(() => engine.free(model));

      test.each([
        ["folded", {}],
        ["raw", RAW],
      ] as const)("copying scores, %s", async (weights, options) => {
        const processing = processingFor(model, options);
        const factors = attentionFactors(engine, model, processing);
        const found = await copying(engine, linear, factors, { model, processing });
        engine.free(factors);
        expect(found.residual).toBeNear(golden.ov_copying_residual[weights], near);
        expect(found.embedding).toBeNear(golden.ov_copying_embedding[weights], near);
        if (weights === "folded") {
          const centred = golden.ov_copying_embedding.folded_vocab_centred;
          expect(found.embeddingCentred).toBeNear(centred, near);
        }
      });

      test("eigenvalues of the last layer's head 0", () => {
        const { re, im } = golden.eigs_last_layer_head0_folded_residual;
        const circuit = ovCircuit(engine, model, { layer: model.architecture.layers - 1, head: 0 });
        const { residual } = cyclicFormsOf(engine, model, circuit, processingFor(model));
        const form = engine.read(residual);
        if (form instanceof Promise) throw new Error("These engines answer at once.");
        const found = eigenvaluesOf(linear, form);
        const sorted = (values: readonly (readonly [number, number])[]): number[] =>
          values.toSorted(([a, b], [c, d]) => a - c || b - d).flat();
        expect(sorted(found.map((value) => [value.re, value.im]))).toBeNear(
          sorted(re.map((value, i) => [value, im[i] ?? Number.NaN])),
          near,
        );
      });

      // A model of one layer has no pairs of heads.
      const weightings = golden.composition === undefined ? [] : (["folded", "raw"] as const);
      test.each(weightings)("composition, %s", async (weights) => {
        const options = weights === "raw" ? RAW : {};
        const factors = attentionFactors(engine, model, processingFor(model, options));
        const found = await composition(engine, linear, factors);
        engine.free(factors);
        for (const kind of COMPOSITION_KINDS) {
          const letter = ({ query: "Q", key: "K", value: "V" } as const)[kind];
          for (const [pair, table] of Object.entries(golden.composition?.[weights][letter] ?? {})) {
            const [from = Number.NaN, to = Number.NaN] = pair.split("->").map(Number);
            const own = table.map((row, head) =>
              row.map((_, at) =>
                compositionScore(found, kind, { layer: from, head }, { layer: to, head: at }),
              ),
            );
            expect(own).toBeNear(table, near);
          }
        }
      });

      if ("skipped" in head_scores) {
        test("no room for repeated tokens", () => expect(repeatedSequences(model)).toBeUndefined());
        return;
      }
      test("scores of runs", async () => {
        const { rep_len, bos, seed, sequences } = head_scores;
        const found = await headScores(engine, model, { length: rep_len, bos, seed, sequences });
        expect(found.previousToken).toBeNear(head_scores.previous_token, near);
        expect(found.duplicateToken).toBeNear(head_scores.duplicate_token, near);
        expect(found.induction).toBeNear(head_scores.induction, near);
      });
    });
  }
});
