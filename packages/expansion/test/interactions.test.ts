import { createCpu } from "@resolvent/cpu";
import { cost, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { blocksOf, loadModel, mapWeights, run, runCost, tokenIds } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  degreeTerms,
  epsilonTerms,
  GATES,
  type InteractionOptions,
  interactions,
  interactionsCost,
  interactionTerms,
  type PlayerChoice,
  playersOf,
} from "../src/index.ts";
import { degreeOf, partsOf, sizeOfTensor, type Tiny } from "./naive.ts";

const tokens = [3, 17, 5, 5];
const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 11 }))),
);
const named = models.map((model) => [model.name, model] as const);

/** `m(S)` by the definition: a run in which what other players write is nothing. */
function runWith(model: Tiny, players: ReturnType<typeof playersOf>, set: readonly number[]) {
  const silent = players.filter((_, i) => !set.includes(i));
  const zero = (x: Tensor): Tensor => reference.scale(x, 0);
  const replace: Record<string, (x: Tensor) => Tensor> = {};
  for (const { block, part } of silent.flatMap(({ nodes }) => nodes)) {
    if (part === undefined) {
      replace[`${block}.write`] = zero;
      continue;
    }
    const [site, axis] = block?.endsWith(".attn") ? ["head", "head"] : ["post", "d_mlp"];
    const before = replace[`${block}.${site}`] ?? ((x) => x);
    replace[`${block}.${site}`] = (x) => without(before(x), axis, part.index);
  }
  return run(reference, model, tokens, { replace }).residual;
}

function without(parts: Tensor, axis: string, index: number): Tensor {
  const count = parts.shape[axis] ?? 0;
  const keep = reference.constant(
    { [axis]: count },
    Array.from({ length: count }, (_, i) => (i === index ? 0 : 1)),
  );
  return reference.mul(parts, keep);
}

function subsetsOf(set: readonly number[]): number[][] {
  return Array.from({ length: 2 ** set.length }, (_, bits) =>
    set.filter((_, i) => bits & (1 << i)),
  );
}

/** `I(S)` by the defining sum. */
function termOf(
  model: Tiny,
  players: ReturnType<typeof playersOf>,
  set: readonly number[],
): Tensor {
  const [first, ...rest] = subsetsOf(set).map((some) =>
    reference.scale(runWith(model, players, some), (-1) ** (set.length - some.length)),
  );
  return rest.reduce((sum, one) => reference.add(sum, one), first as Tensor);
}

const everyone: PlayerChoice = { kind: "blocks" };

describe.each(named)("%s", (_, model) => {
  const { T } = partsOf(model, tokens);
  const other = blocksOf(model).some(({ kind }) => kind === "mlp") ? "L0.mlp" : "L1.H1";
  const choices: [string, InteractionOptions][] = [
    ["blocks", {}],
    ["blocks, pairs", { order: 2 }],
    ["layers", { players: { kind: "layers" } }],
    ["heads of a layer", { players: { kind: "heads", layer: 1 } }],
    ["all heads, pairs", { players: { kind: "heads" }, order: 2 }],
    [
      "groups",
      {
        players: {
          kind: "groups",
          groups: [`L0.H0+${other}`, "L1.H0", "L0.H1"],
        },
      },
    ],
  ];

  // Where a norm follows the activation or W_out, neurons share its denominator: then none is silent by itself.
  const alone = (block: (typeof blocks)[number]): boolean =>
    block.kind === "mlp" && block.postNorm === undefined && block.writeNorm === undefined;
  const blocks = blocksOf(model);
  if (blocks.some(alone)) {
    const groups = ["L0.N3+L0.N7", "L1.N0+L1.H0", "L1.N5"];
    choices.push(["neurons and heads", { players: { kind: "groups", groups } }]);
  }

  test.each(choices)(
    "terms of %s are those of the definition",
    { timeout: 120_000 },
    async (_, options) => {
      const players = playersOf(model.architecture, options.players ?? everyone);
      const one = await interactionTerms(reference, model, tokens, options);
      expect(one.players).toEqual(players);
      const size = sizeOfTensor(T);
      const total = new Float64Array(T.data.length);
      one.sets.forEach((set, i) => {
        const term = termOf(model, players, set);
        expect(one.norms[i] ?? Number.NaN).toBeNear(sizeOfTensor(term), {
          rtol: 0,
          atol: 1e-11 * size,
        });
        term.data.forEach((x, j) => {
          total[j] = (total[j] ?? 0) + x;
        });
      });
      const sum = one.orders.reduce((all, order) => all.map((x, j) => x + (order[j] ?? 0)));
      expect(sum).toBeNear(total, { rtol: 0, atol: 1e-11 * size });
      if (one.orders.length === players.length + 1) {
        expect(sum).toBeNear(T.data, { rtol: 0, atol: 1e-11 * size }); // Σ_S I(S) = T
      }
    },
  );

  test("do not depend on how runs are chunked, nor on how they are held", {
    timeout: 120_000,
  }, async () => {
    for (const options of [{}, { players: { kind: "heads" }, order: 2 }] as const) {
      const whole = await interactionTerms(reference, model, tokens, options);
      for (const more of [{ memory: 1 }, { memory: 20_000 }, { runsMemory: 1000 }]) {
        const parts = await interactionTerms(reference, model, tokens, { ...options, ...more });
        const near = { rtol: 1e-12, atol: 1e-12 * sizeOfTensor(T) };
        expect(parts.norms).toBeNear(whole.norms, near);
        parts.orders.forEach((order, k) => {
          expect(order).toBeNear(whole.orders[k] ?? [], near);
        });
      }
    }
  });

  test("on affine blocks all four definitions of degree agree", async () => {
    const ids = tokenIds(tokens);
    const depth = model.stages.length;
    const blocks = blocksOf(model).length;
    const tree = degreeTerms(reference, model, ids, { freeze: GATES, method: "tree" });
    const paths = degreeTerms(reference, model, ids, { freeze: GATES, method: "sweep" });
    const sets = await interactionTerms(reference, model, tokens, { freeze: GATES });
    const powers = epsilonTerms(reference, model, ids, { freeze: GATES, order: blocks });
    const near = { rtol: 0, atol: 1e-12 * sizeOfTensor(T) };
    const zero = reference.scale(T, 0);
    for (let k = 0; k <= blocks; k++) {
      const D = k <= depth ? degreeOf(tree.terms, k) : zero;
      if (k <= depth) expect(degreeOf(paths.terms, k)).toBeNear(D, near);
      expect(sets.orders[k] ?? []).toBeNear(D.data, near);
      expect(powers.coefficients[k] ?? []).toBeNear(D, near);
    }
    // And on real blocks they do not.
    const live = await interactionTerms(reference, model, tokens);
    expect(live.orders[1] ?? []).not.toBeNear(sets.orders[1] ?? [], { rtol: 0, atol: 1e-6 });
  });
});

