import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  loadModel,
  type Model,
  plainSites,
  run,
  tokenIds,
  uncappedLogits,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { degreeTerms, GATES, type Measures, measureTerms } from "../src/index.ts";
import { degreeOf, sizeOfTensor } from "./naive.ts";

const tokens = [3, 17, 5, 5, 28];
const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 11 }))),
);
const named = models.map((model) => [model.name, model] as const);
const modelOf = (family: string): Model<Tensor> => {
  const model = models[tinyFamilies.indexOf(family)];
  if (model === undefined) throw new Error(`There is no tiny model ${family}.`);
  return model;
};

describe.each(named)("%s", (_, model) => {
  const ids = tokenIds(tokens);
  const sum = degreeTerms(reference, model, ids, { maxDegree: 2 });
  const measured = measureTerms(reference, model, ids, sum);
  const D = [0, 1, 2].map((k) => degreeOf(sum.terms, k));
  const partials = [0, 1, 2].map((k) => degreeOf(sum.partials, k));

  test("norms", async () => {
    const { degrees, residualNorm, remainderNorm, relativeError } = await measured;
    expect(degrees.map((degree) => degree.norm)).toBeNear(D.map(sizeOfTensor));
    expect(residualNorm).toBeNear(sizeOfTensor(sum.residual));
    expect(remainderNorm).toBeNear(sum.remainder ? sizeOfTensor(sum.remainder) : 0);
    expect(relativeError).toBeLessThan(1e-14);
  });

  test("shares of the centred logits by their formula, one product for each degree", async () => {
    const { degrees, remainderShare, logitNorm } = await measured;
    const centred = (x: Tensor): number[] => rowsOf(model, x, { at: sum.residual }).flatMap(center);
    const z = centred(sum.residual);
    expect(logitNorm).toBeNear(Math.sqrt(dot(z, z)));
    const share = (u: number[]): number => dot(u, z) / dot(z, z);
    const shares = degrees.map((degree) => degree.logitShare ?? Number.NaN);
    expect(shares).toBeNear(D.map((x) => share(centred(x))));
    expect(remainderShare).toBeNear(sum.remainder ? share(centred(sum.remainder)) : 0, {
      atol: 1e-12,
    });
    expect(shares.reduce((total, x) => total + x, remainderShare ?? Number.NaN)).toBeNear(1, {
      rtol: 1e-12,
    });
  });

  test("the constant is a term of its own", async () => {
    const { constantNorm } = await measured;
    const { bias } = model.final.norm ?? {};
    const constant = center(plusBias(model, product(model, bias ? Array.from(bias.data) : [])));
    expect(constantNorm).toBeNear(Math.sqrt(tokens.length * dot(constant, constant)));
    // Terms without constants, and the constant, are the model's own logits.
    const own = uncappedLogits(reference, model, sum.residual, plainSites());
    const linear = rowsOf(model, sum.residual, { at: sum.residual });
    const all = linear.flatMap((row) => center(row).map((x, id) => x + (constant[id] ?? 0)));
    expect(all).toBeNear(chunks(own.data, model.architecture.vocab).flatMap(center));
  });

  test.each(["frozenNorm", "recomputedNorm"] as const)("predictions with %s", async (variant) => {
    const { degrees, loss } = await measured;
    const truth = logitsOf(model, sum.residual, sum.residual);
    expect(truth.flat()).toBeNear(run(reference, model, tokens).logits.data);
    expect(loss).toBeNear(lossOf(truth, tokens));
    partials.forEach((partial, k) => {
      const at = variant === "frozenNorm" ? sum.residual : partial;
      const logits = logitsOf(model, partial, at);
      const prediction = degrees[k]?.[variant];
      expect(prediction?.kl).toBeNear(meanKl(truth, logits), { atol: 1e-12 });
      expect(prediction?.loss).toBeNear(lossOf(logits, tokens));
      const same = truth.filter((row, i) => argmax(row) === argmax(logits[i] ?? [])).length;
      expect(prediction?.top1).toBe(same / tokens.length);
    });
  });
});

