import { type Engine, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { type Dictionary, evaluateDictionary, parseSite, positionsFor } from "../src/index.ts";
import { codeOf, identityDictionary, numbers, reluDictionary } from "./make.ts";

const engine: Engine<Tensor> = reference;
const texts = [
  [3, 1, 4, 1, 5, 9],
  [2, 7, 1, 8],
];
const exact = { rtol: 1e-10, atol: 1e-10 };

const at = (site: string, output = site): Pick<Dictionary<Tensor>, "input" | "output"> => ({
  input: parseSite(site),
  output: parseSite(output),
});

/** The mean loss over the texts' predictions, sites replaced. */
function lossOf(
  model: Model<Tensor>,
  replace: Readonly<Record<string, (value: Tensor) => Tensor>> = {},
): number {
  let [total, count] = [0, 0];
  for (const text of texts) {
    const { logits } = run(engine, model, text, { replace });
    const loss = nextTokenLoss(engine, logits, tokenIds(text)).data[0] ?? Number.NaN;
    total += loss * (text.length - 1);
    count += text.length - 1;
  }
  return total / count;
}

/** The value with 0 where `is` says so of a position and the place in its vector; positions come first or second last. */
function zeroedWhere(value: Tensor, is: (pos: number, entry: number) => boolean): Tensor {
  const pos = value.shape.pos ?? 0;
  expect(Object.keys(value.shape)[0]).toBe("pos");
  const width = value.data.length / pos;
  return {
    shape: value.shape,
    data: Float64Array.from(value.data, (x, i) => (is(Math.floor(i / width), i % width) ? 0 : x)),
  };
}

describe.each(["gpt2", "llama", "gpt_neox"])(
  "a dictionary that changes nothing, in %s",
  (family) => {
    test.each([
      "L1.attn.read",
      "L1.mlp.read",
      "L0.mlp.after",
      "L0.attn.write",
      "L1.mlp.write",
      "embed.token",
      "L0.attn.mixed",
      "L0.attn.mixed.H1",
      "L0.mlp.post",
    ])("at %s: everything is recovered", async (site) => {
      const model = await loadModel(engine, tinyModel(family), { hash: false });
      const { d_model, d_head, heads, d_mlp } = model.architecture;
      const wide = site.endsWith("mixed")
        ? heads * d_head
        : site.endsWith("post")
          ? d_mlp
          : d_model;
      const width = site.endsWith("H1") ? d_head : wide;
      const got = await evaluateDictionary(
        engine,
        model,
        identityDictionary(engine, width, at(site)),
        texts,
      );
      expect(got.tokens).toBe(10);
      expect(got.explainedVariance).toBeNear(1, exact);
      expect(got.recovered).toBeNear(1, exact);
      expect(got.loss.spliced).toBeNear(lossOf(model), exact);
      expect(got.kl).toBeNear(0, exact);
      expect(got.l0).toBe(width);
      expect(got.loss.zeroed).not.toBeCloseTo(got.loss.model, 6);
    });
  },
);

test("zeroing what a layer reads is zeroing the stream that the layers before have written", async () => {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const { d_model } = model.architecture;
  const all = () => true;
  for (const [site, written] of [
    ["L1.attn.read", "L0.mlp.after"],
    ["L0.attn.read", "embed"],
    ["L1.mlp.read", "L1.attn.after"],
  ] as const) {
    const got = await evaluateDictionary(
      engine,
      model,
      identityDictionary(engine, d_model, at(site)),
      texts,
    );
    expect(got.loss.zeroed).toBeNear(
      lossOf(model, { [written]: (value) => zeroedWhere(value, all) }),
      exact,
    );
  }
});

test("the stream after a layer without an MLP is that after its attention", async () => {
  const model = await loadModel(engine, tinyModel("transformer_lens-attn-only"), { hash: false });
  const dictionary = identityDictionary(engine, model.architecture.d_model, at("L0.mlp.after"));
  const got = await evaluateDictionary(engine, model, dictionary, texts);
  expect(got.site).toBe("L0.attn.after");
  expect(got.loss.spliced).toBeNear(got.loss.model, exact);
});

test("other positions and other heads pass by, in every metric and in the splice", async () => {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const { d_model, d_head } = model.architecture;
  const sliced = identityDictionary(engine, d_model, {
    ...at("L0.mlp.after"),
    positions: { start: 1, stop: -1, step: null },
    zeroPositions: [2],
  });
  const got = await evaluateDictionary(engine, model, sliced, texts);
  const own = (pos: number, length: number): boolean => pos >= 1 && pos < length - 1 && pos !== 2;
  expect(got.tokens).toBe(3 + 1);
  expect(got.l0WithoutFirst).toBe(got.l0); // the first is none of them
  const zeroed = (value: Tensor): Tensor =>
    zeroedWhere(value, (pos) => own(pos, value.shape.pos ?? 0));
  expect(got.loss.zeroed).toBeNear(lossOf(model, { "L0.mlp.after": zeroed }), exact);
  expect(got.recovered).toBeNear(1, exact);

  const head = identityDictionary(engine, d_head, at("L0.attn.mixed.H1"));
  const ofHead = await evaluateDictionary(engine, model, head, texts);
  const one = (value: Tensor): Tensor =>
    zeroedWhere(value, (_, entry) => Math.floor(entry / d_head) === 1);
  expect(ofHead.loss.zeroed).toBeNear(lossOf(model, { "L0.attn.mixed": one }), exact);
  expect(
    await codeOf(() =>
      evaluateDictionary(
        engine,
        model,
        identityDictionary(engine, d_head, at("L0.attn.mixed.H9")),
        texts,
      ),
    ),
  ).toBe("dictionary/no-head");
});

test("metrics by plain loops, with and without the first position", async () => {
  const model = await loadModel(engine, tinyModel("llama"), { hash: false });
  const d = model.architecture.d_model;
  const F = 5;
  const weights = {
    W_enc: numbers(d * F, 1),
    W_dec: numbers(F * d, 2),
    b_enc: numbers(F, 3),
    b_dec: numbers(d, 4),
  };
  const dictionary = reluDictionary(engine, d, weights, at("L1.mlp.after"));
  const got = await evaluateDictionary(engine, model, dictionary, texts);

  const rows: { x: number[]; y: number[]; active: number[]; first: boolean }[] = [];
  for (const text of texts) {
    const { trace } = run(engine, model, text, { sites: ["L1.mlp.after"] });
    const { data } = trace.get("L1.mlp.after") as Tensor;
    for (let pos = 0; pos < text.length; pos++) {
      const x = Array.from(data.slice(pos * d, (pos + 1) * d));
      const a = Array.from({ length: F }, (_, f) =>
        Math.max(
          0,
          x.reduce(
            (sum, value, i) => sum + value * (weights.W_enc[i * F + f] ?? 0),
            weights.b_enc[f] ?? 0,
          ),
        ),
      );
      const y = x.map((_, i) =>
        a.reduce(
          (sum, value, f) => sum + value * (weights.W_dec[f * d + i] ?? 0),
          weights.b_dec[i] ?? 0,
        ),
      );
      rows.push({
        x,
        y,
        active: a.flatMap((value, f) => (value > 0 ? [f] : [])),
        first: pos === 0,
      });
    }
  }
  const mean = Array.from(
    { length: d },
    (_, i) => rows.reduce((sum, { x }) => sum + (x[i] ?? 0), 0) / rows.length,
  );
  const square = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
  const errors = rows.reduce((sum, { x, y }) => sum + square(x, y), 0);
  const spread = rows.reduce((sum, { x }) => sum + square(x, mean), 0);
  expect(got.explainedVariance).toBeNear(1 - errors / spread, exact);
  expect(got.mse).toBeNear(errors / rows.length, exact);
  expect(got.l0).toBeNear(
    rows.reduce((sum, { active }) => sum + active.length, 0) / rows.length,
    exact,
  );
  const others = rows.filter(({ first }) => !first);
  expect(got.l0WithoutFirst).toBeNear(
    others.reduce((sum, { active }) => sum + active.length, 0) / others.length,
    exact,
  );
  expect(got.dead).toBe(F - new Set(rows.flatMap(({ active }) => active)).size);
  expect(got.density).toBeNear(
    Array.from(
      { length: F },
      (_, f) => rows.filter(({ active }) => active.includes(f)).length / rows.length,
    ),
    exact,
  );
  // The mean is spliced in at all positions.
  const same = (value: Tensor): Tensor => ({
    shape: value.shape,
    data: Float64Array.from(value.data, (_, i) => mean[i % d] ?? 0),
  });
  expect(got.loss.mean).toBeNear(lossOf(model, { "L1.mlp.after": same }), exact);
  expect(Object.keys(got.formulas)).toEqual(
    expect.arrayContaining(["l0", "explainedVariance", "recovered", "loss", "dead"]),
  );
});

test("a transcoder reads behind the norm, with γ and β or without, and replaces what the MLP writes", async () => {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const d = model.architecture.d_model;
  const text = texts[0] ?? [];
  const { trace } = run(engine, model, text, { sites: ["L1.mlp.read"] });
  const read = (trace.get("L1.mlp.read") as Tensor).data;
  const block = [...model.stages].flat().find(({ name }) => name === "L1.mlp");
  const { scale, bias, eps = 0 } = block?.norm ?? {};
  for (const form of ["normed", "normalized"] as const) {
    // x^ = x: then x is the target that the metrics' mean shows.
    const dictionary = identityDictionary(engine, d, {
      ...at(`L1.mlp.${form}`, "L1.mlp.write"),
      transcoder: true,
    });
    const got = await evaluateDictionary(engine, model, dictionary, [text]);
    expect(got.site).toBe(`L1.mlp.${form} → L1.mlp.write`);
    const normed = text.flatMap((_, pos) => {
      const x = Array.from(read.slice(pos * d, (pos + 1) * d));
      const mean = x.reduce((a, b) => a + b) / d;
      const sigma = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d + eps);
      return x.map((value, i) => {
        const plain = (value - mean) / sigma;
        return form === "normalized" ? plain : plain * (scale?.data[i] ?? 1) + (bias?.data[i] ?? 0);
      });
    });
    const { logits } = run(engine, model, text, {
      replace: { "L1.mlp.write": engine.constant({ pos: text.length, d_model: d }, normed) },
    });
    expect(got.loss.spliced).toBeNear(
      nextTokenLoss(engine, logits, tokenIds(text)).data[0] ?? 0,
      exact,
    );
  }
});

