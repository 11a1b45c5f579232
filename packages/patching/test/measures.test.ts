import { checkParameters } from "@resolvent/analysis";
import { inOrder, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, run } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import { patchingAnalyses } from "../src/analyses.ts";
import {
  findCircuit,
  type Measure,
  type PatchMethod,
  type PatchSetting,
  patchEffects,
  patchSetting,
} from "../src/index.ts";
import { naiveWrites, seenBy, writtenBy } from "./naive.ts";

const clean = [3, 17, 5];
const corrupt = [3, 9, 11];
const target = { a: 4, b: 9 };
const pair = { clean, corrupt, target };
const OTHERS = ["probability", "loss", "kl"] as const;

type Given = Readonly<Record<string, Tensor>>;

/** The probabilities of the last position of a run with sites replaced, in plain loops. */
function probabilities(model: Model<Tensor>, tokens: readonly number[], replace: Given): number[] {
  const { logits } = run(reference, model, tokens, { replace: { ...replace } });
  const { vocab } = model.architecture;
  const last = [...inOrder(logits, ["pos", "vocab"]).data.slice(-vocab)];
  const most = Math.max(...last);
  const powers = last.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/** A measure as it is defined. */
function naiveMeasure(
  measure: Measure,
  model: Model<Tensor>,
  tokens: readonly number[],
  replace: Given = {},
): number {
  const q = probabilities(model, tokens, replace);
  const own = q[target.a] ?? Number.NaN;
  if (measure === "probability") return own;
  if (measure === "loss") return -Math.log(own);
  if (measure === "logit-difference") return Math.log(own / (q[target.b] ?? Number.NaN));
  return probabilities(model, clean, {}).reduce(
    (sum, p, id) => sum + p * Math.log(p / (q[id] ?? Number.NaN)),
    0,
  );
}

const settingOf = (
  kind: PatchSetting["kind"],
  measure: Measure,
  direction: PatchSetting["direction"] = "noise",
): PatchSetting =>
  patchSetting({ kind, level: "block", reference: { kind: "run" }, direction, measure });

function deltaOf(model: Model<Tensor>, direction: PatchSetting["direction"]) {
  const [from, to] = (direction === "noise" ? [clean, corrupt] : [corrupt, clean]).map((tokens) =>
    naiveWrites(model, tokens),
  );
  return (source: string): Tensor => {
    const [x, y] = [from?.get(source), to?.get(source)];
    if (x === undefined || y === undefined) throw new Error(`No source ${source}.`);
    return reference.sub(y, x);
  };
}

/** A derivative at 0 by differences of fourth order. */
function slope(f: (h: number) => number): number {
  const h = 1e-4;
  const central = (step: number): number => (f(step) - f(-step)) / (2 * step);
  return (4 * central(h) - central(2 * h)) / 3;
}

describe.each(tinyFamilies)("%s", (family) => {
  let model: Model<Tensor>;
  beforeAll(async () => {
    model = await loadModel(reference, tinyModel(family), { hash: false });
  });

  test.each(OTHERS)(
    "the %s after each edge and node, and along a branch, is that of a rerun",
    async (measure) => {
      for (const direction of ["noise", "denoise"] as const) {
        const tokens = direction === "noise" ? clean : corrupt;
        const delta = deltaOf(model, direction);
        const base = naiveMeasure(measure, model, tokens);
        const edges = await patchEffects(
          reference,
          model,
          [pair],
          settingOf("edge", measure, direction),
        );
        expect(edges.setting.measure).toBe(measure);
        expect(edges.targetClean).toBeNear(naiveMeasure(measure, model, clean), { atol: 1e-12 });
        expect(edges.targetCorrupt).toBeNear(naiveMeasure(measure, model, corrupt), { rtol: 1e-9 });
        const own: number[] = [];
        const expected: number[] = [];
        edges.sources.forEach((source, s) => {
          edges.receivers.forEach((receiver, r) => {
            const effect = edges.effect[s]?.[r];
            if (typeof effect !== "number") return;
            own.push(effect);
            const sites = seenBy(model, tokens, receiver, delta(source));
            expected.push(naiveMeasure(measure, model, tokens, sites) - base);
          });
        });
        expect(own.length).toBeGreaterThan(5);
        expect(own).toBeNear(expected, { rtol: 1e-8, atol: 1e-12 });
        const nodes = await patchEffects(
          reference,
          model,
          [pair],
          settingOf("node", measure, direction),
        );
        expect(nodes.effect.flat()).toBeNear(
          nodes.sources.map(
            (source) =>
              naiveMeasure(
                measure,
                model,
                tokens,
                writtenBy(model, tokens, source, delta(source)),
              ) - base,
          ),
          { rtol: 1e-8, atol: 1e-12 },
        );
      }
      // The whole embedding goes along each of its branches: its first is the edge to the end.
      const branches = await patchEffects(reference, model, [pair], settingOf("branch", measure));
      const sites = seenBy(model, clean, "final", deltaOf(model, "noise")("embed"));
      expect(branches.effect[0]?.at(-1)).toBeNear(
        naiveMeasure(measure, model, clean, sites) - naiveMeasure(measure, model, clean),
        { rtol: 1e-8, atol: 1e-12 },
      );
    },
  );
});

describe.each(["gpt2", "llama-biased"])("gradients of %s", (family) => {
  let model: Model<Tensor>;
  beforeAll(async () => {
    model = await loadModel(reference, tinyModel(family), { hash: false });
  });

  test.each<[PatchMethod, Measure, PatchSetting["direction"]]>([
    ["eap", "probability", "noise"],
    ["eap", "loss", "noise"],
    ["eap", "kl", "denoise"],
    ["eap-ig", "probability", "noise"],
    ["eap-ig", "kl", "noise"],
    ["eap-ig-activations", "loss", "denoise"],
    ["eap-ig-activations", "kl", "noise"],
  ])("%s of the %s, to %s, are slopes", async (method, measure, direction) => {
    const tokens = direction === "noise" ? clean : corrupt;
    const delta = deltaOf(model, direction);
    const result = await patchEffects(
      reference,
      model,
      [pair],
      settingOf("edge", measure, direction),
      { method, steps: 2 },
    );
    const points = method === "eap" ? [0] : [0.5, 0];
    const own: number[] = [];
    const expected: number[] = [];
    result.sources.forEach((source, s) => {
      result.receivers.forEach((receiver, r) => {
        const effect = result.effect[s]?.[r];
        if (typeof effect !== "number") return;
        const moved = method === "eap-ig" ? "embed" : source;
        const slopes = points.map((share) => {
          const part = reference.scale(delta(moved), share);
          const within = share === 0 ? {} : writtenBy(model, tokens, moved, part);
          return slope((h) => {
            const seen = reference.scale(delta(source), h);
            return naiveMeasure(measure, model, tokens, {
              ...within,
              ...seenBy(model, tokens, receiver, seen, within),
            });
          });
        });
        own.push(effect);
        expected.push(slopes.reduce((sum, x) => sum + x, 0) / points.length);
      });
    });
    expect(own.length).toBeGreaterThan(4);
    const size = Math.max(...own.map(Math.abs));
    expect(size).toBeGreaterThan(1e-6);
    expect(own).toBeNear(expected, { rtol: 1e-6, atol: 1e-9 * size + 1e-10 });
  });

  test("a gradient of KL at the clean run, which is zero, is refused by name", async () => {
    const effects = (method: PatchMethod, steps?: number) =>
      patchEffects(reference, model, [pair], settingOf("edge", "kl"), {
        method,
        ...(steps !== undefined && { steps }),
      });
    await expect(effects("eap")).rejects.toMatchObject({ code: "patching/flat-measure" });
    await expect(effects("eap-ig", 1)).rejects.toMatchObject({ code: "patching/flat-measure" });
    await expect(effects("eap-ig", 2)).resolves.toMatchObject({ method: "eap-ig" });
  });

  test("circuits by KL: all edges leave none of it, none leave all", async () => {
    const { sizes, targetModel, targetEmpty, pairs } = await findCircuit(
      reference,
      model,
      [pair],
      settingOf("edge", "kl"),
      { method: "eap-ig", sizes: [0.5, 1] },
    );
    expect(targetModel).toBeNear(0, { atol: 1e-12 });
    expect(targetEmpty).toBeNear(naiveMeasure("kl", model, corrupt), { rtol: 1e-9 });
    expect(sizes[1]?.value).toBeNear(0, { atol: 1e-12 });
    expect(sizes[1]?.faithfulness).toBeNear(1, { rtol: 1e-9 });
    const half = sizes[0];
    expect(half?.faithfulness).toBeNear(1 - (half?.value ?? Number.NaN) / targetEmpty);
    expect(pairs[0]?.target.a).toBeNull();
  });
});

test("which tokens a measure is of", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const targetOf = async (measure: Measure, given?: typeof target) => {
    const asked = { clean, corrupt, ...(given !== undefined && { target: given }) };
    const options = { text: (id: number) => `<${id}>` };
    const setting = settingOf("node", measure);
    const { pairs } = await patchEffects(reference, model, [asked], setting, options);
    return pairs[0]?.target;
  };
  const four = { id: 4, text: "<4>" };
  expect(await targetOf("loss", target)).toMatchObject({ a: four, b: null });
  const likeliest = probabilities(model, clean, {});
  const best = likeliest.indexOf(Math.max(...likeliest));
  expect(await targetOf("probability")).toMatchObject({ a: { id: best }, b: null });
  const params = patchingAnalyses[0]?.params;
  if (params === undefined) throw new Error("There is an analysis.");
  await expect(checkParameters(params, { measure: "entropy" })).rejects.toMatchObject({
    code: "analysis/bad-parameters",
  });
});
