import { cost, type Ops, priced, reference, sizeOf, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { loadModel, type Model, outlineModel, run } from "../src/index.ts";

const LENGTH = 530;
const tokens = Array.from({ length: LENGTH }, (_, i) => (i * 11 + 3) % 29);

/** Models that take long inputs: learned and rotary positions, grouped heads, a window, a cap of scores. */
const configs = {
  gpt2: { n_positions: 1024 },
  llama: { max_position_embeddings: 1024 },
  gemma2: { max_position_embeddings: 1024, sliding_window: 300 },
} as const;

describe.each(Object.entries(configs))("%s", (family, config) => {
  const files = tinyModel(family, config);
  const ofMixed = (sites: readonly string[], model: Model<Tensor>): readonly Tensor[] => {
    const { trace } = run(reference, model, tokens, { sites });
    return [...trace].flatMap(([site, value]) => (site.endsWith(".mixed") ? [value] : []));
  };

  test("what queries mix is the same block by block as with the whole pattern", async () => {
    const model = await loadModel(reference, files, { hash: false });
    const blocks = ofMixed(["*.mixed"], model);
    const whole = ofMixed(["*.mixed", "*.pattern"], model);
    expect(blocks).toHaveLength(model.architecture.layers);
    for (const [layer, value] of blocks.entries())
      expect(value).toBeNear(whole[layer] as Tensor, { rtol: 1e-12, atol: 1e-14 }); // as many
    const replaced = { "L0.attn.score": (x: Tensor): Tensor => reference.scale(x, 0) };
    const { logits } = run(reference, model, tokens, { replace: replaced });
    expect(logits.data).not.toEqual(run(reference, model, tokens).logits.data);
  });

  test("no operation makes a whole pattern, and fewer of what no query sees", async () => {
    const outline = await outlineModel(files);
    const work = (sites: readonly string[]): ReturnType<typeof priced> & { largest: number } => {
      let largest = 0;
      const total = priced("f32", (ops) => {
        const watching: Ops<ReturnType<typeof ops.fill>> = {
          ...ops,
          softmax: (a, ...rest) => {
            largest = Math.max(largest, 4 * sizeOf(a.shape));
            return ops.softmax(a, ...rest);
          },
        };
        run(watching, outline, tokens, { sites });
      });
      return { ...total, largest };
    };
    const [blocks, whole] = [work([]), work(["*.pattern"])];
    expect(whole.largest).toBe(4 * outline.architecture.heads * LENGTH ** 2);
    expect(blocks.largest).toBeLessThan(0.5 * whole.largest);
    expect(blocks.matmulFlops).toBeLessThan(whole.matmulFlops);
    expect(blocks.peakBytes).toBeLessThan(whole.peakBytes);
  });
});

test("short inputs are one block, whose scores and pattern are sites", async () => {
  const { trace } = run(cost(), await outlineModel(tinyModel("gpt2")), [1, 2, 3], { sites: ["*"] });
  expect(trace.has("L0.attn.pattern")).toBe(true);
});