test("a centred dictionary sees the stream without its mean, and leaves the mean where it was", async () => {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const d = model.architecture.d_model;
  const got = await evaluateDictionary(
    engine,
    model,
    identityDictionary(engine, d, { ...at("L0.mlp.after"), centred: true }),
    texts,
  );
  expect(got.loss.spliced).toBeNear(got.loss.model, exact);
  // What centred weights write adds up to a stream of mean 0; LayerNorm sees no difference.
  const centre = (value: Tensor): Tensor => engine.center(value, "d_model");
  expect(lossOf(model, { "L1.mlp.after": centre })).toBeNear(got.loss.model, exact);
  const { trace } = run(engine, model, texts[0] ?? [], { sites: ["L0.mlp.after"] });
  const value = trace.get("L0.mlp.after") as Tensor;
  const centred = engine.center(value, "d_model").data;
  const half = identityDictionary(engine, d, { ...at("L0.mlp.after"), centred: true });
  const none = await evaluateDictionary(
    engine,
    model,
    { ...half, W_dec: engine.scale(half.W_dec, 0) },
    [texts[0] ?? []],
  );
  // Nothing of the centred stream is left: the error is all of it.
  expect(none.mse).toBeNear(
    Array.from(centred).reduce((sum, x) => sum + x * x, 0) / (texts[0]?.length ?? 0),
    exact,
  );
});

