import { expandScore } from "@resolvent/expansion";
import { type Claim, effects, logitReadout, topPaths, verify } from "@resolvent/paths";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { lateEngine } from "@resolvent/testkit/engines";
import { loadModel, type Model, run, targetReadout } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type CrossLayer,
  type CrossLayerTranscoder,
  type Dictionary,
  decodeCrossLayer,
  encode,
  featureReadout,
  parseSite,
  type SparseActivations,
  scoreParts,
  verifyFeature,
  withCrossLayer,
} from "../src/index.ts";
import { vectorsAt } from "../src/place.ts";
import { expectBalance, rounding, target, tokens } from "./balance.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const F = 8;
const all = tokens.map((_, at) => at);

function crossLayer(
  { architecture: { d_model: d, layers } }: Model<Tensor>,
  more: Partial<Dictionary<Tensor>> = {},
  form = "normed",
): CrossLayerTranscoder<Tensor> {
  const made = Array.from({ length: layers }, (_, i): CrossLayer<Tensor> => {
    const weights = {
      W_enc: numbers(d * F, 31 + i),
      W_dec: numbers(d * F, 41 + i),
      b_enc: numbers(F, 51 + i),
      b_dec: numbers(d, 61 + i),
    };
    const target = layers - i;
    const W_dec = reference.constant(
      { feature: F, target, d_out: d },
      numbers(F * target * d, 81 + i),
    );
    const sites = { input: parseSite(`L${i}.mlp.${form}`), output: parseSite(`L${i}.mlp.write`) };
    return { ...reluDictionary(reference, d, weights, { ...sites, ...more }), W_dec };
  });
  const rest = { zeroPositions: more.zeroPositions ?? [], trainedOn: {}, warnings: [] };
  return { name: "clt", layout: "circuit-tracer", features: F, d_out: d, layers: made, ...rest };
}

/**
 * MLP after MLP as the transcoder's own decoder has them, with `times` of what L0.attn writes: the target, what each MLP
 * lacks, and activations.
 */
async function naively(
  model: Model<Tensor>,
  transcoder: CrossLayerTranscoder<Tensor>,
  { times, errors }: { readonly times: number; readonly errors?: readonly Tensor[] },
) {
  const replace: Record<string, Tensor | ((x: Tensor) => Tensor)> = {
    "L0.attn.write": (x) => reference.scale(x, times),
  };
  const none: SparseActivations = {
    ...{ rows: all.length, features: F, starts: new Int32Array(all.length + 1) },
    ...{ indices: new Int32Array(), values: new Float64Array() },
  };
  const active = transcoder.layers.map(() => none);
  const lacking: Tensor[] = [];
  for (const [i, layer] of transcoder.layers.entries()) {
    const sites = [`L${i}.mlp.read`, `L${i}.mlp.write`];
    const { trace } = run(reference, model, tokens, { sites, replace });
    const [read, write] = sites.map((site) => trace.get(site)) as [Tensor, Tensor];
    if (layer.input === undefined) throw new Error("It has a place.");
    const x = vectorsAt(reference, model, layer.input, read, all, "d_in");
    active[i] = await encode(reference, layer, x);
    const outputs = decodeCrossLayer(reference, transcoder, active);
    const made = reference.rename(outputs[i] as Tensor, { row: "pos", d_out: "d_model" });
    lacking.push(reference.sub(write, made));
    replace[`L${i}.mlp.write`] = reference.add(made, errors?.[i] ?? lacking[i] ?? made);
  }
  const said = run(reference, model, tokens, { replace, sites: ["*.uncapped"] });
  const logits = said.trace.get("final.uncapped") ?? said.logits;
  const last = (tokens.length - 1) * model.architecture.vocab;
  const value = (logits.data[last + target.a] ?? 0) - (logits.data[last + target.b] ?? 0);
  return { value, lacking, active };
}

