import { createCpu } from "@resolvent/cpu";
import { effectOf, findCircuit, patchEffects, patchSetting } from "@resolvent/patching";
import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { lateEngine } from "@resolvent/testkit/engines";
import { loadModel, type Model, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type Dictionary,
  encode,
  parseSite,
  reconstruct,
  withDictionaries,
  withPromptModels,
} from "../src/index.ts";
import { vectorsAt } from "../src/place.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const clean = [3, 17, 5, 28, 9];
const corrupt = [3, 17, 8, 2, 9];
const target = { a: 4, b: 9 };
const F = 12;
const rounding = { rtol: 1e-10, atol: 1e-12 };

function transcoders<T extends Shaped>(
  engine: Engine<T>,
  { architecture }: Model<T>,
  more: Partial<Dictionary<T>> = {},
): Dictionary<T>[] {
  const { d_model: d } = architecture;
  return [0, 1].map((layer) =>
    reluDictionary(
      engine,
      d,
      {
        W_enc: numbers(d * F, 31 + layer),
        W_dec: numbers(d * F, 41 + layer),
        b_enc: numbers(F, 51 + layer),
        b_dec: numbers(d, 61 + layer),
      },
      {
        input: parseSite(`L${layer}.mlp.normed`),
        output: parseSite(`L${layer}.mlp.write`),
        transcoder: true,
        ...more,
      },
    ),
  );
}

/** What a dictionary makes of a run: its activations, dense, and what it lacks. */
async function seen(model: Model<Tensor>, dictionary: Dictionary<Tensor>, read: Tensor) {
  const all = clean.map((_, at) => at);
  const { input } = dictionary;
  if (input === undefined) throw new Error("It has a place.");
  const x = vectorsAt(reference, model, input, read, all, "d_in");
  const { output } = await reconstruct(reference, dictionary, x);
  const { starts, indices, values } = await encode(reference, dictionary, x);
  const activations = new Float64Array(all.length * F);
  for (const row of all) {
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      activations[row * F + (indices[i] ?? 0)] = values[i] ?? 0;
    }
  }
  return { value: reference.rename(output, { row: "pos", d_out: "d_model" }), activations };
}

/** The target of the clean prompt, by the dictionaries themselves, with something added where L0's MLP writes. */
async function naively(
  model: Model<Tensor>,
  dictionaries: readonly Dictionary<Tensor>[],
  moved: Tensor,
): Promise<number> {
  const sites = ["L0.mlp.read", "L0.mlp.write", "L1.mlp.read", "L1.mlp.write"] as const;
  const { trace } = run(reference, model, clean, { sites });
  const at = (site: string): Tensor => trace.get(site) as Tensor;
  const [, second] = dictionaries as [Dictionary<Tensor>, Dictionary<Tensor>];
  const before = await seen(model, second, at("L1.mlp.read"));
  const error = reference.sub(at("L1.mlp.write"), before.value);
  const replace: Record<string, Tensor> = {
    "L0.mlp.write": reference.add(at("L0.mlp.write"), moved),
  };
  const changed = run(reference, model, clean, { sites: ["L1.mlp.read"], replace }).trace;
  const after = await seen(model, second, changed.get("L1.mlp.read") as Tensor);
  replace["L1.mlp.write"] = reference.add(after.value, error);
  const { logits } = run(reference, model, clean, { replace });
  const last = (clean.length - 1) * model.architecture.vocab;
  return (logits.data[last + target.a] ?? 0) - (logits.data[last + target.b] ?? 0);
}