describe("what cannot be measured is refused by name", () => {
  test("a dictionary of another width, without a site, for no position, behind a norm", async () => {
    const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
    const d = model.architecture.d_model;
    const code = async (dictionary: Dictionary<Tensor>): Promise<string> =>
      await codeOf(() => evaluateDictionary(engine, model, dictionary, texts));
    expect(await code(identityDictionary(engine, d + 1, at("L0.mlp.after")))).toBe(
      "dictionary/width",
    );
    expect(await code(identityDictionary(engine, d))).toBe("dictionary/no-site");
    const late = identityDictionary(engine, d, {
      ...at("L0.mlp.after"),
      positions: { start: 90, stop: null, step: null },
    });
    expect(await code(late)).toBe("dictionary/no-tokens");
    expect(await code(identityDictionary(engine, d, at("L0.mlp.normed")))).toBe(
      "dictionary/no-splice",
    );
    expect(await code(identityDictionary(engine, d, at("L7.mlp.after")))).toBe(
      "transformer/no-site",
    );
  });

  test("it stops when it is told to", async () => {
    const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
    const dictionary = identityDictionary(engine, model.architecture.d_model, at("L0.mlp.after"));
    const stop = new AbortController();
    let told = 0;
    const work = evaluateDictionary(engine, model, dictionary, texts, {
      signal: stop.signal,
      onProgress: () => {
        told++;
        stop.abort(new RangeError("enough"));
      },
    });
    await expect(work).rejects.toThrow(RangeError);
    expect(told).toBe(1);
  });
});

test("texts without the token that training began with are told of", async () => {
  const model = await loadModel(engine, tinyModel("llama", { bos_token_id: 3 }), { hash: false });
  expect(model.architecture.bos).toBe(3);
  const made = (prependBos: boolean) =>
    identityDictionary(engine, model.architecture.d_model, {
      ...at("L0.mlp.after"),
      trainedOn: { prependBos },
    });
  const got = await evaluateDictionary(engine, model, made(true), texts);
  expect(got.warnings).toEqual([
    { code: "no-bos", message: expect.stringContaining("1 of 2 do not") },
  ]);
  expect((await evaluateDictionary(engine, model, made(false), texts)).warnings).toEqual([]);
});

test("slices are those of Python", () => {
  const of = (start: number | null, stop: number | null, step: number | null = null): number[] =>
    positionsFor({ positions: { start, stop, step }, zeroPositions: [] }, 6);
  expect(of(null, null)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(of(1, null)).toEqual([1, 2, 3, 4, 5]);
  expect(of(null, 3)).toEqual([0, 1, 2]);
  expect(of(-2, null)).toEqual([4, 5]);
  expect(of(1, -1, 2)).toEqual([1, 3]);
  expect(of(null, null, -2)).toEqual([5, 3, 1]);
  expect(of(4, 0, -1)).toEqual([4, 3, 2, 1]);
  expect(of(-90, 90)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(of(5, 2)).toEqual([]);
  expect(positionsFor({ zeroPositions: [0, -1] }, 4)).toEqual([1, 2]);
});
