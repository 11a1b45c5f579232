import { expandScore, interactions } from "@resolvent/expansion";
import { type Claim, effects, logitReadout, topPaths, verify } from "@resolvent/paths";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import {
  blocksOf,
  frozenAt,
  loadModel,
  type Model,
  nodesOf,
  nodeWrite,
  run,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type Activation,
  type Dictionary,
  type DictionaryRun,
  featureReadout,
  parseSite,
  reconstruct,
  verifyFeature,
  virtualLogits,
  virtualWeights,
  withDictionaries,
} from "../src/index.ts";
import { positionsFor, vectorsAt } from "../src/place.ts";
import { expectBalance, rounding, target, tokens } from "./balance.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const F = 12;
const vector = (seed: number, scale = 1): Tensor =>
  reference.constant(
    { feature: F },
    numbers(F, seed).map((x) => scale * x),
  );
const positive = (seed: number): Tensor =>
  reference.constant(
    { feature: F },
    numbers(F, seed).map((x) => 0.2 + x * x),
  );

/** Every activation that is an active set. */
const activations: Readonly<Record<string, Partial<Dictionary<Tensor>>>> = {
  relu: {},
  jumprelu: { activation: { kind: "jumprelu", threshold: positive(5), rectified: false } },
  "jumprelu below 0": { activation: { kind: "jumprelu", threshold: vector(6), rectified: true } },
  topk: { activation: { kind: "topk", k: 3, rectified: true } },
  "topk, also below 0": { activation: { kind: "topk", k: 9, rectified: false } },
  groupmax: { activation: { kind: "groupmax", groups: 4 } },
  gated: {
    activation: { kind: "gated", b_gate: vector(7), b_mag: vector(8), r_mag: vector(9, 0.3) },
  },
  norms: { norms: positive(10), scale: positive(11) },
  factor: { normalization: { kind: "expected_average_only_in", factor: 0.7 } },
  centred: { centred: true },
  "tanh-relu": { activation: { kind: "tanh-relu" } },
};

/** What each input vector is divided by: a gate. */
const normalised: Readonly<Record<string, Partial<Dictionary<Tensor>>>> = {
  layer_norm: { normalization: { kind: "layer_norm" } },
  constant_norm_rescale: { normalization: { kind: "constant_norm_rescale" } },
  "constant_norm_rescale, centred": {
    ...{ normalization: { kind: "constant_norm_rescale" }, centred: true },
  },
  "layer_norm, bent": {
    ...{ normalization: { kind: "layer_norm" }, activation: { kind: "tanh-relu" } },
  },
};

function made(
  d: number,
  seed: number,
  input: string,
  output: string,
  more: Partial<Dictionary<Tensor>> = {},
): Dictionary<Tensor> {
  const weights = {
    W_enc: numbers(d * F, seed),
    W_dec: numbers(d * F, seed + 1),
    b_enc: numbers(F, seed + 2),
    b_dec: numbers(d, seed + 3),
  };
  return reluDictionary(reference, d, weights, {
    input: parseSite(input),
    output: parseSite(output),
    transcoder: input !== output,
    name: `${input} to ${output}`,
    ...more,
  });
}

const transcoders = (
  model: Model<Tensor>,
  more: Partial<Dictionary<Tensor>> = {},
  form = "normed",
): Dictionary<Tensor>[] =>
  [0, 1].map((layer) =>
    made(
      model.architecture.d_model,
      31 + layer,
      `L${layer}.mlp.${form}`,
      `L${layer}.mlp.write`,
      more,
    ),
  );

