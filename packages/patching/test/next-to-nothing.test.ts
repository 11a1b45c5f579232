import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { findCircuit, patchSetting } from "../src/index.ts";

const tokens = [3, 17, 5, 28];
const other = [3, 9, 5, 11];
const codesOf = ({
  warnings,
}: {
  readonly warnings: readonly { readonly code: string }[];
}): string[] => warnings.map(({ code }) => code);

/** A tiny model whose weights of some names are changed. */
async function changed<T extends Shaped>(
  engine: Engine<T>,
  f: (weight: T, name: string) => T,
): Promise<Model<T>> {
  const model = await loadModel(engine, tinyModel("llama", { seed: 4 }), { hash: false });
  return mapWeights(model, f);
}

describe("a circuit whose faithfulness divides by next to nothing", () => {
  const setting = patchSetting({
    ...{ kind: "edge", level: "block", direction: "noise" },
    reference: { kind: "run" },
  });
  const target = { a: 4, b: 9 };
  const circuitOf = async (model: Model<Tensor>, pairs: Parameters<typeof findCircuit>[2]) =>
    await findCircuit(reference, model, pairs, setting, { sizes: [0.1, 0.5, 1] });
  /** Tokens 4 and 9 are told apart by this part of what tells them apart. */
  const near = (part: number): Promise<Model<Tensor>> =>
    changed(reference, (weight, name) => {
      if (name !== "final.W_U") return weight;
      const { vocab = 0 } = weight.shape;
      const from = (id: number): Tensor =>
        reference.take(weight, "vocab", { shape: { vocab: 1 }, data: Int32Array.of(id) });
      const columns = Array.from({ length: vocab }, (_, id) =>
        id === 4
          ? reference.add(from(9), reference.scale(reference.sub(from(4), from(9)), part))
          : from(id),
      );
      return reference.concat(columns, "vocab");
    });

  /** Token 1 is embedded as token 28, but for this part of what is between them. */
  const alike = (part: number): Promise<Model<Tensor>> =>
    changed(reference, (weight, name) => {
      if (name !== "embed.W_E") return weight;
      const { vocab = 0 } = weight.shape;
      const row = (id: number): Tensor =>
        reference.take(weight, "vocab", { shape: { vocab: 1 }, data: Int32Array.of(id) });
      const rows = Array.from({ length: vocab }, (_, id) =>
        id === 1
          ? reference.add(row(28), reference.scale(reference.sub(row(1), row(28)), part))
          : row(id),
      );
      return reference.concat(rows, "vocab");
    });
  const almost = [3, 17, 5, 1];

  test.each([
    ["logits that rounding tells apart", near(1e-15), [other]],
    ["a corrupt prompt that is the clean one to rounding", alike(1e-12), [almost]],
    ["a corrupt prompt that is nearly the clean one", alike(1e-5), [almost]],
    ["the same of two pairs", alike(1e-4), [almost, almost]],
  ])("has none: %s", async (_, model, corrupts) => {
    const pairs = corrupts.map((corrupt) => ({ clean: tokens, corrupt, target }));
    const result = await circuitOf(await model, pairs);
    expect(result.targetModel).not.toBe(result.targetEmpty);
    expect(result.sizes.map(({ faithfulness }) => faithfulness)).toEqual([null, null, null]);
    expect([result.cpr, result.cmd, codesOf(result)]).toEqual([null, null, ["no-faithfulness"]]);
    expect(result.warnings[0]?.message).toMatch(/next to nothing beside targets of up to/);
    expect(result.sizes.every((size) => Number.isFinite(size.value))).toBe(true);
  });

  test("one that divides by something has", async () => {
    for (const part of [1, 1e-3]) {
      const result = await circuitOf(await near(part), [{ clean: tokens, corrupt: other, target }]);
      expect(result.sizes.at(-1)?.faithfulness).toBeNear(1, { rtol: 1e-6 });
      expect(codesOf(result)).toEqual([]);
    }
    const result = await circuitOf(await alike(0.5), [{ clean: tokens, corrupt: almost, target }]);
    expect(result.sizes.at(-1)?.faithfulness).toBeNear(1, { rtol: 1e-6 });
  });
});
