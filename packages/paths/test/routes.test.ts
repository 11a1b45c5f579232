import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  frozenAt,
  levelOf,
  loadModel,
  nodeWrite,
  tokenIds,
  withoutBiases,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  allSources,
  type Claim,
  type FrozenRun,
  frozenRun,
  logitReadout,
  type PathEffect,
  type Routes,
  routesOf,
  routeText,
  spread,
  topPaths,
  verify,
} from "../src/index.ts";
import { allowed, countRoutes } from "../src/route-ways.ts";
import { stepCalled, stepsOf } from "../src/step.ts";
import type { Tiny } from "./naive.ts";

const tokens = [3, 17, 5, 5, 9];
const places = tokens.map((_, pos) => pos);
const target = { a: 4, b: 9 };
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 7 }))),
);
const named = models.map((model) => [model.name, model] as const);

/** `x` at one position, zeros elsewhere. */
function at(x: Tensor, position: number): Tensor {
  const one = reference.constant(
    { pos: tokens.length },
    places.map((pos) => (pos === position ? 1 : 0)),
  );
  return reference.arrange(reference.mul(x, one), ["pos", "d_model"]);
}

/** The effects of all routes of a path by carrying the source forwards, one position at a time. */
function naiveRoutes(
  model: Tiny,
  run: FrozenRun<Tensor>,
  { source, nodes }: Pick<PathEffect, "source" | "nodes">,
): Map<string, number> {
  const group = allSources(reference, model, run, { level: "head" }).find(({ names }) =>
    names.includes(source.name),
  );
  const index = group?.names.indexOf(source.name) ?? 0;
  const value = reference.sum(
    reference.slice(group?.values as Tensor, "source", index, index + 1),
    ["source"],
  );
  const { covector } = logitReadout(reference, model, run, target);
  const w = spread(reference, covector, tokens.length);
  let states = places
    .filter((pos) => source.position === null || source.position === pos)
    .map((pos) => ({ positions: [pos], value: at(value, pos) }));
  for (const name of nodes) {
    const node = stepCalled(model, name);
    const block = withoutBiases(node.weights);
    states = states.flatMap((state) => {
      const write = nodeWrite(reference, node, block, state.value, frozenAt(run.gates));
      const from = state.positions.at(-1) ?? 0;
      return places
        .filter((pos) => allowed(node, from, pos))
        .map((pos) => ({ positions: [...state.positions, pos], value: at(write, pos) }));
    });
  }
  const ends = states.filter(({ positions }) => positions.at(-1) === tokens.length - 1);
  return new Map(
    ends.map((state) => [
      state.positions.join(" "),
      reference.matmul(state.value, w, ["pos", "d_model"]).data[0] ?? Number.NaN,
    ]),
  );
}

describe.each(named)("routes of %s", (_, model) => {
  const run = frozenRun(reference, model, tokenIds(tokens));
  const readout = logitReadout(reference, model, run, target);
  const level = levelOf("head");
  const routesFor = (path: PathEffect, options: object = {}): Promise<Routes> =>
    routesOf(reference, model, run, readout, path, { level, routes: 1e6, ...options });

  test("are all those of a naive walk, and add up to the path", async () => {
    for (const byPosition of [false, true]) {
      const { shown } = await topPaths(reference, model, run, readout, { top: 12, byPosition });
      for (const path of shown) {
        const naive = naiveRoutes(model, run, path);
        const found = await routesFor(path);
        expect(found.exhaustive).toBe(true);
        expect(Number(found.count)).toBe(naive.size);
        expect(found.shown.length).toBe(naive.size);
        for (const { positions, effect } of found.shown) {
          const truth = naive.get(positions.join(" ")) ?? Number.NaN;
          expect(effect).toBeNear(truth, { rtol: 1e-9, atol: 1e-13 });
        }
        const all = sum(found.shown.map(({ effect }) => effect));
        expect(all).toBeNear(path.effect, { rtol: 1e-9, atol: 1e-12 });
        expect(Math.abs(found.notShown)).toBeLessThan(1e-11);
        const sizes = found.shown.map(({ effect }) => Math.abs(effect));
        expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      }
    }
  });

  test("a few of them leave an exact rest", async () => {
    const { shown } = await topPaths(reference, model, run, readout, { top: 5, minDegree: 2 });
    for (const path of shown) {
      const all = await routesFor(path);
      const few = await routesFor(path, { routes: 2 });
      expect(few.shown).toEqual(all.shown.slice(0, 2));
      const rest = sum(all.shown.slice(2).map(({ effect }) => effect));
      expect(few.notShown).toBeNear(rest, { rtol: 1e-8, atol: 1e-11 });
      // With room for few ends the routes are true ones, their rest is exact, and the answer says what it is.
      const tight = await routesFor(path, { numbersAtMost: 1 });
      const known = new Map(all.shown.map((one) => [one.positions.join(" "), one.effect]));
      for (const { positions, effect } of tight.shown) {
        expect(known.get(positions.join(" "))).toBeNear(effect, { rtol: 1e-9, atol: 1e-13 });
      }
      expect(sum(tight.shown.map(({ effect }) => effect)) + tight.notShown).toBeNear(path.effect, {
        rtol: 1e-12,
      });
      expect(tight.count).toBe(all.count);
      expect(tight.exhaustive).toBe(tight.shown.length === all.shown.length);
    }
  });

  test("what is said of a route is what the frozen model loses without it", async () => {
    const { shown } = await topPaths(reference, model, run, readout, { top: 4, minDegree: 2 });
    for (const path of shown) {
      const found = await routesFor(path, { routes: 3 });
      for (const { positions, effect } of found.shown) {
        const [position = 0, ...rest] = positions;
        const claim: Claim = {
          kind: "path",
          source: { name: path.source.name, position },
          nodes: path.nodes,
          positions: rest,
        };
        const verdict = await verify(reference, model, run, target, claim, { level });
        expect(verdict.predicted).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
        expect(verdict.frozen).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
      }
    }
  });
});