describe.each(["gpt2", "llama-biased", "gpt_neox"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });

  test.each(Object.entries(activations))(
    "transcoders of %s replace MLPs, and all sums are the model",
    async (_name, more) => {
      const model = await loading;
      const d = model.architecture.d_model;
      const subtracted = reference.constant({ d_in: d }, numbers(d, 77));
      const W_skip = reference.constant({ d_in: d, d_out: d }, numbers(d * d, 78));
      for (const dictionaries of [
        transcoders(model, more),
        transcoders(model, { ...more, subtracted }, "normalized"),
        transcoders(model, { ...more, W_skip }, "read"),
        transcoders(model, { ...more, W_skip, zeroPositions: [0, -1] }),
      ]) {
        await withDictionaries(reference, model, tokens, dictionaries, async (expansion) => {
          await expectBalance(model, expansion);
          for (const dictionary of dictionaries) {
            await expectFeatures(model, expansion, dictionary);
          }
        });
      }
    },
  );

  test.each(Object.entries(normalised))(
    "transcoders that normalise by %s, and all sums are the model",
    async (_name, more) => {
      const model = await loading;
      const d = model.architecture.d_model;
      const subtracted = reference.constant({ d_in: d }, numbers(d, 77));
      for (const dictionaries of [
        transcoders(model, { ...more, subtracted }),
        transcoders(model, { ...more, zeroPositions: [0] }, "read"),
      ]) {
        await withDictionaries(reference, model, tokens, dictionaries, async (expansion) => {
          await expectBalance(model, expansion);
          for (const dictionary of dictionaries) {
            await expectFeatures(model, expansion, dictionary);
          }
          await expectChecked(expansion);
        });
      }
    },
  );

  test.each(["topk", "groupmax", "tanh-relu", "gated"])(
    "live runs choose anew what is active: %s",
    async (name) => {
      const model = await loading;
      const all = transcoders(model, activations[name]);
      for (const dictionaries of [all, all.slice(0, 1)]) {
        await withDictionaries(reference, model, tokens, dictionaries, async (expansion) => {
          const { model: own, run: frozen, sources, level, live } = expansion;
          for (const times of [0, 4]) {
            const claim: Claim = { kind: "node", node: "L0.attn", times };
            const how = { level, sources, live };
            const verdict = await verify(reference, own, frozen, target, claim, how);
            const naive = await liveNaively(model, dictionaries, times);
            expect(verdict.live).toBeNear(naive, rounding);
            expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
          }
        });
      }
    },
  );

  test("paths go through features, and are what the frozen model loses without them", async () => {
    const model = await loading;
    const { activation } = activations.jumprelu as { activation: Activation<Tensor> };
    for (const dictionaries of [
      transcoders(model, { activation }),
      transcoders(model).slice(1), // the other MLP stays whole
    ]) {
      await withDictionaries(reference, model, tokens, dictionaries, async (expansion) => {
        const { model: own, run: frozen, sources, level, live } = expansion;
        const readout = logitReadout(reference, own, frozen, target);
        const found = await topPaths(reference, own, frozen, readout, {
          ...{ level, given: sources, top: 60 },
        });
        expect(found.level).toBe("feature");
        expect(found.exhaustive).toBe(true);
        expect(found.relativeError).toBeLessThan(1e-12);
        expect(found.enumeratedError).toBeLessThan(1e-12);
        const names = found.shown.flatMap(({ nodes }) => nodes);
        expect(names.some((name) => /^L1\.F\d+$/.test(name))).toBe(true);
        const how = { level, sources, live };
        for (const { source, nodes, effect } of found.shown) {
          const claim: Claim = { kind: "path", source, nodes };
          const verdict = await verify(reference, own, frozen, target, claim, how);
          expect(verdict.predicted).toBeNear(effect, rounding);
          expect(verdict.frozen).toBeNear(effect, rounding);
        }
      });
    }
  });

  test("nodes and sources are taken away, and steered", async () => {
    const model = await loading;
    const d = model.architecture.d_model;
    const sae = made(d, 55, "L0.attn.write", "L0.attn.write");
    await withDictionaries(
      reference,
      model,
      tokens,
      [...transcoders(model), sae],
      async (expansion) => {
        const { model: own, run: frozen, sources, level, live } = expansion;
        await expectBalance(model, expansion);
        const active = activeFeature(expansion, 1);
        const position = tokens.length - 1;
        const check = (claim: Claim) =>
          verify(reference, own, frozen, target, claim, { level, sources, live });
        const claims: Claim[] = [
          { kind: "node", node: active },
          { kind: "node", node: "L1.H1", position },
          { kind: "source", source: { name: "L0.attn.write.error", position: null } },
          { kind: "source", source: { name: "L0.attn.write.F0", position: 1 } },
          { kind: "source", source: { name: "L1.mlp.b_enc", position } },
          { kind: "edge", from: activeFeature(expansion, 0), to: "final" },
          { kind: "edge", from: { name: "L0.mlp.error", position: null }, to: active },
        ];
        for (const claim of claims) {
          const { predicted, frozen: measured, live: anew } = await check(claim);
          expect(measured, JSON.stringify(claim)).toBeNear(predicted, rounding);
          expect(Number.isFinite(anew)).toBe(true);
          if (claim.kind !== "node" && claim.kind !== "source") continue;
          const tripled = await check({ ...claim, times: 3 });
          expect(tripled.predicted).toBeNear(-2 * predicted, rounding);
          expect(tripled.frozen).toBeNear(tripled.predicted, rounding);
        }
        // What is written at the end has no other way on: freezing σ hides nothing but σ.
        const node = await check({ kind: "node", node: active, position });
        expect(node.predicted).not.toBe(0);
      },
    );
  });

  test("a feature reads sources and nodes", async () => {
    const model = await loading;
    const d = model.architecture.d_model;
    const point = model.architecture.parallel ? "L0.mlp.after" : "L0.attn.after";
    const sae = made(d, 55, point, point);
    const [, second] = transcoders(model);
    await withDictionaries(
      reference,
      model,
      tokens,
      [sae, second as Dictionary<Tensor>],
      async (expansion) => {
        await expectBalance(model, expansion);
        const place = { layer: 1, feature: 2, position: 3 };
        const readout = featureReadout(reference, expansion, place);
        const { model: own, run: frozen, sources } = expansion;
        const [found] = await effects(reference, own, frozen, sources, [readout]);
        const sum = (found?.sources ?? []).flatMap(({ byDegree }) => byDegree);
        const { trace } = run(reference, own, tokens, { sites: ["L1.mlp.pre"] });
        const pre = trace.get("L1.mlp.pre")?.data[3 * F + 2];
        expect(sum.reduce((a, b) => a + b, found?.constant ?? 0)).toBeNear(
          pre ?? Number.NaN,
          rounding,
        );
        for (const change of [
          { kind: "source", source: { name: `${point}.F0`, position: 3 } },
          { kind: "source", source: { name: `${point}.error`, position: null }, times: 2 },
          { kind: "node", node: "L1.H0", times: -1 },
        ] as const) {
          const verdict = await verifyFeature(reference, expansion, place, change);
          expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
        }
      },
    );
  });

  test("they play, and are sides of scores", async () => {
    const model = await loading;
    await withDictionaries(reference, model, tokens, transcoders(model), async (expansion) => {
      const { model: own, level } = expansion;
      const place = { head: { layer: 1, head: 1 }, query: tokens.length - 1, key: 1 };
      const score = await expandScore(reference, own, tokens, { ...place, by: level });
      const whole = await expandScore(reference, model, tokens, { ...place, by: "block" });
      expect(score.score).toBeNear(whole.score, { rtol: 1e-10, atol: 1e-12 });
      expect(score.certificate.relativeError).toBeLessThan(1e-12);
      if (!model.architecture.parallel) expect(score.keySources).toContain("L0.F3");
      const groups = ["L0.F3+L1.F2", "L0.H1"];
      const players = await interactions(reference, own, tokens, {
        players: { kind: "groups", groups, level },
      });
      expect(players.certificate.relativeError).toBeLessThan(1e-12);
    });
  });

  test("what writes by itself: virtual weights", async () => {
    const model = await loading;
    const [first, second] = transcoders(model) as [Dictionary<Tensor>, Dictionary<Tensor>];
    const d = model.architecture.d_model;
    const norm = blocksOf(model).find(({ name }) => name === "L1.mlp")?.norm;
    const gamma = norm?.scale?.data ?? new Float64Array(d).fill(1);
    const weights = virtualWeights(reference, model, first, second);
    const row = Array.from(first.W_dec.data.subarray(3 * d, 4 * d));
    const mean = norm?.kind === "layer" ? row.reduce((a, b) => a + b, 0) / d : 0;
    const naive = Array.from({ length: F }, (_, g) =>
      row.reduce(
        (sum, x, i) => sum + (x - mean) * (gamma[i] ?? 0) * (second.W_enc.data[i * F + g] ?? 0),
        0,
      ),
    );
    const rows = reference.arrange(weights, ["from", "to"]);
    expect(Array.from(rows.data.subarray(3 * F, 4 * F))).toBeNear(naive, rounding);
    const through = { layer: 1, head: 1 };
    const some = virtualWeights(reference, model, first, second, { features: [3], through });
    expect(some.shape).toMatchObject({ from: 1, to: F });
    const logits = virtualLogits(reference, model, first, { features: [3, 1] });
    expect(reference.sum(logits, ["vocab"])).toBeNear([0, 0], { atol: 1e-10 });
  });
});

