import { type Cpu, createCpu } from "@resolvent/cpu";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findCircuit,
  type PatchMethod,
  type PatchSetting,
  patchEffects,
  patchSetting,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5, 28];

describe.each(["gpt2", "gpt_neox", "llama", "qwen3", "gemma2", "transformer_lens-relu"])(
  "%s",
  (family) => {
    let engine: Cpu;
    let model: Awaited<ReturnType<typeof loadModel<ReturnType<Cpu["fill"]>>>>;
    beforeAll(async () => {
      engine = await createCpu({ precision: "f64", threads: 1 });
      model = await loadModel(engine, tinyModel(family), { hash: false });
      engine.free(run(engine, model, tokens).logits); // makes the tables that stay
    });
    afterAll(() => engine.close());

    /** What is still held when `body` has ended. */
    async function left(body: () => unknown): Promise<number> {
      const before = engine.memory.used;
      await body();
      return engine.memory.used - before;
    }

    test.each<[PatchMethod, PatchSetting["kind"]]>([
      ["exact", "edge"],
      ["exact", "node"],
      ["exact", "branch"],
      ["eap", "edge"],
      ["eap-ig", "edge"],
      ["eap-ig-activations", "edge"],
    ])("%s effects of each %s leave nothing behind", async (method, kind) => {
      const pairs = [{ clean: tokens, corrupt: [3, 4, 5, 6, 28] }];
      const mean = { kind: "mean", prompts: [[1, 2], [3]] } as const;
      for (const reference of [{ kind: "run" } as const, mean]) {
        const setting = patchSetting({ kind, level: "head", reference, direction: "noise" });
        const body = (): unknown => patchEffects(engine, model, pairs, setting, { method });
        expect(await left(body)).toBe(0);
        if (method === "eap-ig") {
          const other = patchSetting({ ...setting, measure: "kl" }); // which holds a distribution
          expect(await left(() => findCircuit(engine, model, pairs, other, { method }))).toBe(0);
        }
        if (kind !== "edge" || method === "exact") continue;
        expect(await left(() => findCircuit(engine, model, pairs, setting, { method }))).toBe(0);
      }
    });
  },
);