test("a source that cannot reach the readout has no routes", async () => {
  const [model] = models;
  if (model === undefined) throw new Error("There are families.");
  const run = frozenRun(reference, model, tokenIds(tokens));
  const readout = logitReadout(reference, model, run, target);
  const path = { source: { name: "embed", position: 1 }, nodes: [], degree: 0, effect: 0 };
  const found = await routesOf(reference, model, run, readout, path, {
    level: levelOf("head"),
    routes: 5,
  });
  expect(found).toEqual({ shown: [], count: 0n, notShown: 0, exhaustive: true });
});

test("a route is refused where its positions are not those of its nodes", async () => {
  const [model] = models;
  if (model === undefined) throw new Error("There are families.");
  const run = frozenRun(reference, model, tokenIds(tokens));
  const route = (position: number | null, positions: number[]) =>
    verify(reference, model, run, target, {
      ...{ kind: "path", source: { name: "embed", position }, nodes: ["L0.H1"], positions },
    });
  for (const wrong of [route(null, [4]), route(0, []), route(0, [9]), route(0, [1.5])]) {
    await expect(wrong).rejects.toMatchObject({ code: "paths/bad-path" });
  }
});

test("how a route reads", () => {
  const path = { source: { name: "embed", position: null }, nodes: ["L0.H2", "L1.mlp"] };
  expect(routeText(path, [1, 3, 3], 'logit " x"', [" a", " Mary"])).toBe(
    'embed " Mary"@1 → L0.H2@3 → L1.mlp@3 → logit " x"',
  );
});

describe("all routes", () => {
  test.each(named)("%s: as many as walking every path, position by position, finds", (_, model) => {
    const steps = stepsOf(model, "head");
    const last = tokens.length - 1;
    const counts = new Map<number, bigint>();
    const walk = (stage: number, pos: number, degree: number): void => {
      const rest = steps[stage];
      if (rest === undefined) {
        if (pos === last) counts.set(degree, (counts.get(degree) ?? 0n) + 1n);
        return;
      }
      walk(stage + 1, pos, degree);
      for (const step of rest)
        for (const to of places) if (allowed(step, pos, to)) walk(stage + 1, to, degree + 1);
    };
    const sources = [
      { enters: 0, degree: 0, names: ["embed"] },
      { enters: 1, degree: 1, names: ["bias:a", "bias:b"] },
    ] as const;
    for (const { enters, degree, names } of sources)
      for (const _name of names) for (const pos of places) walk(enters, pos, degree);
    const found = countRoutes(steps, sources, {
      ...{ positions: tokens.length, highest: steps.length },
      reads: (pos) => pos === last,
    });
    expect(found).toEqual(Array.from(found, (_own, k) => counts.get(k) ?? 0n));
    expect(found.reduce((all, own) => all + own, 0n)).toBeGreaterThan(100n);
  });

  test("are those of their paths, whether or not paths are told apart by position", async () => {
    const [model] = models;
    if (model === undefined) throw new Error("no model");
    const run = frozenRun(reference, model, tokenIds(tokens));
    const readout = logitReadout(reference, model, run, target);
    const counts = [];
    for (const byPosition of [false, true]) {
      const { shown, byDegree } = await topPaths(reference, model, run, readout, {
        ...{ byPosition, top: 1e6, level: "block" },
      });
      const own = byDegree.map(() => 0n);
      for (const path of shown) {
        const { count } = await routesOf(reference, model, run, readout, path, {
          level: levelOf("block"),
          routes: 0,
        });
        own[path.degree] = (own[path.degree] ?? 0n) + count;
      }
      expect(byDegree.map(({ routes }) => routes)).toEqual(own);
      counts.push(own);
    }
    expect(counts[0]).toEqual(counts[1]);
  });
});