/** Some nodes and sources, taken away: what is predicted is what the frozen model loses. */
async function expectChecked(expansion: DictionaryRun<Tensor>): Promise<void> {
  const { model, run: frozen, sources, level, live } = expansion;
  const place = { layer: 1, feature: 2, position: 3 };
  for (const change of [
    { kind: "node", node: "L0.H1" },
    { kind: "source", source: { name: "L0.mlp.error", position: 2 }, times: 3 },
  ] as const) {
    const how = { level, sources, live };
    const verdict = await verify(reference, model, frozen, target, change, how);
    expect(verdict.predicted).not.toBe(0);
    expect(verdict.frozen).toBeNear(verdict.predicted, rounding);
    const feature = await verifyFeature(reference, expansion, place, change);
    expect(feature.frozen).toBeNear(feature.predicted, rounding);
  }
}

/**
 * What the target loses when `times` of what L0.attn writes is left, MLP after MLP, dictionaries as they reconstruct what
 * comes to them, their errors those of the run.
 */
async function liveNaively(
  model: Model<Tensor>,
  dictionaries: readonly Dictionary<Tensor>[],
  times: number,
): Promise<number> {
  const measured = async (scale: number, errors: readonly Tensor[]) => {
    const replace: Record<string, Tensor | ((x: Tensor) => Tensor)> = {
      "L0.attn.write": (x) => reference.scale(x, scale),
    };
    const lacking: Tensor[] = [];
    for (const [i, dictionary] of dictionaries.entries()) {
      const { input, output } = dictionary;
      if (input === undefined || output === undefined) throw new Error("It has a place.");
      const sites = [input.site, output.site];
      const { trace } = run(reference, model, tokens, { sites, replace });
      const [read, write] = sites.map((site) => trace.get(site)) as [Tensor, Tensor];
      const all = tokens.map((_, at) => at);
      const x = vectorsAt(reference, model, input, read, all, "d_in");
      const made = await reconstruct(reference, dictionary, x);
      const value = reference.rename(made.output, { row: "pos", d_out: "d_model" });
      lacking.push(reference.sub(write, value));
      const error = errors[i];
      if (error !== undefined) replace[output.site] = reference.add(value, error);
    }
    const { logits } = run(reference, model, tokens, { replace });
    const last = (tokens.length - 1) * model.architecture.vocab;
    const value = (logits.data[last + target.a] ?? 0) - (logits.data[last + target.b] ?? 0);
    return { value, lacking };
  };
  const before = await measured(1, []);
  return before.value - (await measured(times, before.lacking)).value;
}

