import { degreeTerms, type Gate } from "@resolvent/expansion";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  type Block,
  blocksOf,
  blockWrite,
  everyPart,
  run as forward,
  frozenAt,
  type LevelName,
  levelOf,
  loadModel,
  plainSites,
  rotaryTable,
  targetValue,
  tokenIds,
  uncappedLogits,
  withoutBiases,
} from "@resolvent/transformer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heapOf, pop, push } from "../src/heap.ts";
import {
  allSources,
  type Claim,
  directAttribution,
  effects,
  type FrozenRun,
  frozenRun,
  headReadout,
  liveSources,
  logitReadout,
  pullBack,
  type SourceId,
  type Step,
  spread,
  stepsOf,
  topPaths,
  verify,
} from "../src/index.ts";
import { bestOf } from "../src/largest.ts";
import { verifyScore } from "../src/score-readout.ts";
import { searchPaths } from "../src/search.ts";
import { oneAt } from "../src/sources.ts";
import { stepWrites } from "../src/step-writes.ts";
import { allPaths, frozenSites, partsOf, type Tiny } from "./naive.ts";

const tokens = [3, 17, 5, 5, 9];
const target = { a: 4, b: 9 };
/** Paths that are made once, without positions. */
const MANY = 50_000n;

/** What readouts are taken of: the logits of a run, not capped. */
const logitsOf = (model: Tiny): Tensor =>
  uncappedLogits(reference, model, forward(reference, model, tokens).residual, plainSites());

const levels: readonly LevelName[] = ["block", "head", "neuron"];

const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 7 }))),
);
const named = models.map((model) => [model.name, model] as const);

/** What each node of a stage writes: `node, pos, d_model`. */
function nodeWrites(
  run: FrozenRun<Tensor>,
  blocks: readonly Block<Tensor>[],
  level: LevelName,
  v: Tensor,
): Tensor {
  const made = stepWrites(reference, run, blocks, levelOf(level), v);
  const each = made.map((writes) => everyPart(reference, writes));
  return reference.concat(each, "node");
}

const runOf = (model: Tiny) => frozenRun(reference, model, tokenIds(tokens));
const dot = (a: Tensor, b: Tensor): number => {
  const over = Object.keys(a.shape);
  return reference.matmul(a, b, over).data[0] ?? Number.NaN;
};
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const dotOne = (a: Tensor): number => a.data[0] ?? Number.NaN;
const keyOf = (path: { source: SourceId; nodes: readonly string[] }): string =>
  [path.source.name, path.source.position, ...path.nodes].join(" ");