test("pieces of any size give the same measures", async () => {
  const model = modelOf("gpt2-untied");
  const ids = tokenIds(tokens);
  const sum = degreeTerms(reference, model, ids);
  const degrees = sum.terms.shape.degree ?? 0;
  const perDegree = tokens.length * model.architecture.vocab;
  const at = async (logitsAtOnce: number): Promise<{ measures: Measures; done: number[] }> => {
    const done: number[] = [];
    const onDegree = (k: number): void => void done.push(k);
    return {
      measures: await measureTerms(reference, model, ids, sum, { logitsAtOnce, onDegree }),
      done,
    };
  };
  const whole = await at(degrees * perDegree);
  expect(whole.done).toEqual([degrees]);
  const each = Array.from({ length: degrees }, (_, k) => k + 1);
  for (const [logitsAtOnce, done] of [
    [perDegree, each],
    [2 * perDegree - 1, each],
    [2 * perDegree, [2, 4, 6, 7]],
  ] as const) {
    expect(await at(logitsAtOnce)).toEqual({ measures: whole.measures, done });
  }
});

test.each([0, 2, 3])(
  "blocks of %i positions give the same measures but for rounding",
  async (n) => {
    for (const family of ["gpt2-untied", "gemma2", "transformer_lens-relu"]) {
      const model = modelOf(family);
      const ids = tokenIds([tokens, [8, 1, 26, 0, 13]]);
      const sum = degreeTerms(reference, model, ids);
      const logitsAtOnce = 2 * n * model.architecture.vocab;
      const done: number[] = [];
      const onDegree = (k: number): void => void done.push(k);
      const got = await measureTerms(reference, model, ids, sum, { logitsAtOnce, onDegree });
      const expected = await measureTerms(reference, model, ids, sum);
      expect(numbersIn(got)).toBeNear(numbersIn(expected), { rtol: 1e-12, atol: 1e-14 });
      expect(done).toEqual(expected.degrees.map((_, k) => k + 1));
    }
  },
);

/** All numbers of a result, in order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

test.each(["llama-biased", "gpt_neox"])(
  "%s: several rows at once are as each alone",
  async (family) => {
    const model = modelOf(family);
    const rows = [tokens, [8, 1, 26, 0, 13], [5, 5, 5, 5, 5]];
    for (const freeze of [[], ["pattern"], GATES] as const) {
      for (const reference_ of [
        { kind: "zero" },
        { kind: "mean", prompts: [[1, 2]] },
        { kind: "run", tokens: [9, 8, 7, 6, 5] },
      ] as const) {
        const options = { freeze, reference: reference_, maxDegree: 1 };
        const ids = tokenIds(rows);
        const together = degreeTerms(reference, model, ids, options);
        const alone = rows.map((row) => degreeTerms(reference, model, tokenIds(row), options));
        const row = (x: Tensor | undefined, i: number): Tensor =>
          reference.sum(reference.slice(x ?? reference.fill({}, 0), "batch", i, i + 1), ["batch"]);
        const near = { rtol: 1e-12 };
        alone.forEach((sum, i) => {
          expect(row(together.terms, i)).toBeNear(sum.terms, near);
          expect(row(together.partials, i)).toBeNear(sum.partials, near);
          expect(row(together.residual, i)).toBeNear(sum.residual, near);
          expect(row(together.remainder, i)).toBeNear(sum.remainder ?? [], near);
        });
        const mean = (values: readonly number[]): number =>
          values.reduce((total, x) => total + x, 0) / values.length;
        const joint = await measureTerms(reference, model, ids, together);
        const single = await Promise.all(
          alone.map((sum, i) => measureTerms(reference, model, tokenIds(rows[i] ?? []), sum)),
        );
        expect(joint.loss).toBeNear(mean(single.map((m) => m.loss ?? Number.NaN)));
        expect(joint.constantNorm).toBeNear(Math.hypot(...single.map((m) => m.constantNorm)));
        joint.degrees.forEach((degree, k) => {
          const each = single.flatMap((m) => m.degrees[k] ?? []);
          expect(degree.norm).toBeNear(Math.hypot(...each.map((d) => d.norm)));
          for (const variant of ["frozenNorm", "recomputedNorm"] as const) {
            for (const what of ["kl", "top1", "loss"] as const) {
              const values = each.map((d) => d[variant][what] ?? Number.NaN);
              expect(degree[variant][what]).toBeNear(mean(values), { atol: 1e-12 });
            }
          }
        });
      }
    }
  },
);

test("a single token has no loss, and everything else", async () => {
  const model = modelOf("gpt2");
  const ids = tokenIds([4]);
  const sum = degreeTerms(reference, model, ids);
  const { loss, degrees, relativeError } = await measureTerms(reference, model, ids, sum);
  expect(loss).toBeNull();
  for (const { frozenNorm, recomputedNorm } of degrees) {
    expect([frozenNorm.loss, recomputedNorm.loss]).toEqual([null, null]);
    expect(frozenNorm.kl).toBeGreaterThan(-1e-12);
  }
  expect(degrees.at(-1)?.frozenNorm.top1).toBe(1);
  expect(relativeError).toBeLessThan(1e-14);
});

test("without a final norm there is one prediction, frozen and recomputed", async () => {
  const model = modelOf("transformer_lens-relu");
  expect(model.final.norm).toBeUndefined();
  const ids = tokenIds(tokens);
  const { degrees } = await measureTerms(reference, model, ids, degreeTerms(reference, model, ids));
  for (const degree of degrees) expect(degree.recomputedNorm).toEqual(degree.frozenNorm);
});

// Plain loops, nothing of the package's own.

function chunks(data: ArrayLike<number>, size: number): number[][] {
  const all = Array.from(data);
  return Array.from({ length: all.length / size }, (_, i) => all.slice(i * size, (i + 1) * size));
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);

const average = (a: readonly number[]): number => a.reduce((sum, x) => sum + x, 0) / a.length;

const center = (a: readonly number[]): number[] => {
  const mean = average(a);
  return a.map((x) => x - mean);
};

const argmax = (a: readonly number[]): number => a.indexOf(Math.max(...a));

/** `x · W_U`; zeros for an `x` without entries. */
function product(model: Model<Tensor>, x: readonly number[]): number[] {
  const { d_model, vocab } = model.architecture;
  const { shape, data } = reference.arrange(model.final.W_U, ["d_model", "vocab"]);
  expect(shape).toEqual({ d_model, vocab });
  return Array.from({ length: vocab }, (_, id) =>
    x.reduce((sum, value, i) => sum + value * (data[i * vocab + id] ?? Number.NaN), 0),
  );
}