/** A feature of a layer that is active at the last position. */
function activeFeature({ run: frozen }: DictionaryRun<Tensor>, layer: number): string {
  const gate = frozen.gates.get(`L${layer}.mlp.gate`) as Tensor;
  const open = reference.arrange(gate, ["pos", "d_mlp"]).data.subarray((tokens.length - 1) * F);
  return `L${layer}.F${open.indexOf(1)}`;
}

/** What features and skip write in the replaced block is what the dictionary gives, without b_dec. */
async function expectFeatures(
  model: Model<Tensor>,
  { model: own, run: frozen, level }: DictionaryRun<Tensor>,
  dictionary: Dictionary<Tensor>,
): Promise<void> {
  const block = dictionary.output?.site.replace(".write", "") ?? "";
  const weights = blocksOf(own).find(({ name }) => name === block);
  const { input } = dictionary;
  if (weights === undefined || input === undefined) throw new Error("It has a place.");
  const { trace } = run(reference, model, tokens, { sites: [input.site] });
  const read = trace.get(input.site) as Tensor;
  const positions = positionsFor(dictionary, tokens.length);
  const x = vectorsAt(reference, model, input, read, positions, "d_in");
  const seen = dictionary.centred ? reference.center(x, "d_in") : x;
  const { output } = await reconstruct(reference, dictionary, seen);
  const expected = reference.sub(output, dictionary.b_dec);
  const zero = reference.fill(read.shape, 0);
  const nodes = nodesOf(own.architecture, level)
    .flat()
    .filter((node) => node.block === block);
  expect(nodes).toHaveLength(dictionary.W_skip ? F + dictionary.d_out : F);
  const sites = frozenAt(frozen.gates);
  const sum = nodes
    .map((node) => nodeWrite(reference, node, weights, read, sites))
    .reduce((a, b) => reference.add(a, b), zero);
  const ids = { shape: { row: positions.length }, data: Int32Array.from(positions) };
  expect(reference.take(sum, "pos", ids)).toBeNear(
    reference.rename(expected, { d_out: "d_model" }),
    {
      ...{ rtol: 1e-10, atol: 1e-10 },
    },
  );
}

