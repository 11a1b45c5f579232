import { type Engine, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  comesBefore,
  featuresFed,
  featuresFeeding,
  gatherFeatures,
  headsFeeding,
  nearestFeatures,
  promotedTokens,
  tokensRead,
} from "../src/features/index.ts";
import { type Dictionary, parseSite, virtualWeights } from "../src/index.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const engine: Engine<Tensor> = reference;
const exact = { rtol: 1e-10, atol: 1e-12 };
const FEATURES = 24;

const at = (site: string, output = site): Pick<Dictionary<Tensor>, "input" | "output"> => ({
  input: parseSite(site),
  output: parseSite(output),
});

/** Random weights, and the same as rows of numbers. */
function made(
  d: number,
  seed: number,
  more: Partial<Dictionary<Tensor>>,
): { dictionary: Dictionary<Tensor>; W_enc: number[][]; b_enc: number[]; W_dec: number[][] } {
  const [enc, dec] = [numbers(d * FEATURES, seed), numbers(FEATURES * d, seed + 1)];
  const b_enc = numbers(FEATURES, seed + 2).map((b) => b - 0.5);
  return {
    dictionary: reluDictionary(engine, d, { W_enc: enc, W_dec: dec, b_enc }, more),
    W_enc: rows(enc, FEATURES),
    b_enc,
    W_dec: rows(dec, d),
  };
}

function rows(flat: ArrayLike<number>, width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, i) =>
    Array.from({ length: width }, (_, j) => flat[i * width + j] ?? Number.NaN),
  );
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);

const column = (matrix: readonly (readonly number[])[], j: number): number[] =>
  matrix.map((row) => row[j] ?? Number.NaN);

/** Indices by falling value, of equal ones the first. */
const byValue = (values: readonly number[]): number[] =>
  values.map((_, i) => i).sort((i, j) => (values[j] ?? 0) - (values[i] ?? 0) || i - j);

const texts = Array.from({ length: 7 }, (_, text) =>
  Array.from({ length: [9, 1, 4, 8, 6, 9, 2][text] ?? 0 }, (_, i) => (7 * text + i * i + 3) % 29),
);

/** Activations of a text, `[pos][feature]`, by plain loops over what the model has at a site. */
function activationsOf(
  model: Model<Tensor>,
  site: string,
  text: readonly number[],
  { W_enc, b_enc }: { readonly W_enc: number[][]; readonly b_enc: readonly number[] },
): number[][] {
  const value = run(engine, model, text, { sites: [site] }).trace.get(site);
  const x = rows(value?.data ?? [], model.architecture.d_model);
  return x.map((row) => b_enc.map((b, f) => Math.max(0, dot(row, column(W_enc, f)) + b)));
}

