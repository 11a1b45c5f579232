import {
  cost,
  type Engine,
  InputError,
  type Priced,
  reference,
  type Tensor,
} from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  balanceError,
  degreeTerms,
  type ExpandOptions,
  expandByDegree,
  expandCost,
  GATES,
  type TermsOptions,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5, 28];
const gpt2 = await loadModel(reference, tinyModel("gpt2-untied", { seed: 5 }));
const parallel = await loadModel(reference, tinyModel("gpt_neox", { seed: 5 }));

describe("the result", () => {
  test("has exactly the fields of its schema", async () => {
    const expansion = await expandByDegree(reference, gpt2, tokens, {
      maxDegree: 2,
      text: (id) => `<${id}>`,
    });
    const prediction = { kl: "number", top1: "number", loss: "number" };
    const term = {
      degree: "number",
      norm: "number",
      relativeNorm: "number",
      logitShare: "number",
      partial: { frozenNorm: prediction, recomputedNorm: prediction },
    };
    expect(schemaOf(expansion)).toEqual({
      schemaVersion: "number",
      kind: "string",
      model: {
        name: "string",
        sha256: "string",
        architecture: "string",
        blocks: Array(6).fill("string"),
      },
      input: { tokens: Array(5).fill({ id: "number", text: "string" }) },
      method: "string",
      freeze: Array(3).fill("string"),
      reference: { kind: "string", prompts: [] },
      weightProcessing: "string",
      engine: "string",
      precision: "string",
      terms: Array(3).fill(term),
      remainder: { relativeNorm: "number", from: "string", logitShare: "number" },
      constant: { logitNorm: "number" },
      target: "object",
      targetDegrees: "object",
      run: { residualNorm: "number", logitNorm: "number", loss: "number" },
      certificate: {
        relativeError: "number",
        relativeErrorFloat64: "number",
        tolerance: "number",
        toleranceFloat64: "number",
        verdict: "string",
      },
      warnings: [],
    });
    expect(expansion).toMatchObject({
      schemaVersion: 1,
      kind: "degree-expansion",
      model: {
        name: "gpt2-untied",
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        architecture: "gpt2",
        blocks: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp", "L2.attn", "L2.mlp"],
      },
      input: { tokens: tokens.map((id) => ({ id, text: `<${id}>` })) },
      method: "sweep",
      freeze: ["pattern", "norm", "activation"],
      reference: { kind: "zero", prompts: [] },
      weightProcessing: "none",
      engine: "reference",
      precision: "f64",
      remainder: { from: "paths" },
    });
    expect(expansion.terms.map((t) => t.degree)).toEqual([0, 1, 2]);
  });

  test.each([
    ["a sweep", {}, "zero", []],
    ["a tree", { freeze: [], maxDegree: 1 }, "zero", []],
    [
      "a mean",
      { reference: { kind: "mean", prompts: [[1], [2, 3]] }, maxDegree: 0 },
      "mean",
      [[1], [2, 3]],
    ],
    [
      "another run",
      { reference: { kind: "run", tokens: [1, 2, 3, 4, 5] } },
      "run",
      [[1, 2, 3, 4, 5]],
    ],
  ] as const satisfies readonly (readonly [string, ExpandOptions, string, number[][]])[])(
    "of %s is plain data that JSON keeps",
    async (_, options, kind, input) => {
      const expansion = await expandByDegree(reference, gpt2, tokens, options);
      expect(JSON.parse(JSON.stringify(expansion))).toStrictEqual(expansion);
      expect(expansion.reference).toEqual({ kind, prompts: input });
    },
  );

  test("adds up: shares, norms, certificate", async () => {
    for (const freeze of [[], ["pattern"], GATES] as const) {
      for (const maxDegree of [0, 2, 6, 9]) {
        const expansion = await expandByDegree(reference, gpt2, tokens, { freeze, maxDegree });
        const { terms, remainder, certificate, run } = expansion;
        expect(terms).toHaveLength(Math.min(maxDegree, 6) + 1);
        const shares = [...terms.map((term) => term.logitShare), remainder.logitShare];
        expect(shares.reduce<number>((a, b) => a + (b ?? Number.NaN), 0)).toBeNear(1, {
          rtol: 1e-12,
        });
        for (const term of terms) {
          expect(term.relativeNorm).toBeNear(term.norm / run.residualNorm, { rtol: 1e-15 });
        }
        expect(certificate.relativeError).toBeLessThan(1e-14);
        expect(certificate.relativeErrorFloat64).toBe(certificate.relativeError);
        const left = maxDegree < 6;
        const from = freeze.length === 3 ? "paths" : "difference";
        expect(remainder.from).toBe(left ? from : "none");
        expect((remainder.relativeNorm ?? 0) > 0).toBe(left);
        if (!left) expect(terms.at(-1)?.partial.frozenNorm.kl).toBeNear(0, { atol: 1e-12 });
      }
    }
  });

  test("degrees that no path of a parallel model has are empty, and say what the sum before says", async () => {
    for (const freeze of [[], GATES] as const) {
      const { terms, model, remainder } = await expandByDegree(reference, parallel, tokens, {
        freeze,
      });
      expect(model.blocks).toHaveLength(4);
      expect(terms.map((term) => term.norm > 0)).toEqual([true, true, true, false, false]);
      for (const empty of terms.slice(3)) {
        expect(empty).toEqual({
          ...terms[2],
          degree: empty.degree,
          norm: 0,
          relativeNorm: 0,
          logitShare: 0,
        });
      }
      expect(remainder).toEqual({ relativeNorm: 0, from: "none", logitShare: 0 });
    }
  });

  test("freezes in one order, whatever order was asked for", async () => {
    const options = { freeze: ["norm", "pattern", "norm"], maxDegree: 0 } as const;
    const { freeze, method } = await expandByDegree(reference, gpt2, tokens, options);
    expect([freeze, method]).toEqual([["pattern", "norm"], "tree"]);
  });

  test("of weights without a hash, and of one token, has nulls", async () => {
    const unhashed = await loadModel(reference, tinyModel("llama"), { hash: false });
    const { model, run } = await expandByDegree(reference, unhashed, [7]);
    expect(model.sha256).toBeNull();
    expect(run.loss).toBeNull();
  });
});