test.each([
  ["layer_norm", { normalization: { kind: "layer_norm" } }],
  ["constant_norm_rescale", { normalization: { kind: "constant_norm_rescale" } }],
  ["centred", { centred: true }],
  ["some positions", { positions: { start: 1, stop: -1, step: 2 } }],
  ["the first is zero", { zeroPositions: [0] }],
  ["norms and scale", { norms: positive(10), scale: positive(11) }],
] as const)("an SAE with %s: its parts are the stream", async (_name, more) => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const { d_model } = model.architecture;
  for (const site of ["L0.mlp.after", "L1.attn.read", "L1.mlp.write", "L0.attn.read"]) {
    const sae = made(d_model, 91, site, site, more);
    await withDictionaries(reference, model, tokens, [sae], async (expansion) => {
      await expectBalance(model, expansion);
      const { sources } = expansion;
      const group = sources.find(({ names }) => names.includes(`${site}.b_dec`));
      const parts = group?.names.map((name) => name.slice(site.length + 1)) ?? [];
      expect(parts.includes("mean")).toBe("centred" in more);
      expect(parts.includes("rest")).toBe("positions" in more || "zeroPositions" in more);
      // Features, b_dec and mean are what the dictionary itself gives back.
      const { trace } = run(reference, model, tokens, { sites: [site] });
      const positions = positionsFor(sae, tokens.length);
      const value = trace.get(site) as Tensor;
      const x = vectorsAt(reference, model, parseSite(site), value, positions, "d_in");
      const centred = reference.center(x, "d_in");
      const { output } = await reconstruct(reference, sae, "centred" in more ? centred : x);
      const shift = reference.rename(reference.sub(x, centred), { d_in: "d_out" });
      const expected = "centred" in more ? reference.add(output, shift) : output;
      const given = parts.flatMap((part, i) => (/^(F\d+|b_dec|mean)$/.test(part) ? [i] : []));
      const ids = { shape: { source: given.length }, data: Int32Array.from(given) };
      const rows = { shape: { row: positions.length }, data: Int32Array.from(positions) };
      const values = group?.values as Tensor;
      const sum = reference.sum(reference.take(values, "source", ids), ["source"]);
      expect(reference.rename(reference.take(sum, "pos", rows), { d_model: "d_out" })).toBeNear(
        expected,
        rounding,
      );
    });
  }
});

test("what cannot be in an expansion is refused by name", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const d = model.architecture.d_model;
  const sae = made(d, 1, "L0.mlp.after", "L0.mlp.after");
  const W_skip = reference.constant({ d_in: d, d_out: d }, numbers(d * d, 78));
  const scaled = { normalization: { kind: "layer_norm" }, W_skip } as const;
  const given: readonly (readonly [string, readonly Dictionary<Tensor>[]])[] = [
    ["dictionary/no-place", [made(d, 1, "L0.mlp.normed", "L1.mlp.write")]],
    ["dictionary/no-place", [made(d, 1, "embed.token", "embed.token")]],
    ["dictionary/width", [made(d + 1, 1, "L0.mlp.after", "L0.mlp.after")]],
    ["dictionary/width", [made(d + 1, 1, "L0.mlp.normed", "L0.mlp.write")]],
    ["dictionary/two-places", [sae, made(d, 2, "L1.mlp.after", "L1.mlp.after")]],
    ["dictionary/two-places", [...transcoders(model), made(d, 2, "L1.mlp.write", "L1.mlp.write")]],
    ["dictionary/not-affine", transcoders(model, scaled)],
  ];
  for (const [code, dictionaries] of given) {
    const work = () =>
      withDictionaries(reference, model, tokens, dictionaries, () => Promise.resolve());
    expect(await codeOf(work)).toBe(code);
  }
  await withDictionaries(reference, model, tokens, transcoders(model), async (expansion) => {
    // Units of a replaced MLP are features, not the model's neurons.
    for (const level of [expansion.level, undefined]) {
      const claim: Claim = { kind: "node", node: "L1.N2" };
      const work = () =>
        verify(reference, expansion.model, expansion.run, target, claim, { level });
      expect(await codeOf(work)).toBe("paths/no-node");
    }
    const at = { layer: 1, feature: 2, position: 3 };
    for (const wrong of [{ feature: F }, { position: 5 }, { layer: 2 }, { position: 0.5 }]) {
      const work = () => featureReadout(reference, expansion, { ...at, ...wrong });
      expect(await codeOf(work)).toBe("dictionary/no-feature");
    }
    for (const change of [
      { kind: "node", node: "L1.F99" },
      { kind: "source", source: { name: "L0.mlp.F1", position: null } },
    ] as const) {
      const work = () => verifyFeature(reference, expansion, at, change);
      expect(await codeOf(work)).toBe("dictionary/no-source");
    }
  });
});