test("heads are named either way, and are the same", () => {
  const [, model] = named[0] as (typeof named)[number];
  const of = (group: string) =>
    playersOf(model.architecture, { kind: "groups", groups: [group] })[0]?.nodes.map(
      ({ block, part }) => [block, part?.index],
    );
  expect(of("head 0.1+L1.H0")).toEqual([
    ["L0.attn", 1],
    ["L1.attn", 0],
  ]);
  expect(of("L0.H1+head 1.0")).toEqual(of("head 0.1+L1.H0"));
});

test("what is asked has to fit the model", async () => {
  const [, model] = named[0] as (typeof named)[number];
  const ask = (options: InteractionOptions) => interactions(reference, model, tokens, options);
  const groups = (...list: string[]): InteractionOptions => ({
    players: { kind: "groups", groups: list },
  });
  for (const [options, code] of [
    [groups("L9"), "expansion/bad-player"],
    [groups("L0.mlpx"), "expansion/bad-player"],
    [groups("L0.H99"), "transformer/no-head"],
    [groups("L0", "L0.attn"), "expansion/repeated-player"],
    [groups("L0.attn", "L0.H1"), "expansion/repeated-player"],
    [groups("L0.H1+L0.H1"), "expansion/repeated-player"],
    [groups(), "expansion/no-players"],
    [{ players: { kind: "heads", layer: 7 } }, "transformer/no-head"],
    [{ order: 1.5 }, "expansion/bad-order"],
    [{ order: -1 }, "expansion/bad-order"],
    [{ freeze: ["x" as "norm"] }, "expansion/unknown-gate"],
  ] as const) {
    await expect(ask(options)).rejects.toMatchObject({ code });
  }
});

test("too many sets are refused before any work", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { n_layer: 10 }), { hash: false });
  const shapes = mapWeights(model, ({ shape }) => cost().given(shape));
  expect(() => interactionsCost(shapes, tokens, { order: 20 })).toThrow(/sets/);
});

test("exact interactions of ten blocks take at most 110 forward passes", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { n_layer: 5 }), { hash: false });
  expect(blocksOf(model)).toHaveLength(10);
  const outline = mapWeights(model, ({ shape }) => cost().given(shape));
  const pass = runCost(outline, tokens).matmulFlops;
  const all = interactionsCost(outline, tokens, {});
  expect(all.matmulFlops / pass).toBeLessThan(110);
});

test("leaves nothing behind on an engine, also where it is stopped", async () => {
  const engine = await createCpu({ precision: "f64", threads: 1 });
  const model = await loadModel(engine, tinyModel("llama"), { hash: false });
  await interactions(engine, model, tokens); // makes the tables that stay
  const before = engine.memory.used;
  for (const options of [
    {},
    { memory: 1 },
    { players: { kind: "heads" }, memory: 30_000, order: 2 },
    { freeze: GATES, players: { kind: "layers" } },
  ] as const satisfies readonly InteractionOptions[]) {
    await interactions(engine, model, tokens, options);
    expect(engine.memory.used).toBe(before);
    const control = new AbortController();
    const onProgress = (): void => control.abort(new Error("enough"));
    const stopped = interactions(engine, model, tokens, {
      ...options,
      signal: control.signal,
      onProgress,
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(engine.memory.used).toBe(before);
  }
  await engine.close();
});
