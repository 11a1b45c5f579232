import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { describeWithFixtures, tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  blocksOf,
  blockWrite,
  loadModel,
  type Model,
  mapWeights,
  plainSites,
  type Sites,
  tokenIds,
  withoutBiases,
} from "@resolvent/transformer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anatomyOf, degreeTerms, GATES, type Gate, type Reference, sweep } from "../src/index.ts";
import { type GoldenModel, goldenModels, loadGolden } from "./golden.ts";
import {
  added,
  allPaths,
  degreeOf,
  frozenSites,
  naivePartials,
  partsOf,
  referenceOf,
  sizeOfTensor,
  type Tiny,
  zeros,
} from "./naive.ts";

const tokens = [3, 17, 5, 5];
const references: readonly Reference[] = [
  { kind: "zero" },
  { kind: "mean", prompts: [[1, 2], [9], [4, 4, 20, 11, 7]] },
  { kind: "run", tokens: [28, 1, 0, 13] },
];
const subsets: readonly (readonly Gate[])[] = Array.from({ length: 8 }, (_, bits) =>
  GATES.filter((_, i) => bits & (1 << i)),
);

const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 7 }))),
);
const named = models.map((model) => [model.name, model] as const);
/** Models whose blocks each read what all before them wrote. */
const serial = named.filter(([, model]) => [...model.stages].every((stage) => stage.length === 1));

test("there are models with and without parallel blocks", () => {
  expect(serial.length).toBeGreaterThan(0);
  expect(serial.length).toBeLessThan(named.length);
});

describe.each(named)("%s", (_, model) => {
  test.each(subsets.map((freeze) => [freeze.join(" and ") || "nothing", freeze] as const))(
    "terms with %s frozen are those of the definition",
    (_, freeze) => {
      const blocks = blocksOf(model).length;
      const depth = model.stages.length;
      const { x0, T } = partsOf(model, tokens);
      const sites = frozenSites(model, tokens, freeze);
      const near = { rtol: 0, atol: 1e-12 * sizeOfTensor(T) };
      const methods =
        freeze.length === GATES.length ? (["tree", "sweep"] as const) : ["tree" as const];
      for (const choice of references) {
        const ref = referenceOf(model, choice, x0.shape);
        const partials = naivePartials(model, x0, ref, sites, blocks);
        expect(partials.at(-1)).toBeNear(T, near); // T^(n) = T, whatever is frozen
        const D = partials.map((partial, k) => {
          const before = partials[k - 1];
          return before === undefined ? partial : reference.sub(partial, before);
        });
        for (const maxDegree of new Set([0, 1, 2, blocks - 1, blocks, blocks + 3])) {
          for (const method of methods) {
            const options = { freeze, reference: choice, maxDegree, method };
            const sum = degreeTerms(reference, model, tokenIds(tokens), options);
            const highest = Math.min(maxDegree, depth);
            expect(sum.terms.shape.degree).toBe(highest + 1);
            for (let k = 0; k <= highest; k++) {
              expect(degreeOf(sum.terms, k)).toBeNear(D[k] ?? [], near);
              expect(degreeOf(sum.partials, k)).toBeNear(partials[k] ?? [], near);
            }
            for (const empty of D.slice(depth + 1)) expect(empty).toBeNear(zeros(x0.shape), near);
            expect(sum.residual).toBeNear(T, near);
            const total = reference.sum(sum.terms, ["degree"]);
            if (maxDegree >= depth) expect(sum.remainder).toBeUndefined();
            else expect(sum.remainder).toBeNear(added(zeros(x0.shape), D.slice(highest + 1)), near);
            expect(added(total, sum.remainder ? [sum.remainder] : [])).toBeNear(T, near);
          }
        }
      }
    },
  );

  test("the sweep is the tree with everything frozen, remainder included", () => {
    for (const choice of references) {
      for (let maxDegree = 0; maxDegree <= model.stages.length; maxDegree++) {
        const [tree, swept] = (["tree", "sweep"] as const).map((method) =>
          degreeTerms(reference, model, tokenIds(tokens), { method, reference: choice, maxDegree }),
        );
        const near = { rtol: 0, atol: 1e-12 * sizeOfTensor(partsOf(model, tokens).T) };
        expect(swept?.terms).toBeNear(tree?.terms ?? [], near);
        expect(swept?.remainder === undefined).toBe(tree?.remainder === undefined);
        if (tree?.remainder) expect(swept?.remainder).toBeNear(tree.remainder, near);
      }
    }
  });

  test("degrees are the sums of all block paths", () => {
    const { x0, T } = partsOf(model, tokens);
    const paths = allPaths(model, x0, frozenSites(model, tokens, GATES));
    const fromEmbedding = paths.filter((path) => path.source === "embed").length;
    expect(fromEmbedding).toBe(
      [...model.stages].reduce((product, stage) => product * (1 + stage.length), 1),
    );
    const { terms } = degreeTerms(reference, model, tokenIds(tokens));
    const sums = Array.from({ length: model.stages.length + 1 }, (_, k) =>
      paths.filter((path) => path.degree === k),
    );
    expect(sums.flat()).toHaveLength(paths.length); // no path is longer
    sums.forEach((some, k) => {
      const sum = added(
        zeros(x0.shape),
        some.map((path) => path.value),
      );
      expect(degreeOf(terms, k)).toBeNear(sum, { rtol: 0, atol: 1e-12 * sizeOfTensor(T) });
    });
  });

  test("a path expansion's terms are linear in its sources", () => {
    const anatomy = anatomyOf(reference, model, tokenIds(tokens), GATES);
    const depth = model.stages.length;
    const size = anatomy.embedding.data.length;
    const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: size, maxLength: size });
    /** Terms of the same frozen blocks with another embedding and with all constants times `factor`. */
    const termsOf = (embedding: Tensor, factor: number): Tensor =>
      sweep(reference, withConstants(model, factor), { ...anatomy, embedding }, undefined, depth)
        .terms;
    const source = numbers.map((data) => reference.constant(anatomy.embedding.shape, data));
    const factor = fc.integer({ min: -3, max: 3 });
    fc.assert(
      fc.property(source, source, factor, factor, (x, y, a, b) => {
        const scaled = (v: Tensor, s: number): Tensor => reference.scale(v, s);
        const joint = termsOf(reference.add(scaled(x, a), scaled(y, b)), a + b);
        const apart = reference.add(scaled(termsOf(x, 1), a), scaled(termsOf(y, 1), b));
        expect(joint).toBeNear(apart, { rtol: 1e-12, atol: 1e-12 });
      }),
      { numRuns: 5 },
    );
  });
});