describe.each(["gpt2", "gpt_neox", "gemma2"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });
  const threshold = reference.constant(
    { feature: F },
    numbers(F, 5).map((x) => x * x),
  );

  test.each([
    ["relu", {}, "normed"],
    ["jumprelu", { activation: { kind: "jumprelu", threshold, rectified: false } }, "read"],
    ["topk", { activation: { kind: "topk", k: 3, rectified: false } }, "normalized"],
    ["the first is zero", { zeroPositions: [0] }, "normed"],
  ] as const)("features across layers, %s: all sums are the model", async (name, more, form) => {
    const model = await loading;
    const transcoder = crossLayer(model, more, form);
    await withCrossLayer(reference, model, tokens, transcoder, async (expansion) => {
      await expectBalance(model, expansion);
      const { model: own, run: frozen, sources, level, live } = expansion;
      const how = { sources, level, live };
      for (const claim of [
        { kind: "node", node: "L0.attn" },
        { kind: "node", node: "L0.attn", times: 3 },
        { kind: "node", node: "L0.F2" },
        { kind: "source", source: { name: "L1.mlp.error", position: null } },
        { kind: "source", source: { name: "L0.mlp.b_enc", position: 2 } },
        { kind: "edge", from: "L0.H1", to: "L0.mlp" },
        { kind: "edge", from: { name: "L0.mlp.error", position: null }, to: "L1.F1" },
      ] as const) {
        if (claim.kind === "edge" && claim.to === "L0.mlp" && model.architecture.parallel) continue;
        const verdict = await verify(reference, own, frozen, target, claim, how);
        expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
        if (claim.kind !== "node" || claim.node !== "L0.attn" || name.includes("zero")) continue;
        const times = "times" in claim ? claim.times : 0;
        const before = await naively(model, transcoder, { times: 1 });
        const after = await naively(model, transcoder, { times, errors: before.lacking });
        expect(verdict.live).toBeNear(before.value - after.value, rounding);
      }
    });
  });

  test("a feature is one node of degree 1, whatever layers it writes to", async () => {
    const model = await loading;
    const transcoder = crossLayer(model);
    const { active, lacking } = await naively(model, transcoder, { times: 1 });
    await withCrossLayer(reference, model, tokens, transcoder, async (expansion) => {
      const { model: own, run: frozen, sources, level, live } = expansion;
      const readout = logitReadout(reference, own, frozen, target);
      const found = await topPaths(reference, own, frozen, readout, {
        ...{ level, given: sources, top: 40 },
      });
      expect(found.exhaustive).toBe(true);
      expect(found.relativeError).toBeLessThan(1e-12);
      expect(found.enumeratedError).toBeLessThan(1e-12);
      for (const { source, nodes, effect } of found.shown) {
        const claim: Claim = { kind: "path", source, nodes };
        const verdict = await verify(reference, own, frozen, target, claim, {
          level,
          sources,
          live,
        });
        expect(verdict.predicted).toBeNear(effect, rounding);
        expect(verdict.frozen).toBeNear(effect, rounding);
      }
      // What a feature of layer 0 gives the end straight: its activation times all that it writes.
      const last = tokens.length - 1;
      const [first] = active as [SparseActivations];
      const entry = first.starts[last] ?? 0;
      const [feature = 0, value = 0] = [first.indices[entry], first.values[entry]];
      const W_dec = transcoder.layers[0]?.W_dec as Tensor;
      const row = reference.sum(reference.slice(W_dec, "feature", feature, feature + 1), [
        "feature",
      ]);
      const written = reference.rename(reference.sum(row, ["target"]), { d_out: "d_model" });
      const { residual } = run(reference, model, tokens);
      const { covector } = targetReadout(reference, model, residual, target);
      const [along = 0] = reference.matmul(written, covector, ["d_model"]).data;
      const claim: Claim = { kind: "edge", from: `L0.F${feature}`, to: "final" };
      const straight = await verify(reference, own, frozen, target, claim, {
        level,
        sources,
        live,
      });
      expect(straight.predicted).toBeNear(value * along, rounding);
      expect(value).toBeGreaterThan(0);
      // Errors are what the decoder lacks.
      const errors = sources.find(({ names }) => names.includes("L1.mlp.error"));
      const at = errors?.names.indexOf("L1.mlp.error") ?? -1;
      const { d_model: width } = model.architecture;
      const error = reference.slice(errors?.values as Tensor, "source", at, at + 1);
      const own1 = reference.sum(reference.slice(error, "d_model", 0, width), ["source"]);
      expect(own1).toBeNear(lacking[1] as Tensor, rounding);
    });
  });

  test("they are read by features and heads", async () => {
    const model = await loading;
    const transcoder = crossLayer(model);
    const { active } = await naively(model, transcoder, { times: 1 });
    await withCrossLayer(reference, model, tokens, transcoder, async (expansion) => {
      const position = tokens.length - 1;
      const second = active[1] as SparseActivations;
      const entry = second.starts[position] ?? 0;
      const [feature = 0, value = 0] = [second.indices[entry], second.values[entry]];
      const place = { layer: 1, feature, position };
      const readout = featureReadout(reference, expansion, place);
      const { model: own, run: frozen, sources, level } = expansion;
      const [found] = await effects(reference, own, frozen, sources, [readout]);
      const sum = (found?.sources ?? []).flatMap(({ byDegree }) => byDegree);
      expect(sum.reduce((a, b) => a + b, found?.constant ?? 0)).toBeNear(value, rounding);
      const change = { kind: "node", node: "L0.F1", times: 2 } as const;
      const verdict = await verifyFeature(reference, expansion, place, change);
      expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
      const at = { head: { layer: 1, head: 1 }, query: position, key: 1 };
      const whole = await expandScore(reference, model, tokens, { ...at, by: "block" });
      const before = [...own.stages].findIndex((stage) =>
        stage.some(({ name }) => name === "L1.attn"),
      );
      for (const by of [level, scoreParts(reference, expansion, before)]) {
        const score = await expandScore(reference, own, tokens, { ...at, by });
        expect(score.score).toBeNear(whole.score, { rtol: 1e-10, atol: 1e-12 });
        expect(score.certificate.relativeError).toBeLessThan(1e-12);
      }
    });
  });
});