function plusBias(model: Model<Tensor>, logits: readonly number[]): number[] {
  const { b_U } = model.final;
  return logits.map((x, id) => x + (b_U === undefined ? 0 : (b_U.data[id] ?? Number.NaN)));
}

/** Rows of `W_U · γ P x / σ`, without constants, with σ taken from the stream `at`. */
function rowsOf(model: Model<Tensor>, x: Tensor, { at }: { at: Tensor }): number[][] {
  const { norm } = model.final;
  const width = model.architecture.d_model;
  const scale = norm?.scale?.data ?? new Float64Array(width).fill(1);
  const projected = (row: number[]): number[] => (norm?.kind === "layer" ? center(row) : row);
  const sources = chunks(at.data, width).map(projected);
  return chunks(x.data, width).map((row, i) => {
    if (norm === undefined) return product(model, row);
    const source = sources[i] ?? [];
    const sigma = Math.sqrt(dot(source, source) / width + norm.eps);
    return product(
      model,
      projected(row).map((value, j) => ((scale[j] ?? Number.NaN) * value) / sigma),
    );
  });
}

/** The same with the constants `W_U β + b_U`, and capped: what the model predicts from `x`. */
function logitsOf(model: Model<Tensor>, x: Tensor, at: Tensor): number[][] {
  const { bias } = model.final.norm ?? {};
  const shift = product(model, bias ? Array.from(bias.data) : []);
  const { cap } = model.final;
  return rowsOf(model, x, { at }).map((row) =>
    plusBias(
      model,
      row.map((value, id) => value + (shift[id] ?? Number.NaN)),
    ).map((logit) => (cap === undefined ? logit : cap * Math.tanh(logit / cap))),
  );
}

function logProbabilities(row: readonly number[]): number[] {
  const total = row.reduce((sum, x) => sum + Math.exp(x), 0); // logits of tiny models do not overflow
  return row.map((x) => x - Math.log(total));
}

function meanKl(truth: readonly number[][], other: readonly number[][]): number {
  return average(
    truth.map((row, i) => {
      const log = logProbabilities(row);
      const theirs = logProbabilities(other[i] ?? []);
      return log.reduce((sum, p, id) => sum + Math.exp(p) * (p - (theirs[id] ?? Number.NaN)), 0);
    }),
  );
}

function lossOf(logits: readonly number[][], ids: readonly number[]): number {
  const next = ids.slice(1);
  return average(next.map((id, i) => -(logProbabilities(logits[i] ?? [])[id] ?? Number.NaN)));
}