describe.each(["gpt2", "llama-biased"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });
  const threshold = reference.constant(
    { feature: F },
    numbers(F, 5).map((x) => x * x),
  );

  test.each([
    ["relu", {}],
    ["jumprelu", { activation: { kind: "jumprelu", threshold, rectified: false } }],
    ["topk", { activation: { kind: "topk", k: 3, rectified: true } }],
  ] as const)(
    "features and errors of %s are patched to what they are in the other prompt",
    async (_name, more) => {
      const model = await loading;
      const dictionaries = transcoders(reference, model, more);
      const [first] = dictionaries as [Dictionary<Tensor>];
      const pairs = [{ clean, corrupt, target }];
      const words = { kind: "node", reference: { kind: "run" }, direction: "noise" } as const;
      const reads = [clean, corrupt].map((prompt) => {
        const { trace } = run(reference, model, prompt, { sites: ["L0.mlp.read", "L0.mlp.write"] });
        return [trace.get("L0.mlp.read"), trace.get("L0.mlp.write")] as [Tensor, Tensor];
      });
      const made = await Promise.all(reads.map(([read]) => seen(model, first, read)));
      const [own, other] = made as [(typeof made)[0], (typeof made)[0]];
      await withPromptModels(
        reference,
        model,
        [clean, corrupt],
        dictionaries,
        async ({ model: replaced, level }) => {
          const setting = patchSetting({ ...words, level });
          const result = await patchEffects(reference, replaced, pairs, setting);
          const base = await naively(
            model,
            dictionaries,
            reference.fill(reads[0]?.[0].shape ?? {}, 0),
          );
          expect(result.targetClean).toBeNear(base, rounding);
          const moves: number[] = [];
          for (const feature of Array(F).keys()) {
            const amounts = clean.map(
              (_, at) =>
                (other.activations[at * F + feature] ?? 0) -
                (own.activations[at * F + feature] ?? 0),
            );
            const along = reference.sum(
              reference.slice(first.W_dec, "feature", feature, feature + 1),
              ["feature"],
            );
            const moved = reference.mul(
              reference.constant({ pos: clean.length }, amounts),
              reference.rename(along, { d_out: "d_model" }),
            );
            const expected = (await naively(model, dictionaries, moved)) - base;
            expect(effectOf(result, `L0.F${feature}`, "all")).toBeNear(expected, rounding);
            moves.push(expected);
          }
          expect(moves.some((move) => move !== 0)).toBe(true);
          const errors = reads.map(([, write], i) =>
            reference.sub(write, (i === 0 ? own : other).value),
          );
          const [before, after] = errors as [Tensor, Tensor];
          const here = reference.constant({ pos: clean.length }, [0, 0, 1, 0, 0]);
          const moved = reference.mul(reference.sub(after, before), here);
          const expected = (await naively(model, dictionaries, moved)) - base;
          expect(effectOf(result, "L0.mlp.error@2", "all")).toBeNear(expected, rounding);
        },
        { features: "all" },
      );
    },
  );

  test("edges of features and errors add up, and circuits go from one prompt to the other", async () => {
    const model = await loading;
    const activation = { kind: "topk", k: 3, rectified: true } as const;
    for (const dictionaries of [
      transcoders(reference, model),
      transcoders(reference, model, { activation }).slice(1),
    ]) {
      const pairs = [{ clean, corrupt, target }];
      await withPromptModels(reference, model, [clean, corrupt], dictionaries, async (made) => {
        const words = { kind: "edge", reference: { kind: "run" }, direction: "noise" } as const;
        const setting = patchSetting({ ...words, level: made.level });
        const by = { method: "eap", compare: true } as const;
        const result = await patchEffects(reference, made.model, pairs, setting, by);
        expect(result.certificate?.relativeError).toBeLessThan(1e-12);
        expect(result.sources).toContain("L1.mlp.error@4");
        // What goes straight to the end passes σ alone: the first order has the sign of the whole.
        const exact = result.comparison?.exact ?? [];
        const at = result.sources.indexOf("L1.mlp.error@4");
        const final = result.receivers.indexOf("final");
        expect(Math.sign(exact[at]?.[final] ?? 0)).toBe(Math.sign(result.effect[at]?.[final] ?? 0));
        const circuit = await findCircuit(reference, made.model, pairs, setting, {
          sizes: [0.1, 1],
        });
        expect(circuit.targetEmpty).toBeNear(result.targetCorrupt ?? Number.NaN, rounding);
        expect(circuit.sizes.at(-1)?.value).toBeNear(result.targetClean, rounding);
        const back = patchSetting({ ...words, direction: "denoise", level: made.level });
        const denoised = await patchEffects(reference, made.model, pairs, back, {
          method: "eap-ig",
        });
        expect(denoised.certificate?.relativeError).toBeLessThan(1e-12);
      });
    }
  });
});

test("models of one prompt are not patched, nor means of errors", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const pairs = [{ clean, corrupt, target }];
  const words = { kind: "node", level: "block", direction: "noise" } as const;
  const setting = patchSetting({ ...words, reference: { kind: "run" } });
  const own = transcoders(reference, model);
  const patched = (): Promise<unknown> =>
    withDictionaries(reference, model, clean, own, (made) =>
      patchEffects(reference, made.model, pairs, setting),
    );
  expect(await codeOf(patched)).toBe("patching/one-prompt");
  const mean = patchSetting({ ...words, reference: { kind: "mean", prompts: [clean] } });
  const d = model.architecture.d_model;
  const site = parseSite("L0.mlp.after");
  const weights = { W_enc: numbers(d * F, 1), W_dec: numbers(d * F, 2) };
  const sae = reluDictionary(reference, d, weights, { input: site, output: site });
  const nothing = (): Promise<void> => Promise.resolve();
  const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
    [
      "patching/no-mean",
      () =>
        withPromptModels(reference, model, [clean], own, (made) =>
          patchEffects(reference, made.model, [{ clean }], mean),
        ),
    ],
    [
      "dictionary/no-prompt",
      () =>
        withPromptModels(reference, model, [clean], own, (made) =>
          patchEffects(reference, made.model, pairs, setting),
        ),
    ],
    [
      "dictionary/prompt-lengths",
      () => withPromptModels(reference, model, [clean, [1]], own, nothing),
    ],
    ["dictionary/not-patched", () => withPromptModels(reference, model, [clean], [sae], nothing)],
  ];
  for (const [code, work] of refused) expect(await codeOf(work)).toBe(code);
});

/** Effects on an engine, of a model and transcoders that were made there. */
async function effectsOn<T extends Shaped>(engine: Engine<T>): Promise<readonly number[]> {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const own = transcoders(engine, model);
  const words = { kind: "node", reference: { kind: "run" }, direction: "noise" } as const;
  const effect = await withPromptModels(engine, model, [clean, corrupt], own, async (made) => {
    const setting = patchSetting({ ...words, level: made.level });
    return (await patchEffects(engine, made.model, [{ clean, corrupt, target }], setting)).effect;
  });
  engine.free([model, own]);
  return effect.flat().map((x) => x ?? Number.NaN);
}

test("on an engine that answers late, and in float32", async () => {
  const expected = await effectsOn(reference);
  const late = lateEngine();
  expect(await effectsOn(late)).toBeNear(expected, { rtol: 1e-12, atol: 1e-12 });
  expect(late.alive()).toBe(0); // all that was made is freed
  const single = await createCpu({ precision: "f32", threads: 1 });
  expect(await effectsOn(single)).toBeNear(expected, { rtol: 1e-3, atol: 1e-4 });
});