describe.each(named)("%s", (_, model) => {
  const run = runOf(model);
  const w = logitReadout(reference, model, run, target);
  const { d_model } = model.architecture;
  const stream = (seed: number): Tensor =>
    reference.constant(
      { pos: tokens.length, d_model },
      Array.from({ length: tokens.length * d_model }, (_, i) => Math.sin(seed + 1.7 * i)),
    );

  test("covectors before a node read what covectors behind it read of what it writes", () => {
    for (const level of levels) {
      for (const [stage, nodes] of stepsOf(model, level).entries()) {
        const blocks = [...model.stages][stage] ?? [];
        const v = stream(stage);
        const writes = nodeWrites(run, blocks, level, v);
        nodes.forEach((node, n) => {
          const write = reference.sum(reference.slice(writes, "node", n, n + 1), ["node"]);
          const c = reference.broadcast(stream(stage + 99), { suffix: 2 });
          const pulled = pullBack(reference, run, node, { values: c, at: undefined });
          expect(Object.keys(pulled.values.shape).slice(-2)).toEqual(["pos", "d_model"]);
          const second = reference.sum(reference.slice(pulled.values, "suffix", 1, 2), ["suffix"]);
          const truth = dot(stream(stage + 99), write);
          expect(dot(second, v)).toBeNear(truth, { rtol: 1e-11, atol: 1e-12 });

          const one = reference.sum(reference.slice(c, "pos", 2, 3), ["pos"]);
          const at = pullBack(reference, run, node, { values: one, at: 2 });
          expect(at.at).toBe(node.weights.kind === "mlp" ? 2 : undefined);
          const everywhere = spread(reference, at, tokens.length);
          const single = reference.sum(reference.slice(everywhere, "suffix", 0, 1), ["suffix"]);
          const row = spread(reference, { values: one, at: 2 }, tokens.length);
          const only = reference.sum(reference.slice(row, "suffix", 0, 1), ["suffix"]);
          expect(dot(single, v)).toBeNear(dot(only, write), { rtol: 1e-11, atol: 1e-12 });
        });
      }
    }
  });

  test("heads and b_O add up to their block", () => {
    for (const [stage, blocks] of [...model.stages].entries()) {
      const v = stream(stage);
      const parts = reference.sum(nodeWrites(run, blocks, "head", v), ["node"]);
      const whole = reference.sum(nodeWrites(run, blocks, "block", v), ["node"]);
      expect(parts.data).toBeNear(whole.data, { rtol: 1e-12 });
      const truth = blocks
        .map((block) => blockWrite(reference, withoutBiases(block), v, frozenAt(run.gates)))
        .reduce((a, b) => reference.add(a, b));
      expect(whole.data).toBeNear(truth.data, { rtol: 1e-12 });
    }
  });

  test("effects by degree are those of the sweep, however sources are told apart", async () => {
    const { terms } = degreeTerms(reference, model, tokenIds(tokens));
    const last = reference.slice(terms, "pos", tokens.length - 1, tokens.length);
    const truth = reference.matmul(last, w.covector.values, ["d_model"]).data;
    for (const level of levels) {
      for (const embeddingParts of [false, true]) {
        for (const byPosition of [false, true]) {
          const options = { level, embeddingParts, byPosition };
          const sources = allSources(reference, model, run, options);
          const [found] = await effects(reference, model, run, sources, [w]);
          const byDegree = Array.from(truth, (_, k) =>
            sum(found?.sources.map((source) => source.byDegree[k] ?? 0) ?? []),
          );
          expect(byDegree).toBeNear(truth, { rtol: 1e-11 });
        }
      }
    }
  });

  test("several readouts, at several points, in one sweep", async () => {
    const direction = reference.constant(
      { d_head: model.architecture.d_head },
      Array.from({ length: model.architecture.d_head }, (_, i) => Math.cos(i)),
    );
    const head = { layer: model.architecture.layers - 1, head: 1 };
    const query = { ...head, side: "query", position: 3 } as const;
    const key = { ...head, side: "key", position: 2 } as const;
    const readouts = [
      headReadout(reference, model, run, query, direction),
      w,
      headReadout(reference, model, run, key, direction),
    ];
    const sources = allSources(reference, model, run, { level: "head" });
    const found = await effects(reference, model, run, sources, readouts);
    const value = (r: number): number =>
      sum(found[r]?.sources.flatMap(({ byDegree }) => byDegree) ?? []) + (found[r]?.constant ?? 0);
    const { trace } = forward(reference, model, tokens, { sites: ["*.query", "*.key"] });
    const logits = logitsOf(model);
    const { a, b } = target;
    expect(value(1)).toBeNear(dotOne(targetValue(reference, logits, { a, b })), { rtol: 1e-10 });
    const block = blocksOf(model).findLast((one) => one.kind === "attn");
    if (block?.kind !== "attn") throw new Error("every model has attention");
    const kv = Math.floor(1 / (block.W_Q.shape.group ?? 1));
    for (const [r, site, axis, place, pos] of [
      [0, "query", "head", 1, "pos"],
      [2, "key", "kv_head", kv, "key_pos"],
    ] as const) {
      const all = trace.get(`${block.name}.${site}`) as Tensor; // it was asked for
      const turned = block.rotary
        ? reference.rotary(all, "d_head", pos, rotaryTable(block.rotary, tokens.length))
        : all;
      const at = r === 0 ? 3 : 2;
      const one = reference.slice(reference.slice(turned, axis, place, place + 1), pos, at, at + 1);
      const truth = dot(reference.sum(one, [axis, pos]), direction);
      expect(value(r)).toBeNear(truth, { rtol: 1e-10, atol: 1e-12 });
    }
    const [alone] = await effects(reference, model, run, sources, readouts.slice(2));
    expect(alone?.sources.flatMap((s) => s.byDegree)).toBeNear(
      found[2]?.sources.flatMap((s) => s.byDegree) ?? [],
      { rtol: 1e-12 },
    );
  });

  test("all paths by blocks are those of a naive enumeration", async () => {
    const { x0 } = partsOf(model, tokens);
    const sites = frozenSites(model, tokens, ["pattern", "norm", "activation"]);
    const naive = new Map(
      allPaths(model, x0, sites).map(({ source, blocks, value }) => [
        [source === "embed" ? source : `bias:${source}`, null, ...blocks].join(" "),
        dot(spread(reference, w.covector, tokens.length), value),
      ]),
    );
    const found = await topPaths(reference, model, run, w, { level: "block", top: 1e6 });
    expect(found.exhaustive).toBe(true);
    expect(found.shown.length).toBe(Number(found.count));
    const shown = new Map(found.shown.map((path) => [keyOf(path), path.effect]));
    for (const [key, effect] of naive) {
      expect(shown.get(key) ?? 0).toBeNear(effect, { rtol: 1e-10, atol: 1e-13 }); // zero biases are no sources
    }
    for (const key of shown.keys()) expect(naive.has(key)).toBe(true);
  });

  test.each(levels)(
    "by %s: everything adds up, by position too where paths are not too many",
    async (level) => {
      for (const byPosition of [false, true]) {
        const found = await topPaths(reference, model, run, w, { level, byPosition, top: 7 });
        const shown = sum(found.shown.map(({ effect }) => effect));
        expect(found.shown.length).toBe(7);
        expect(shown + found.notShown).toBeNear(found.total, { rtol: 1e-12 });
        expect(sum(found.byDegree.map((d) => d.sum))).toBeNear(found.total, { rtol: 1e-12 });
        expect(found.byDegree.reduce((all, d) => all + d.count, 0n)).toBe(found.count);
        expect(found.relativeError).toBeLessThan(1e-12);
        expect(found.enumeratedError).toBeLessThan(1e-11);
        const logits = logitsOf(model);
        const truth = dotOne(targetValue(reference, logits, target));
        expect(found.total + found.constant).toBeNear(truth, { rtol: 1e-10 });
        // With positions there are five times as many, and plain loops make them: of some models too many by neuron.
        if (found.count > MANY) break;
      }
    },
  );

  test("a search without end finds all paths, and says so", async () => {
    for (const byPosition of [false, true]) {
      const made = allSources(reference, model, run, { level: "head", byPosition });
      const sources = await liveSources(reference, made);
      const exact = await topPaths(reference, model, run, w, { byPosition, top: 1e6 });
      const best = bestOf(1e6);
      const report = await searchPaths(reference, model, run, best, {
        ...{ level: levelOf("head"), sources, readout: w, minDegree: 0, maxDegree: 99 },
        flops: Number.POSITIVE_INFINITY,
      });
      expect(report).toMatchObject({ exhaustive: true, pending: 0 });
      const got = new Map(best.sorted().map((path) => [keyOf(path), path.effect]));
      // Branches that promise exactly nothing are left out: their paths are all zero.
      for (const path of exact.shown) {
        expect(got.get(keyOf(path)) ?? 0).toBeNear(path.effect, { rtol: 1e-9, atol: 1e-14 });
      }
      const limited = bestOf(5);
      const cut = await searchPaths(reference, model, run, limited, {
        ...{ level: levelOf("head"), sources, readout: w, minDegree: 0, maxDegree: 99, flops: 1 },
      });
      expect(cut).toMatchObject({ exhaustive: false, expanded: 1 });
      expect(cut.pending).toBeGreaterThan(0);
    }
  });

  test("degrees and sources can be chosen", async () => {
    const all = await topPaths(reference, model, run, w, { top: 1e6 });
    const some = await topPaths(reference, model, run, w, {
      ...{ top: 1e6, minDegree: 1, maxDegree: 2, sources: ["embed.token", "embed.position"] },
    });
    expect(some.shown.every(({ degree }) => degree === 1 || degree === 2)).toBe(true);
    expect(some.total + some.otherSources).toBeNear(all.total, { rtol: 1e-10 });
    const nodes = new Map<string, number>();
    for (const { nodes: names, effect } of some.shown) {
      const key = names.join(" ");
      nodes.set(key, (nodes.get(key) ?? 0) + effect);
    }
    const embed = all.shown.filter((path) => path.source.name === "embed");
    for (const { nodes: names, effect, degree } of embed) {
      const found = nodes.get(names.join(" "));
      if (degree < 1 || degree > 2) expect(found).toBeUndefined();
      else expect(found).toBeNear(effect, { rtol: 1e-10, atol: 1e-13 });
    }
    const none = topPaths(reference, model, run, w, { sources: ["nothing"] });
    await expect(none).rejects.toMatchObject({ code: "paths/no-source" });
  });

  test("what is predicted for a path is what the frozen model loses without it", async () => {
    for (const level of levels) {
      const nodes = stepsOf(model, level);
      const made = allSources(reference, model, run, { level, embeddingParts: true });
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.option(fc.nat(tokens.length - 1)),
          fc.array(fc.nat(), { minLength: nodes.length, maxLength: nodes.length }),
          async (which, position, choices) => {
            const names = made.flatMap((g) => g.names.map((name) => ({ name, enters: g.enters })));
            const { name, enters } = names[which % names.length] ?? { name: "embed", enters: 0 };
            const path = nodes.slice(enters).flatMap((stage, i) => {
              const choice = (choices[i] ?? 0) % (2 * stage.length);
              return stage[choice]?.name ?? [];
            });
            const claim: Claim = { kind: "path", source: { name, position }, nodes: path };
            const { predicted, frozen } = await verify(reference, model, run, target, claim);
            expect(frozen).toBeNear(predicted, { rtol: 1e-10, atol: 1e-12 });
          },
        ),
        { numRuns: 12, seed: 3 },
      );
    }
  });

  test("what a path does through patterns is what the model with these alone let go loses more", async () => {
    const { x0, C } = partsOf(model, tokens);
    // Of all positions together nothing would be left to look at.
    const position = tokens.length - 2;
    const source = reference.mul(x0, oneAt(reference, tokens.length, position));
    const stages = [...model.stages];
    const names = stages.flatMap(([block]) => block?.name ?? []);
    const paths = [
      names.slice(0, 1),
      names.slice(0, 2),
      names.filter((own) => own.endsWith("mlp")),
    ];
    const effectOf = (nodes: readonly string[], freeze: readonly Gate[]): number => {
      const sites = frozenSites(model, tokens, freeze);
      const missing = nodes.reduce((came, name) => {
        const stage = stages.findIndex((blocks) => blocks.some((block) => block.name === name));
        const block = blocksOf(model).find((own) => own.name === name) as Block<Tensor>; // it was listed
        const before = stages.slice(0, stage).flatMap((blocks) => blocks.map((own) => own.name));
        const stream = [...C].reduce(
          (all, [own, write]) => (before.includes(own) ? reference.add(all, write) : all),
          x0,
        );
        const [all, left] = [stream, reference.sub(stream, came)].map((one) =>
          blockWrite(reference, block, one, sites),
        ) as [Tensor, Tensor];
        return reference.sub(all, left);
      }, source);
      return dot(spread(reference, w.covector, tokens.length), missing);
    };
    for (const nodes of paths) {
      const claim: Claim = { kind: "path", source: { name: "embed", position }, nodes };
      const options = { level: levelOf("block") };
      const { frozen, live, throughPatterns } = await verify(
        ...([reference, model, run, target, claim, options] as const),
      );
      const held = effectOf(nodes, ["pattern", "norm", "activation"]);
      const looking = effectOf(nodes, ["norm", "activation"]);
      expect(frozen).toBeNear(held, { rtol: 1e-9, atol: 1e-12 });
      expect(throughPatterns).toBeNear(looking - held, { rtol: 1e-9, atol: 1e-12 });
      const moves = nodes.some((name) => name.endsWith("attn"));
      if (moves) expect(Math.abs(looking - held)).toBeGreaterThan(1e-6);
      else expect(throughPatterns).toBe(0);
      // Where patterns are the only gates, they are all that freezing hides.
      if (model.name === "transformer_lens-attn-only")
        expect(live - frozen).toBeNear(throughPatterns ?? Number.NaN, { rtol: 1e-9, atol: 1e-12 });
    }
  });

  test("the paths shown are those that are verified", async () => {
    const { shown } = await topPaths(reference, model, run, w, { top: 3, byPosition: true });
    for (const { source, nodes, effect } of shown) {
      const claim: Claim = { kind: "path", source, nodes };
      const verdict = await verify(reference, model, run, target, claim);
      expect(verdict.predicted).toBeNear(effect, { rtol: 1e-10, atol: 1e-13 });
    }
  });

  test("edges and sources: predicted is frozen, and a whole source is all of its paths", async () => {
    const [swept] = await effects(
      ...([reference, model, run] as const),
      allSources(reference, model, run, { level: "head" }),
      [w],
    );
    for (const { name, position, byDegree } of swept?.sources ?? []) {
      const claim: Claim = { kind: "source", source: { name, position } };
      const { predicted, frozen } = await verify(reference, model, run, target, claim);
      expect(predicted).toBeNear(sum(byDegree), { rtol: 1e-10, atol: 1e-12 });
      expect(frozen).toBeNear(predicted, { rtol: 1e-10, atol: 1e-12 });
    }
    const flat = (level: LevelName): Step<Tensor>[] => stepsOf(model, level).flat();
    for (const to of [...flat("head"), ...flat("block")].map(({ name }) => name).concat("final")) {
      for (const from of ["embed", "L0.attn", "L0.H1"]) {
        const stage = flat("head")
          .concat(flat("block"))
          .find(({ name }) => name === to)?.stage;
        if (from !== "embed" && stage === 0) continue;
        const claim: Claim = { kind: "edge", from, to };
        const { predicted, frozen } = await verify(reference, model, run, target, claim);
        expect(frozen).toBeNear(predicted, { rtol: 1e-10, atol: 1e-12 });
      }
    }
  });

  test("direct attribution adds up", async () => {
    const found = await directAttribution(reference, model, run, w);
    const logits = logitsOf(model);
    const truth = dotOne(targetValue(reference, logits, target));
    const blocks = sum(Object.values(found.blocks));
    expect(found.embed + blocks + found.constant).toBeNear(truth, { rtol: 1e-11 });
    expect(sum(Object.values(found.parts))).toBeNear(found.embed, { rtol: 1e-11 });
    for (const [block, own] of Object.entries(found.attnBias)) {
      const layer = block.slice(0, block.indexOf("."));
      const heads = Object.entries(found.heads).filter(([name]) => name.startsWith(`${layer}.H`));
      const total = own + sum(heads.map(([, effect]) => effect));
      expect(total).toBeNear(found.blocks[block] ?? Number.NaN, { rtol: 1e-10, atol: 1e-13 });
    }
  });
});

