import { findCircuit, patchEffects, patchSetting } from "@resolvent/patching";
import { effects, logitReadout, topPaths, verify } from "@resolvent/paths";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { blocksOf, loadModel, type Model, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type Dictionary,
  evaluateDictionary,
  parseSite,
  reconstruct,
  virtualWeights,
  withDictionaries,
  withPromptModels,
} from "../src/index.ts";
import { positionsFor, splicedInto, vectorsAt } from "../src/place.ts";
import { expectBalance, rounding, target, tokens } from "./balance.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const F = 12;

/** An SAE of what heads mix in a layer, heads flattened, or of one of them. */
function ofMixed(
  { architecture: { heads, d_head } }: Model<Tensor>,
  layer: number,
  more: Partial<Dictionary<Tensor>> & { readonly head?: number } = {},
): Dictionary<Tensor> {
  const { head, ...rest } = more;
  const d = head === undefined ? heads * d_head : d_head;
  const place = parseSite(`L${layer}.attn.mixed${head === undefined ? "" : `.H${head}`}`);
  const weights = {
    W_enc: numbers(d * F, 71),
    W_dec: numbers(d * F, 72),
    b_enc: numbers(F, 73),
    b_dec: numbers(d, 74),
  };
  return reluDictionary(reference, d, weights, { input: place, output: place, ...rest });
}

const kinds: Readonly<Record<string, Parameters<typeof ofMixed>[2]>> = {
  "all heads": {},
  "one head": { head: 1 },
  "some positions": { zeroPositions: [0, 2] },
  "one head, topk, normalised": {
    ...{ head: 0, activation: { kind: "topk", k: 2, rectified: true } },
    normalization: { kind: "layer_norm" },
  },
};

describe.each(["gpt2", "llama-biased", "gemma2"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });

  test.each(Object.entries(kinds))(
    "sources of what heads mix, %s, are what their block writes",
    async (_name, more) => {
      const model = await loading;
      for (const layer of [0, 1]) {
        const sae = ofMixed(model, layer, more);
        await withDictionaries(reference, model, tokens, [sae], async (expansion) => {
          await expectBalance(model, expansion);
          const { sources, run: frozen, model: own, live, level } = expansion;
          const readout = logitReadout(reference, own, frozen, target);
          const [found] = await effects(reference, own, frozen, sources, [readout]);
          const start =
            sae.input?.head === undefined ? "L0.attn.mixed" : `L0.attn.mixed.H${sae.input.head}`;
          const prefix = start.replace("L0", `L${layer}`);
          const ours = (found?.sources ?? []).filter(({ name }) => name.startsWith(`${prefix}.`));
          expect(ours.every(({ byDegree }) => byDegree[0] === 0)).toBe(true);
          expect(ours.some(({ name, byDegree }) => /\.F\d+$/.test(name) && byDegree[1] !== 0)).toBe(
            true,
          );
          const group = sources.find(({ names }) => names.includes(`${prefix}.error`));
          for (const source of [
            { name: group?.names[0] ?? "", position: 3 },
            { name: `${prefix}.error`, position: null },
          ]) {
            const how = { sources, level, live };
            const claim = { kind: "source", source } as const;
            const verdict = await verify(reference, own, frozen, target, claim, how);
            expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
            if (source.position === null) expect(verdict.predicted).not.toBe(0);
          }
        });
      }
    },
  );

  test("without its error the block writes what the SAE gives back", async () => {
    const model = await loading;
    const block = blocksOf(model).find(({ name }) => name === "L1.attn");
    for (const more of [{}, { head: 1 }]) {
      const sae = ofMixed(model, 1, more);
      const { input } = sae;
      if (input === undefined) throw new Error("It has a place.");
      const { trace } = run(reference, model, tokens, { sites: ["L1.attn.*"] });
      const mixed = trace.get("L1.attn.mixed") as Tensor;
      const positions = positionsFor(sae, tokens.length);
      const x = vectorsAt(reference, model, input, mixed, positions, "d_in");
      const { output } = await reconstruct(reference, sae, x);
      const spliced = splicedInto(reference, input, mixed, positions, output);
      const sigma = trace.get("L1.attn.write_norm");
      const replace = {
        "L1.attn.mixed": spliced,
        ...(block?.writeNorm && sigma && { "L1.attn.write_norm": sigma }),
      };
      const sites = ["L1.attn.write"] as const;
      const without = run(reference, model, tokens, { sites, replace }).trace.get("L1.attn.write");
      const lost = reference.sub(trace.get("L1.attn.write") as Tensor, without as Tensor);
      await withDictionaries(reference, model, tokens, [sae], async ({ sources }) => {
        const group = sources.find(({ names }) => names.some((name) => name.endsWith(".error")));
        const at = group?.names.findIndex((name) => name.endsWith(".error")) ?? -1;
        const values = group?.values as Tensor;
        const error = reference.sum(reference.slice(values, "source", at, at + 1), ["source"]);
        expect(error).toBeNear(lost, rounding);
      });
    }
  });
});

