import { tinyModel } from "@resolvent/testkit";
import { openCheckpoint } from "@resolvent/weights";
import { expect, test } from "vitest";
import { readJson, tensorLayout } from "../src/index.ts";

test.each(["gpt2", "llama-biased", "gemma3", "transformer_lens-gated"])(
  "the tensors of %s are those of its checkpoint",
  async (family) => {
    const folder = await tinyModel(family);
    const config = (await readJson(folder, "config.json")) ?? {};
    const checkpoint = await openCheckpoint(folder);
    const bare = (name: string): string =>
      layout.prefixes.reduce(
        (rest, prefix) => (rest.startsWith(prefix) ? rest.slice(prefix.length) : rest),
        name,
      );
    const layout = tensorLayout(config, checkpoint.has);
    const all = [
      ...layout.embed,
      ...Array.from(
        { length: layout.architecture.layers },
        (_, layer) => layout.layer(layer).tensors,
      ).flat(),
      ...layout.final,
    ];
    const stored = checkpoint.names.filter((name) => !layout.ignored(name));
    expect(all.map(({ name }) => name).sort()).toEqual(stored.map(bare).sort());
    for (const name of stored) {
      expect(all.find((place) => place.name === bare(name))?.shape, name).toEqual(
        checkpoint.info(name).shape,
      );
    }
  },
);

test("layers with another window have other settings", async () => {
  const config = (await readJson(tinyModel("gemma2"), "config.json")) ?? {};
  const { layer } = tensorLayout({ ...config, num_hidden_layers: 3, sliding_window: 4 });
  expect(layer(0).settings).not.toBe(layer(1).settings);
  expect(layer(0).settings).toBe(layer(2).settings);
});