describe("the certificate in float64", () => {
  const rounded: Engine<Tensor> = { ...reference, precision: "f32" }; // says so, to be asked for more

  test("is what the caller computes, from the same options", async () => {
    const asked: TermsOptions[] = [];
    const options = { freeze: ["pattern"], maxDegree: 2, reference: { kind: "zero" } } as const;
    const certify = async (terms: TermsOptions): Promise<number | null> => {
      asked.push(terms);
      return balanceError(reference, gpt2, tokens, terms);
    };
    const { certificate } = await expandByDegree(rounded, gpt2, tokens, { ...options, certify });
    expect(asked).toEqual([options]);
    expect(certificate.relativeErrorFloat64).toBe(certificate.relativeError);
  });

  test("is null where nobody asks", async () => {
    const { certificate } = await expandByDegree(rounded, gpt2, tokens);
    expect(certificate.relativeErrorFloat64).toBeNull();
  });

  test("shows a term that is missing", async () => {
    const dropped: Engine<Tensor> = {
      ...reference,
      // A sum over degrees that forgets the first: what a wrong term would do.
      sum: (a, axes) =>
        axes[0] === "degree" && (a.shape.degree ?? 0) > 1
          ? reference.sum(reference.slice(a, "degree", 1, a.shape.degree ?? 0), axes)
          : reference.sum(a, axes),
    };
    const { terms, certificate } = await expandByDegree(dropped, gpt2, tokens);
    expect(certificate.relativeError).toBeNear(terms[0]?.relativeNorm ?? 0);
    expect(await balanceError(dropped, gpt2, tokens)).toBe(certificate.relativeError);
  });
});

describe("long work", () => {
  // It says that it has so many logits that each degree is measured alone.
  const large = { ...gpt2, architecture: { ...gpt2.architecture, vocab: 2 ** 21 } };

  test("reports each piece as it is done, up to the end", async () => {
    const seen: { done: number; total: number }[] = [];
    const onProgress = (step: { done: number; total: number }): number => seen.push(step);
    const expansion = await expandByDegree(reference, large, tokens, { onProgress });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => ({ done, total: 7 })));
    seen.length = 0;
    expect(await expandByDegree(reference, gpt2, tokens, { onProgress })).toEqual(expansion);
    expect(seen).toEqual([{ done: 7, total: 7 }]);
  });

  test("does not start once aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(expandByDegree(noWork, gpt2, tokens, { signal })).rejects.toThrow("enough");
  });

  test("stops at an abort from an event, between pieces", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")));
    const expansion = expandByDegree(reference, gpt2, tokens, {
      signal: controller.signal,
      onProgress: () => expect.fail("measured after the abort"),
    });
    await expect(expansion).rejects.toThrow("enough");
  });

  test("stops at an abort from its own progress", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const expansion = expandByDegree(reference, large, tokens, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        seen.push(done);
        if (done === 3) controller.abort();
      },
    });
    await expect(expansion).rejects.toMatchObject({ name: "AbortError" });
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe("input errors", () => {
  const cases: readonly (readonly [string, unknown, object])[] = [
    ["expansion/unknown-gate", { freeze: ["gate"] }, { got: "gate", gates: GATES }],
    ["expansion/bad-degree", { maxDegree: -1 }, { got: -1, blocks: 6 }],
    ["expansion/bad-degree", { maxDegree: 1.5 }, { got: 1.5, blocks: 6 }],
    ["expansion/bad-degree", { maxDegree: Number.NaN }, { got: Number.NaN, blocks: 6 }],
    ["expansion/bad-degree", { maxDegree: Number.POSITIVE_INFINITY }, {}],
    ["expansion/sweep-needs-frozen", { method: "sweep", freeze: ["norm"] }, { freeze: ["norm"] }],
    [
      "expansion/reference-length",
      { reference: { kind: "run", tokens: [1, 2] } },
      { expected: 5, got: 2 },
    ],
    ["transformer/no-reference", { reference: { kind: "mean", prompts: [] } }, {}],
    ["transformer/no-reference", { reference: { kind: "mean", prompts: [[], []] } }, {}],
    ["transformer/no-tokens", { reference: { kind: "mean", prompts: [[1], []] } }, {}],
    ["transformer/bad-token", { reference: { kind: "run", tokens: [1, 2, 3, 4, 99] } }, {}],
  ];
  test.each(cases)("%s", async (code, options, details) => {
    const given = options as ExpandOptions; // wrong on purpose
    const error = await expandByDegree(reference, gpt2, tokens, given).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code, details });
    expect(() => expandCost(outline, tokens, given)).toThrow(InputError);
  });

  test("of tokens", async () => {
    for (const [bad, code] of [
      [[], "transformer/no-tokens"],
      [[29], "transformer/bad-token"],
      [Array(25).fill(1), "transformer/too-long"],
    ] as const) {
      await expect(expandByDegree(reference, gpt2, bad)).rejects.toMatchObject({ code });
    }
  });
});