test("what is not for every MLP is refused, and all that was made is freed", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const whole = crossLayer(model);
  const [first, second] = whole.layers as [CrossLayer<Tensor>, CrossLayer<Tensor>];
  const target = reference.slice(first.W_dec, "target", 0, 1);
  const nothing = (): Promise<void> => Promise.resolve();
  for (const layers of [[first], [second, first], [{ ...first, W_dec: target }, second]]) {
    const work = () => withCrossLayer(reference, model, tokens, { ...whole, layers }, nothing);
    expect(await codeOf(work)).toBe("dictionary/no-place");
  }
  const late = lateEngine();
  const here = await loadModel(late, tinyModel("gpt2"), { hash: false });
  const before = late.alive();
  const made = crossLayer(model);
  const on = (x: Tensor) => late.constant(x.shape, x.data);
  const encoder = { activation: { kind: "relu" }, normalization: { kind: "none" } } as const;
  const layers = made.layers.map(
    ({ W_enc, b_enc, W_dec, b_dec, features, d_in, input, output }) => ({
      ...{ ...encoder, features, d_in, ...(input && { input }), ...(output && { output }) },
      ...{
        W_enc: on(W_enc),
        W_dec: on(W_dec),
        b_dec: on(b_dec),
        ...(b_enc && { b_enc: on(b_enc) }),
      },
    }),
  );
  await withCrossLayer(late, here, tokens, { ...made, layers }, nothing);
  late.free(layers);
  expect(late.alive()).toBe(before);
});