describe("gemma2: what an MLP makes before a norm of what it writes", () => {
  const loading = loadModel(reference, tinyModel("gemma2"), { hash: false });
  const at = (model: Model<Tensor>, layer: number, input: string): Dictionary<Tensor> => {
    const d = model.architecture.d_model;
    const weights = {
      W_enc: numbers(d * F, 31 + layer),
      W_dec: numbers(d * F, 41 + layer),
      b_enc: numbers(F, 51 + layer),
      b_dec: numbers(d, 61 + layer),
    };
    const sites = { input: parseSite(input), output: parseSite(`L${layer}.mlp.out`) };
    const transcoder = input !== `L${layer}.mlp.out`;
    return reluDictionary(reference, d, weights, { ...sites, transcoder });
  };

  test("transcoders in its place balance, and pass the norm like the MLP", async () => {
    const model = await loading;
    const transcoders = [0, 1].map((layer) => at(model, layer, `L${layer}.mlp.normed`));
    for (const dictionaries of [transcoders, transcoders.slice(1)]) {
      await withDictionaries(reference, model, tokens, dictionaries, async (expansion) => {
        await expectBalance(model, expansion);
        const { sources, run: frozen, model: own, live, level } = expansion;
        const how = { sources, level, live };
        for (const claim of [
          { kind: "node", node: "L1.F3" },
          { kind: "node", node: "L0.attn", times: 2 },
          { kind: "source", source: { name: "L1.mlp.error", position: null } },
          { kind: "source", source: { name: "L1.mlp.b_enc", position: 4 } },
          { kind: "edge", from: "L0.H1", to: "L1.F3" },
        ] as const) {
          const verdict = await verify(reference, own, frozen, target, claim, how);
          expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
        }
        const readout = logitReadout(reference, own, frozen, target);
        const found = await topPaths(reference, own, frozen, readout, {
          ...{ level, given: sources, top: 10 },
        });
        expect(found.enumeratedError).toBeLessThan(1e-12);
      });
    }
    const corrupt = [3, 17, 8, 2, 9];
    await withPromptModels(reference, model, [tokens, corrupt], transcoders, async (made) => {
      const setting = patchSetting({
        ...{ kind: "edge", reference: { kind: "run" }, direction: "noise", level: made.level },
      });
      const pairs = [{ clean: tokens, corrupt, target }];
      const result = await patchEffects(reference, made.model, pairs, setting, { method: "eap" });
      expect(result.certificate?.relativeError).toBeLessThan(1e-12);
      const circuit = await findCircuit(reference, made.model, pairs, setting, { sizes: [1] });
      expect(circuit.sizes[0]?.value).toBeNear(result.targetClean, rounding);
      expect(circuit.targetEmpty).toBeNear(result.targetCorrupt ?? Number.NaN, rounding);
    });
  });

  test("an SAE of it cuts the block, and it is spliced there", async () => {
    const model = await loading;
    const sae = at(model, 1, "L1.mlp.out");
    await withDictionaries(reference, model, tokens, [sae], async (expansion) => {
      await expectBalance(model, expansion);
      const group = expansion.sources.find(({ names }) => names.includes("L1.mlp.out.b_dec"));
      expect(group?.degree).toBe(1);
    });
    const measured = await evaluateDictionary(reference, model, sae, [tokens]);
    expect(measured.loss.spliced).not.toBe(measured.loss.model);
    // Where a model has no such norm, what the MLP makes is what it writes.
    const plain = await loadModel(reference, tinyModel("gpt2"), { hash: false });
    const transcoder = at(plain, 1, "L1.mlp.normed");
    await withDictionaries(reference, plain, tokens, [transcoder], async (expansion) => {
      await expectBalance(plain, expansion);
    });
  });
});

test.each([
  ["gpt2", "L0.attn.mixed.H1"],
  ["llama-biased", "L0.attn.mixed"],
  ["gemma2", "L0.mlp.out"],
])(
  "%s: what features of %s write comes to the stream through what is behind them",
  async (family, at) => {
    const model = await loadModel(reference, tinyModel(family), { hash: false });
    const place = parseSite(at);
    const block = blocksOf(model).find(({ name }) => at.startsWith(`${name}.`));
    const { d_model, heads, d_head } = model.architecture;
    const widths: Readonly<Record<string, number>> = {
      ...{ "L0.attn.mixed.H1": d_head, "L0.attn.mixed": heads * d_head },
      "L0.mlp.out": d_model,
    };
    const d = widths[at] ?? 0;
    const sites = { input: place, output: place };
    const W_dec = numbers(d * F, 72);
    const from = reluDictionary(reference, d, { W_enc: numbers(d * F, 71), W_dec }, sites);
    const stream = parseSite("L1.mlp.after");
    const W_enc = numbers(d_model * F, 75);
    const to = reluDictionary(
      reference,
      d_model,
      { W_enc, W_dec: numbers(d_model * F, 76) },
      { input: stream, output: stream },
    );
    const row = W_dec.slice(3 * d, 4 * d);
    const W_O =
      block?.kind === "attn"
        ? reference.arrange(block.W_O, ["kv_head", "group", "d_head", "d_model"]).data
        : undefined;
    const first = (place.head ?? 0) * d_head;
    const written = Array.from({ length: d_model }, (_, j) =>
      W_O === undefined
        ? (row[j] ?? 0) * (block?.writeNorm?.scale?.data[j] ?? 1)
        : row.reduce((sum, x, i) => sum + x * (W_O[(first + i) * d_model + j] ?? 0), 0),
    );
    const naive = Array.from({ length: F }, (_, g) =>
      written.reduce((sum, x, j) => sum + x * (W_enc[j * F + g] ?? 0), 0),
    );
    const weights = virtualWeights(reference, model, from, to, { features: [3] });
    expect(reference.arrange(weights, ["from", "to"]).data).toBeNear(naive, rounding);
  },
);

test("one block is cut once", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const two = [ofMixed(model, 1, { head: 0 }), ofMixed(model, 1, { head: 1 })];
  const work = (): Promise<void> =>
    withDictionaries(reference, model, tokens, two, () => Promise.resolve());
  expect(await codeOf(work)).toBe("dictionary/two-places");
});
