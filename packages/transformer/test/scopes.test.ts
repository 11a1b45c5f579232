import { axesOf, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { blocksOf, generate, loadModel, type Model, mapWeights, run } from "../src/index.ts";
import { type StrictEngine, strict } from "./strict.ts";
import { TOKENS, tiny } from "./tiny.ts";

function weightsOf(model: Model<Tensor>): Set<Tensor> {
  const weights = new Set<Tensor>();
  mapWeights(model, (weight) => {
    weights.add(weight);
    return weight;
  });
  return weights;
}

async function loaded(family: string): Promise<{ engine: StrictEngine; model: Model<Tensor> }> {
  const engine = strict();
  return { engine, model: await loadModel(engine, tinyModel(family)) };
}

describe.each(tinyFamilies)("on an engine that owns its memory, %s", (family) => {
  test("keeps of loading its weights and nothing else", async () => {
    const { engine, model } = await loaded(family);
    expect(weightsOf(model)).toEqual(weightsOf(await tiny(family)));
    expect(engine.live()).toBe(weightsOf(model).size);
  });

  test("keeps of a run its results and nothing else", async () => {
    const { engine, model } = await loaded(family);
    const before = engine.live();
    const plain = run(engine, model, TOKENS);
    expect(plain.logits).toEqual(run(reference, await tiny(family), TOKENS).logits);
    expect(engine.live()).toBe(before + 2);
    engine.free(plain);
    expect(engine.live()).toBe(before);
  });

  test("keeps what is recorded, whole", async () => {
    const { engine, model } = await loaded(family);
    const before = engine.live();
    const { trace, residual, logits } = run(engine, model, TOKENS, { sites: ["*"] });
    const expected = run(reference, await tiny(family), TOKENS, { sites: ["*"] });
    expect([...trace.keys()]).toEqual([...expected.trace.keys()]);
    for (const [site, value] of trace) expect(value, site).toEqual(expected.trace.get(site));
    const kept = new Set([...trace.values(), residual, logits]);
    expect(engine.live()).toBe(before + kept.size);
  });

  test("replaced values are not freed: they may be used again", async () => {
    const { engine, model } = await loaded(family);
    const { trace, logits } = run(engine, model, TOKENS, { sites: ["*.pattern", "*.norm"] });
    const replace = Object.fromEntries(trace);
    const before = engine.live();
    for (const _ of [1, 2]) {
      const again = run(engine, model, TOKENS, { replace, sites: ["*.after"] });
      expect(again.logits).toEqual(logits);
      engine.free([again.logits, again.trace]); // the last of them is the residual stream
    }
    expect(engine.live()).toBe(before);
  });

  test("frees everything that generation kept, at its end and when its reader stops", async () => {
    const { engine, model } = await loaded(family);
    const plain = await tiny(family);
    const before = engine.live();
    for (const most of [6, 3]) {
      const [ids, expected]: [number[], number[]] = [[], []];
      for await (const id of generate(engine, model, TOKENS, { maxTokens: 6, stop: [] })) {
        ids.push(id);
        if (ids.length === most) break;
      }
      for await (const id of generate(reference, plain, TOKENS, { maxTokens: most, stop: [] })) {
        expected.push(id);
      }
      expect(ids).toEqual(expected);
      expect(engine.live()).toBe(before);
    }
  });
});

test("generation keeps one key and one value for each attention block", async () => {
  const { engine, model } = await loaded("mistral");
  const before = engine.live();
  const blocks = blocksOf(model).filter(({ kind }) => kind === "attn").length;
  for await (const _ of generate(engine, model, TOKENS, { maxTokens: 5, stop: [] })) {
    expect(engine.live()).toBe(before + 2 * blocks);
  }
});

test("the strict engine notices what is used after its end", () => {
  const engine = strict();
  const a = engine.fill({ pos: 2 }, 1);
  const lost: Tensor[] = [];
  const kept = engine.scope(() => {
    const inner = engine.scale(a, 2);
    lost.push(inner);
    const shown = engine.rename(engine.scale(a, 3), { pos: "row" });
    return { shown };
  });
  expect(axesOf(kept.shown.shape)).toEqual(["row"]);
  expect(Array.from(kept.shown.data)).toEqual([3, 3]);
  expect(lost[0]?.data).toEqual(new Float64Array([Number.NaN, Number.NaN]));
  expect(() => engine.add(a, lost[0] as Tensor)).toThrow(/after it was freed/);
  engine.free(kept);
  expect(() => engine.read(kept.shown)).toThrow(/after it was freed/);
  expect(engine.live()).toBe(1);
});