const outline = await outlineModel(tinyModel("gpt2-untied"));

describe("the cost", () => {
  test.each(tinyFamilies)("of %s is what is done, operation by operation", async (family) => {
    const folder = tinyModel(family, { seed: 2 });
    const model = await loadModel(reference, folder, { hash: false });
    const shapes = await outlineModel(folder);
    for (const options of [
      {},
      { method: "tree" },
      { freeze: [], maxDegree: 1 },
      { freeze: ["pattern"], reference: { kind: "mean", prompts: [[1], [2, 3]] } },
      { maxDegree: 0, reference: { kind: "run", tokens: [5, 4, 3, 2, 1] } },
    ] as const satisfies readonly TermsOptions[]) {
      const { engine, total } = counting();
      await expandByDegree(engine, model, tokens, options);
      const { flops, matmulFlops, calls, bytesMoved } = expandCost(shapes, tokens, {
        ...options,
        precision: "f64",
      });
      expect({ flops, matmulFlops, calls, bytesMoved }).toMatchObject(total());
    }
  });

  test("is known without numbers, and grows with the degrees that are asked for", () => {
    const flops = [0, 1, 2, 3].map((maxDegree) => expandCost(outline, tokens, { maxDegree }).flops);
    expect(flops).toEqual(flops.toSorted((a, b) => a - b));
    expect(new Set(flops).size).toBe(4);
    const single = expandCost(outline, tokens, { precision: "f32" });
    const double = expandCost(outline, tokens, { precision: "f64" });
    expect(expandCost(outline, tokens)).toEqual(single);
    expect(double.peakBytes).toBe(2 * single.peakBytes);
    expect(double.flops).toBe(single.flops);
  });

  test("of many pieces peaks lower than of one: each is freed before the next", async () => {
    const wide = await outlineModel(tinyModel("gpt2-untied", { vocab_size: 500 }));
    const large = { ...wide, architecture: { ...wide.architecture, vocab: 2 ** 21 } };
    const [pieces, whole] = [large, wide].map((model) => expandCost(model, tokens));
    expect(pieces?.matmulFlops).toBe(whole?.matmulFlops);
    expect(pieces?.peakBytes).toBeLessThan(whole?.peakBytes ?? 0);
  });
});

test("methods and gates are the defaults where nothing is asked for", () => {
  const { method, freeze } = degreeTerms(reference, gpt2, {
    shape: { pos: 1 },
    data: Int32Array.of(1),
  });
  expect([method, freeze]).toEqual(["sweep", GATES]);
});

/** The type of every field. */
function schemaOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schemaOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, schemaOf(part)]));
}

/** An engine that must not be used. */
const noWork: Engine<Tensor> = new Proxy(reference, {
  get: () => expect.fail("the engine was used"),
});

/** The reference, with every operation counted by the cost interpreter as it is done. */
function counting(): { engine: Engine<Tensor>; total: () => object } {
  const ops = cost({ precision: "f64" });
  const engine = new Proxy(reference, {
    get: (target, name) => {
      const operation = Reflect.get(target, name);
      if (!(name in ops) || name === "scope") return operation;
      const price = Reflect.get(ops, name) as (...args: unknown[]) => Priced;
      return (...args: unknown[]) => {
        price(...args); // it reads shapes only
        return operation(...args);
      };
    },
  });
  const total = (): object => {
    const { peakBytes, ...counted } = ops.total(); // nothing is freed here
    return counted;
  };
  return { engine, total };
}
