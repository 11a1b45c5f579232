import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import type { Model } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseEdge, expandScore, SPLITTINGS } from "../src/index.ts";
import { goldenModels, loadGolden } from "./golden.ts";

/** The field `qk` of the golden files; their `spec` defines it in words. */
interface GoldenScores {
  readonly prompts: readonly { readonly ids: readonly number[]; readonly qk: GoldenScore }[];
}

interface GoldenScore {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
  readonly attention_prob: number;
  readonly score: number;
  readonly centred_score: number;
  readonly sources: readonly string[];
  readonly matrix: readonly (readonly number[])[];
  readonly matrix_key_centred: readonly (readonly number[])[];
}

/** What the golden files call what is called otherwise here. */
const names: Readonly<Record<string, string>> = {
  "embed.token": "tok",
  "embed.position": "pos",
  constant: "const",
};

const rtol = 1e-9;

describeWithFixtures("the golden scores", (fixtures) => {
  agrees("in the float64 reference", async () => reference);
  agrees("on the cpu in float64", () => cpu());

  function agrees<T extends Shaped>(title: string, start: () => Promise<Engine<T>>): void {
    describe.each(goldenModels)(`${title}: %s`, (name) => {
      const { prompts } = fixtures.golden<GoldenScores>(name);
      let engine: Engine<T>;
      let model: Model<T>;
      beforeAll(async () => {
        engine = await start();
        model = await loadGolden(engine, fixtures, name);
      });
      afterAll(() => engine.free(model));
      describe.each(prompts.map((prompt, i) => [i, prompt] as const))("prompt %i", (_, prompt) => {
        const { ids, qk } = prompt;
        test("the head, the query and the key that are chosen", async () => {
          const { head, query, key } = await chooseEdge(engine, model, ids);
          expect([head.layer, head.head, query, key]).toEqual([
            qk.layer,
            qk.head,
            qk.query,
            qk.key,
          ]);
        });
        test("by block", async () => {
          const { layer, head, query, key } = qk;
          const found = await expandScore(engine, model, ids, {
            head: { layer, head },
            query,
            key,
          });
          const sources = qk.sources;
          expect(found.querySources.map((source) => names[source] ?? source)).toEqual(sources);
          expect(found.keySources).toEqual(found.querySources);
          expect(found.pattern).toBeNear(qk.attention_prob, { rtol });
          expect(found.score).toBeNear(qk.score, { rtol });
          expect(found.centredScore).toBeNear(qk.centred_score, { rtol });
          expect(found.matrix).toBeNear(qk.matrix, { rtol });
          expect(found.matrixKeyCentred).toBeNear(qk.matrix_key_centred, { rtol });
          expect(found.certificate.relativeError).toBeLessThan(1e-12);
        });
        test.each(SPLITTINGS)("by %s it adds up", async (by) => {
          const { layer, head, query, key } = qk;
          const choice = { head: { layer, head }, query, key, by };
          const found = await expandScore(engine, model, ids, choice);
          const sum = (rows: readonly (readonly number[])[]): number =>
            rows.flat().reduce((all, entry) => all + entry, 0);
          expect(found.score).toBeNear(qk.score, { rtol });
          expect(sum(found.matrix)).toBeNear(qk.score, { rtol });
          expect(sum(found.matrixKeyCentred)).toBeNear(qk.centred_score, { rtol });
          expect(found.certificate.relativeError).toBeLessThan(1e-12);
        });
      });
    });
  }
});

const started: { close(): Promise<void> }[] = [];

async function cpu(): ReturnType<typeof createCpu> {
  const engine = await createCpu({ precision: "f64", threads: 1 });
  started.push(engine);
  return engine;
}
afterAll(async () => {
  for (const engine of started) await engine.close();
});