describe.each(["gpt2", "gpt_neox"])("features on a corpus, in %s", (family) => {
  test("how often, how strongly and where each is active, as by plain loops", async () => {
    const model = await loadModel(engine, tinyModel(family), { hash: false });
    const site = "L1.mlp.read";
    const { dictionary, ...plain } = made(model.architecture.d_model, 5, at(site));
    const options = { examples: 3, before: 2, after: 1 };
    const got = await gatherFeatures(engine, model, dictionary, texts, options);
    const acts = texts.map((text) => activationsOf(model, site, text, plain));
    const tokens = texts.flat().length;
    expect([got.tokens, got.texts, got.features]).toEqual([tokens, texts.length, FEATURES]);
    let dead = 0;
    for (let f = 0; f < FEATURES; f++) {
      const each = acts.map((text) => column(text, f));
      const active = each.flat().filter((a) => a > 0);
      if (active.length === 0) dead++;
      const own = got.of(f);
      expect(own.active).toBe(active.length);
      expect(own.density).toBeNear(active.length / tokens, exact);
      expect(own.first).toBe(each.filter(([a = 0]) => a > 0).length);
      expect(own.negative).toBe(0);
      if (active.length > 0) {
        expect(own.mean).toBeNear(active.reduce((a, b) => a + b) / active.length, exact);
        expect(own.max).toBeNear(Math.max(...active), exact);
      }
      expect(own.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(active.length);
      for (const { from, to, count } of own.histogram) {
        expect(active.filter((a) => a >= from && a < to)).toHaveLength(count);
      }
      // The strongest place of each text, and of these the strongest texts.
      const best = each
        .map((values, text) => ({ text, position: byValue(values)[0] ?? 0, values }))
        .map((one) => ({ ...one, activation: one.values[one.position] ?? 0 }))
        .filter(({ activation }) => activation > 0)
        .sort((a, b) => b.activation - a.activation || a.text - b.text)
        .slice(0, 3);
      expect(own.examples.map(({ text, position }) => [text, position])).toEqual(
        best.map(({ text, position }) => [text, position]),
      );
      for (const [i, { text, position, values }] of best.entries()) {
        const [from, to] = [Math.max(0, position - 2), position + 2];
        const example = own.examples[i];
        expect(example?.start).toBe(from);
        expect(example?.tokens).toEqual(texts[text]?.slice(from, to));
        expect(example?.activations).toBeNear(values.slice(from, to), exact);
      }
    }
    expect(got.dead).toBe(dead);
  });
});

describe("features on a corpus", () => {
  test("equal ones: the first that came stays, in its place", async () => {
    const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
    const { dictionary, ...plain } = made(model.architecture.d_model, 5, at("embed.token"));
    // Here they depend on the token alone.
    const of = new Map(
      [4, 5].map((id) => [id, activationsOf(model, "embed.token", [id], plain)[0]]),
    );
    const same = [
      [4, 5, 4, 5],
      [5, 4],
      [4, 5, 4, 5],
      [5, 5, 4],
      [4, 4],
    ];
    const got = await gatherFeatures(engine, model, dictionary, same, { examples: 2 });
    let seen = 0;
    for (let f = 0; f < FEATURES; f++) {
      const { examples, max } = got.of(f);
      if (examples.length === 0) continue;
      seen++;
      // The third text is the first one again: it is no further example.
      const windows = new Set(examples.map(({ tokens }) => tokens.join()));
      expect(windows.size).toBe(examples.length);
      const peaks = same.map((text) => Math.max(...text.map((id) => of.get(id)?.[f] ?? 0)));
      const first = peaks.indexOf(max ?? Number.NaN);
      expect(examples[0]).toMatchObject({ text: first, activation: max });
      expect(examples[0]?.position).toBe(
        same[first]?.findIndex((id) => (of.get(id)?.[f] ?? 0) === max),
      );
      const next = peaks.findIndex((peak, i) => i > first && i !== 2 && peak === max);
      if (next > 0) expect(examples[1]).toMatchObject({ text: next, activation: max });
    }
    expect(seen).toBeGreaterThan(3);
  });

  test("positions that it is not for pass by, and texts keep their numbers", async () => {
    const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
    const { dictionary, ...plain } = made(model.architecture.d_model, 5, {
      ...at("L0.mlp.after"),
      positions: { start: 2, stop: null, step: null },
    });
    const got = await gatherFeatures(engine, model, dictionary, texts);
    expect(got.tokens).toBe(texts.reduce((sum, { length }) => sum + Math.max(0, length - 2), 0));
    const acts = texts.map((text) => activationsOf(model, "L0.mlp.after", text, plain));
    for (let f = 0; f < FEATURES; f++) {
      const { active, first, examples } = got.of(f);
      const all = acts.flatMap((text) => column(text, f).slice(2));
      expect([active, first]).toEqual([all.filter((a) => a > 0).length, 0]);
      for (const { text, position, activation } of examples) {
        expect(position).toBeGreaterThan(1);
        expect(activation).toBeNear(acts[text]?.[position]?.[f] ?? Number.NaN, exact);
      }
    }
    expect(got.texts).toBe(texts.length);
    expect(await codeOf(() => gatherFeatures(engine, model, dictionary, [[1], [2, 3]]))).toBe(
      "dictionary/no-tokens",
    );
    expect(await codeOf(() => got.of(FEATURES))).toBe("dictionary/no-feature");
  });
});

describe.each(["gpt2", "gpt_neox", "gemma2"])("features by their weights, in %s", (family) => {
  const load = async (): Promise<Model<Tensor>> =>
    await loadModel(engine, tinyModel(family), { hash: false });

  test("nearest ones, by the cosine of what they write", async () => {
    const { dictionary, W_dec } = made(12, 3, at("L0.mlp.after"));
    const got = await nearestFeatures(engine, dictionary, { features: [0, 7], top: 4, memory: 1 });
    for (const [i, f] of [0, 7].entries()) {
      const cosines = W_dec.map((row) => {
        const own = W_dec[f] ?? [];
        return dot(own, row) / Math.sqrt(dot(own, own) * dot(row, row));
      });
      const best = byValue(cosines).filter((g) => g !== f);
      expect(got[i]?.map(({ index }) => index)).toEqual(best.slice(0, 4));
      expect(got[i]?.map(({ value }) => value)).toBeNear(
        best.slice(0, 4).map((g) => cosines[g] ?? 0),
        exact,
      );
    }
  });

  test("what features feed is what they write, read one by one through the norm's scale", async () => {
    const model = await load();
    const d = model.architecture.d_model;
    const from = made(d, 3, at("L0.mlp.normed", "L0.mlp.write"));
    const to = made(d, 9, at("L1.mlp.normed", "L1.mlp.write"));
    const norm = [...model.stages].flat().find(({ name }) => name === "L1.mlp")?.norm;
    const scale = Array.from(norm?.scale?.data ?? []);
    const seen = (row: readonly number[]): number[] => {
      const mean = norm?.kind === "layer" ? row.reduce((a, b) => a + b) / d : 0;
      return row.map((x, i) => (x - mean) * (scale[i] ?? Number.NaN));
    };
    const weight = (f: number, g: number): number =>
      dot(seen(from.W_dec[f] ?? []), column(to.W_enc, g));
    const largest = (weights: readonly number[]): number[] =>
      byValue(weights.map(Math.abs)).slice(0, 3);

    const fed = await featuresFed(engine, model, from.dictionary, to.dictionary, {
      ...{ features: [2, 5], top: 3 },
    });
    const feeding = await featuresFeeding(engine, model, from.dictionary, to.dictionary, {
      ...{ features: [4], top: 3, memory: 1 },
    });
    for (const [i, f] of [2, 5].entries()) {
      const weights = Array.from({ length: FEATURES }, (_, g) => weight(f, g));
      expect(fed[i]?.map(({ index }) => index)).toEqual(largest(weights));
      expect(fed[i]?.map(({ value }) => value)).toBeNear(
        largest(weights).map((g) => weights[g] ?? 0),
        exact,
      );
    }
    const weights = Array.from({ length: FEATURES }, (_, f) => weight(f, 4));
    expect(feeding[0]?.map(({ index }) => index)).toEqual(largest(weights));
    expect(comesBefore(model, from.dictionary, to.dictionary)).toBe(true);
    expect(comesBefore(model, to.dictionary, from.dictionary)).toBe(false);
    expect(comesBefore(model, from.dictionary, from.dictionary)).toBe(false);

    // Tokens write their embeddings likewise.
    const { W_E, scale: times = 1 } = model.embed;
    const [tokens] =
      (await tokensRead(engine, model, to.dictionary, { features: [4], top: 3 })) ?? [];
    const reads = rows(W_E.data, d).map((row) => times * dot(seen(row), column(to.W_enc, 4)));
    const order = byValue(reads);
    expect(tokens?.most.map(({ index }) => index)).toEqual(order.slice(0, 3));
    expect(tokens?.most.map(({ value }) => value)).toBeNear(
      order.slice(0, 3).map((id) => reads[id] ?? 0),
      exact,
    );
    expect(tokens?.least.map(({ index }) => index)).toEqual(order.slice(-3).reverse());
  });

  test("heads, by what they make of what a feature reads, one unit of the stream after the other", async () => {
    const model = await load();
    const { d_model, heads, parallel } = model.architecture;
    const { dictionary } = made(d_model, 9, at("L1.mlp.normed", "L1.mlp.write"));
    const [got = []] =
      (await headsFeeding(engine, model, dictionary, { features: [4], top: 99 })) ?? [];
    const layers = parallel ? [0] : [0, 1]; // blocks that read at once do not feed each other
    expect(got).toHaveLength(layers.length * heads);
    const gains = layers.flatMap((layer) =>
      Array.from({ length: heads }, (_, head) => {
        let squares = 0;
        for (let i = 0; i < d_model; i++) {
          const unit = Float64Array.from({ length: d_model }, (_, j) => (i === j ? 1 : 0));
          const W_dec = engine.constant({ feature: 1, d_out: d_model }, unit);
          const through = { layer, head };
          const { data } = virtualWeights(engine, model, { W_dec }, dictionary, { through });
          squares += (data[4] ?? Number.NaN) ** 2;
        }
        return Math.sqrt(squares);
      }),
    );
    const order = byValue(gains);
    expect(got.map(({ layer, head }) => layer * heads + head)).toEqual(order);
    expect(got.map(({ gain }) => gain)).toBeNear(
      order.map((i) => gains[i] ?? 0),
      exact,
    );
  });

  test("tokens that features promote and suppress: along the unembedding, less its mean", async () => {
    const model = await load();
    const { d_model, vocab } = model.architecture;
    const { dictionary, W_dec } = made(d_model, 3, at("L1.mlp.after"));
    const got = await promotedTokens(engine, model, dictionary, { features: [1, 20], top: 2 });
    const { norm } = model.final;
    const scale = Array.from(norm?.scale?.data ?? []);
    for (const [i, f] of [1, 20].entries()) {
      const row = W_dec[f] ?? [];
      const mean = norm?.kind === "layer" ? row.reduce((a, b) => a + b) / d_model : 0;
      const seen = row.map((x, j) => (x - mean) * (scale[j] ?? Number.NaN));
      const logits = Array.from({ length: vocab }, (_, token) =>
        seen.reduce((sum, x, j) => {
          const { shape, data } = model.final.W_U; // in either memory order
          const first = Object.keys(shape)[0] === "d_model";
          return sum + x * (data[first ? j * vocab + token : token * d_model + j] ?? Number.NaN);
        }, 0),
      );
      const average = logits.reduce((a, b) => a + b) / vocab;
      const order = byValue(logits);
      expect(got?.[i]?.most.map(({ index }) => index)).toEqual(order.slice(0, 2));
      expect(got?.[i]?.least.map(({ index }) => index)).toEqual(order.slice(-2).reverse());
      expect(got?.[i]?.most[0]?.value).toBeNear((logits[order[0] ?? 0] ?? 0) - average, exact);
    }
  });
});

test("what is not in the stream promotes nothing, and reads no tokens", async () => {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const { heads, d_head, d_model } = model.architecture;
  const mixed = made(heads * d_head, 3, at("L0.attn.mixed")).dictionary;
  const written = made(d_model, 3, at("L0.mlp.write")).dictionary;
  expect(await promotedTokens(engine, model, mixed)).toBeUndefined();
  expect(await tokensRead(engine, model, written)).toBeUndefined();
  expect((await promotedTokens(engine, model, written))?.length).toBe(FEATURES);
  const call = promotedTokens(engine, model, written, { features: [-1] });
  expect(await codeOf(() => call)).toBe("dictionary/no-feature");
});