test.each(serial)(
  "%s: compositions of all subsets of blocks add up where blocks are linear, and only there",
  (_, biased) => {
    const model = withoutConstants(biased);
    const { x0, T } = partsOf(model, tokens);
    const errorWith = (sites: Sites<Tensor>): number =>
      relativeError(sumOfCompositions(reference, model, x0, sites), T);
    expect(errorWith(frozenSites(model, tokens, GATES))).toBeLessThan(1e-12);
    expect(errorWith(plainSites())).toBeGreaterThan(0.01);
    // The truncated tree of the same real blocks adds up.
    const { terms } = degreeTerms(reference, model, tokenIds(tokens), { freeze: [] });
    expect(relativeError(reference.sum(terms, ["degree"]), T)).toBeLessThan(1e-14);
  },
);

describeWithFixtures("the sum over all compositions of trained blocks", (fixtures) => {
  test.each(goldenModels)("misses the model by what is known of %s", async (name) => {
    const engine = await createCpu({ precision: "f64", threads: 1 });
    const model = await loadGolden(engine, fixtures, name);
    for (const { ids, naive_post } of fixtures.golden<GoldenModel>(name).prompts) {
      const [sum, T] = engine.scope(() => {
        const { embedding, residual } = anatomyOf(engine, model, tokenIds(ids), []);
        return [sumOfCompositions(engine, model, embedding, plainSites()), residual];
      });
      const error = relativeError(engine.read(sum), engine.read(T));
      expect(error).toBeNear(naive_post.relerr);
      engine.free([sum, T]);
    }
    await engine.close();
  });
});

/** `Σ_S f_{i_k}(… f_{i_1}(x0) …)` over all subsets `i_1 < … < i_k` of blocks: each block doubles the stack. */
function sumOfCompositions<T extends Shaped>(
  ops: Engine<T>,
  model: Model<T>,
  x0: T,
  sites: Sites<T>,
): T {
  const stack = blocksOf(model).reduce(
    (before, block) =>
      ops.scope(() => ops.concat([before, blockWrite(ops, block, before, sites)], "subset")),
    ops.broadcast(x0, { subset: 1 }),
  );
  return ops.sum(stack, ["subset"]);
}

function relativeError(sum: Tensor, T: Tensor): number {
  return sizeOfTensor(reference.sub(sum, T)) / sizeOfTensor(T);
}

/** The model with the constants that reach a block's output times a factor. */
function withConstants(model: Tiny, factor: number): Tiny {
  return mapWeights(model, (weight, name) =>
    /\.(b_\w+|bias)$/.test(name) ? reference.scale(weight, factor) : weight,
  );
}

function withoutConstants(model: Tiny): Tiny {
  return { ...model, stages: [...model.stages].map((stage) => stage.map(withoutBiases)) };
}