test("what a path to a score does through patterns is all that freezing hides, where nothing else is held", async () => {
  const model = models.find(({ name }) => name === "transformer_lens-attn-only") as Tiny;
  const score = { layer: 1, head: 0, query: 4, key: 1, side: "query" } as const;
  const source = { name: "embed", position: 1 };
  const claim = { kind: "path", source, nodes: ["L0.H1"] } as const;
  const level = levelOf("head");
  const found = await verifyScore(reference, model, runOf(model), score, claim, { level });
  const { frozen, live, throughPatterns } = found;
  expect(throughPatterns).toBeNear(live - frozen, { rtol: 1e-9, atol: 1e-12 });
  expect(Math.abs(throughPatterns)).toBeGreaterThan(1e-6);
});

test("claims that cannot be are refused", async () => {
  const model = models[0] as Tiny;
  const run = runOf(model);
  const check = (claim: Claim) => verify(reference, model, run, target, claim);
  const source = { name: "embed", position: null };
  const code = (code: string) => ({ code });
  await expect(check({ kind: "path", source, nodes: ["L1.H0", "L0.H0"] })).rejects.toMatchObject(
    code("paths/bad-path"),
  );
  await expect(check({ kind: "path", source, nodes: ["L9.H0"] })).rejects.toMatchObject(
    code("transformer/no-head"),
  );
  await expect(
    check({ kind: "source", source: { name: "embed", position: 99 } }),
  ).rejects.toMatchObject(code("paths/no-source"));
  await expect(check({ kind: "node", node: "L0.H0", position: 99 })).rejects.toMatchObject(
    code("paths/bad-position"),
  );
  await expect(check({ kind: "edge", from: "nothing", to: "final" })).rejects.toMatchObject(
    code("paths/no-source"),
  );
});

test("a heap gives back in order, and the best are kept", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(10), (numbers, count) => {
      const heap = heapOf<number>((a, b) => a - b);
      for (const n of numbers) push(heap, n);
      const out = numbers.map(() => pop(heap));
      expect(out).toEqual([...numbers].sort((a, b) => a - b));
      expect(pop(heap)).toBeUndefined();
      const best = bestOf(count);
      for (const n of numbers) {
        best.offer(n, () => ({ source: { name: "embed", position: null }, nodes: [], degree: 0 }));
      }
      const truth = numbers
        .map(Math.abs)
        .sort((a, b) => b - a)
        .slice(0, count);
      expect(best.sorted().map(({ effect }) => Math.abs(effect))).toEqual(truth);
    }),
  );
});
