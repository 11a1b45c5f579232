import { reference, type Tensor, tensor } from "@resolvent/tensor";
import { likeliestTokens, type MlpBlock, type Model, tokenIds } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { type DegreeTerms, degreeTerms, expandByDegree, type TermsOptions } from "../src/index.ts";

/** `relu(slope · r + bias)` on a stream of one number. */
function block(layer: number, slope: number, bias: number): MlpBlock<Tensor> {
  return {
    kind: "mlp",
    name: `L${layer}.mlp`,
    layer,
    activation: "relu",
    W_in: tensor({ d_model: 1, d_mlp: 1 }, [slope]),
    b_in: tensor({ d_mlp: 1 }, [bias]),
    W_out: tensor({ d_mlp: 1, d_model: 1 }, [1]),
  };
}

// Token 0 is embedded as 1, token 1 as 2; the logits of a stream t are t and −t.
// Of token 0: C₁ = relu(2·1 − 1) = 1, C₂ = relu(1 + 1 − 1.5) = 0.5, T = 2.5.
// Of token 1: C₁ = relu(2·2 − 1) = 3, C₂ = relu(2 + 3 − 1.5) = 3.5.
const model: Model<Tensor> = {
  name: "two numbers",
  architecture: {
    family: "by hand",
    layers: 2,
    d_model: 1,
    heads: 1,
    kv_heads: 1,
    d_head: 1,
    d_mlp: 1,
    vocab: 2,
    context: 8,
    parallel: false,
    norm: "none",
    positions: "none",
    activation: "relu",
    gatedMlp: false,
    tied: false,
    bos: undefined,
    eos: [],
  },
  embed: { W_E: tensor({ vocab: 2, d_model: 1 }, [1, 2]) },
  stages: [[block(0, 2, -1)], [block(1, 1, -1.5)]],
  final: { W_U: tensor({ d_model: 1, vocab: 2 }, [1, -1]) },
};

const termsOf = (options: TermsOptions): DegreeTerms<Tensor> =>
  degreeTerms(reference, model, tokenIds([0]), options);

test("nothing frozen: the second block is off until the first has written", () => {
  // T⁽⁰⁾ = 1; T⁽¹⁾ = 1 + relu(1) + relu(1 − 1.5) = 2; T⁽²⁾ = 1 + 1 + relu(2 − 1.5) = 2.5
  const { terms, partials, residual } = termsOf({ freeze: [] });
  expect(terms.data).toEqual(Float64Array.of(1, 1, 0.5));
  expect(partials.data).toEqual(Float64Array.of(1, 2, 2.5));
  expect(residual.data).toEqual(Float64Array.of(2.5));
});

test.each(["tree", "sweep"] as const)("all frozen, by the %s: both blocks are on", (method) => {
  // A₁ = 2, c₁ = −1, A₂ = 1, c₂ = −1.5: D₁ = 2 − 1 + 1 − 1.5, D₂ = 1·(2 − 1)
  expect(termsOf({ method }).terms.data).toEqual(Float64Array.of(1, 0.5, 1));
  const cut = termsOf({ method, maxDegree: 1 });
  expect(cut.terms.data).toEqual(Float64Array.of(1, 0.5));
  expect(cut.remainder?.data).toEqual(Float64Array.of(1));
  const embedding = termsOf({ method, maxDegree: 0 });
  expect(embedding.terms.data).toEqual(Float64Array.of(1));
  expect(embedding.remainder?.data).toEqual(Float64Array.of(1.5));
});

test("another run, and a mean, as the reference", () => {
  // T⁽⁰⁾ = 1 + 3 + 3.5; T⁽¹⁾ = 1 + relu(1) + relu(1 + 3 − 1.5) = 4.5; T⁽²⁾ = 2.5
  const run = { kind: "run", tokens: [1] } as const;
  expect(termsOf({ freeze: [], reference: run }).terms.data).toEqual(Float64Array.of(7.5, -3, -2));
  for (const method of ["tree", "sweep"] as const) {
    // The same: in each of these sums both blocks are on.
    const { terms } = termsOf({ method, reference: run });
    expect(terms.data).toEqual(Float64Array.of(7.5, -3, -2));
  }
  // Means over three positions: C₁ = (1 + 3 + 1)/3 and C₂ = (0.5 + 3.5 + 0.5)/3 = 1.5
  const mean = { kind: "mean", prompts: [[0, 1], [0]] } as const;
  const { terms } = termsOf({ freeze: [], reference: mean });
  const first = 5 / 3;
  expect(terms).toBeNear([1 + first + 1.5, first - 0.5 - (first + 0.5), -first + 1], {
    rtol: 1e-15,
  });
});

test("measures", async () => {
  const expansion = await expandByDegree(reference, model, [0, 0], { maxDegree: 1 });
  // Centred logits are (t, −t), so shares are D_k / T; two positions give norms a factor of √2.
  expect(expansion.terms.map((term) => term.logitShare)).toBeNear([0.4, 0.2]);
  expect(expansion.remainder).toEqual({
    relativeNorm: expect.closeTo(0.4, 14),
    from: "paths",
    logitShare: expect.closeTo(0.4, 14),
  });
  expect(expansion.terms.map((term) => term.norm)).toBeNear([Math.SQRT2, Math.SQRT1_2]);
  expect(expansion.run.residualNorm).toBeNear(2.5 * Math.SQRT2);
  expect(expansion.run.logitNorm).toBeNear(5);
  expect(expansion.constant.logitNorm).toBe(0);
  // Token 0 has probability σ(2t): σ(5) of the run, σ(2) and σ(3) of the partial sums.
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const p = sigmoid(5);
  expansion.terms.forEach(({ partial }, k) => {
    const q = sigmoid(2 + k);
    const kl = p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    expect(partial.frozenNorm.kl).toBeNear(kl);
    expect(partial.frozenNorm.loss).toBeNear(-Math.log(q));
    expect(partial.frozenNorm.top1).toBe(1);
  });
  expect(expansion.run.loss).toBeNear(-Math.log(p));
});

test("the likeliest token of each row, in any order of memory, the first of equal ones", async () => {
  const logits = tensor({ vocab: 3, pos: 2 }, [1, -3, 4, -1, 4, -1]);
  expect(await likeliestTokens(reference, logits, ["pos"])).toEqual(Int32Array.of(1, 1));
});
