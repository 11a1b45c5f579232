import { reference, type Tensor, tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, type Model } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type PatchGraph,
  type PatchResult,
  type PatchSetting,
  patchEffects,
  patchGraph,
  patchSetting,
} from "../src/index.ts";
import {
  type NaiveTarget,
  naiveTarget,
  naiveWrites,
  passedOn,
  seenBy,
  type Writes,
  writtenBy,
} from "./naive.ts";

const clean = [3, 17, 5, 28];
const corrupt = [3, 9, 5, 11];
const target: NaiveTarget = { a: 4, b: 9 };
const rtol = 1e-9;
const run = { kind: "run" } as const;

type Level = PatchSetting["level"];

const settingOf = (
  kind: PatchSetting["kind"],
  level: Level,
  direction: PatchSetting["direction"] = "noise",
): PatchSetting => patchSetting({ kind, level, reference: run, direction });

/** `reference − run` by source. */
function deltasOf(model: Model<Tensor>, from: Writes, to: Writes): (source: string) => Tensor {
  return (source) => {
    const [x, y] = [from.get(source), to.get(source)];
    if (x === undefined || y === undefined) throw new Error(`${model.name} has no ${source}.`);
    return reference.sub(y, x);
  };
}

/** Compares every effect of a result with what `naive` says of it, and that there is one wherever it should be. */
function agrees(
  result: PatchResult,
  graph: PatchGraph,
  naive: (source: string, receiver: string) => number,
  most = Number.POSITIVE_INFINITY,
): void {
  const every = Math.ceil((graph.sources.length * graph.receivers.length) / most) || 1;
  const own: number[] = [];
  const expected: number[] = [];
  result.sources.forEach((source, s) => {
    result.receivers.forEach((receiver, r) => {
      const effect = result.effect[s]?.[r];
      const before = (graph.sources[s]?.stage ?? 0) < (graph.receivers[r]?.stage ?? 0);
      expect(effect === null).toBe(!before);
      if (typeof effect !== "number" || (s * result.receivers.length + r) % every > 0) return;
      own.push(effect);
      expected.push(naive(source, receiver));
    });
  });
  expect(expected.length).toBeGreaterThan(5);
  expect(own).toBeNear(expected, { rtol, atol: 1e-12 });
}

describe.each(tinyFamilies)("%s", (family) => {
  let model: Model<Tensor>;
  beforeAll(async () => {
    model = await loadModel(reference, tinyModel(family), { hash: false });
  });
  const pair = { clean, corrupt, target };

  test.each<[Level, PatchSetting["direction"], number]>([
    ["block", "noise", 1e6],
    ["block", "denoise", 1e6],
    ["head", "noise", 1e6],
    ["neuron", "noise", 40],
  ])("all %s edges to %s are those patched one at a time", async (level, direction, most) => {
    const tokens = direction === "noise" ? clean : corrupt;
    const neurons = level === "neuron";
    const [from, to] = [clean, corrupt].map((ids) => naiveWrites(model, ids, neurons));
    if (from === undefined || to === undefined) throw new Error("There are two runs.");
    const delta = direction === "noise" ? deltasOf(model, from, to) : deltasOf(model, to, from);
    const base = naiveTarget(model, tokens, target);
    const result = await patchEffects(
      reference,
      model,
      [pair],
      settingOf("edge", level, direction),
      { memory: neurons ? 1e7 : 100_000 },
    );
    const naive = (source: string, receiver: string): number => {
      const sites = seenBy(model, tokens, receiver, delta(source));
      return naiveTarget(model, tokens, target, sites) - base;
    };
    agrees(result, patchGraph(model.architecture, level), naive, most);
  });

  const nodeLevels: Level[] = ["block", "head", "neuron", "stream"];
  test.each(nodeLevels)("all %s nodes, whole and by position", async (level) => {
    const [from, to] = [clean, corrupt].map((ids) => naiveWrites(model, ids, level === "neuron"));
    if (from === undefined || to === undefined) throw new Error("There are two runs.");
    const delta = deltasOf(model, from, to);
    const base = naiveTarget(model, clean, target);
    const effectOf = (source: string, part: Tensor): number =>
      naiveTarget(model, clean, target, writtenBy(model, clean, source, part)) - base;
    const setting = settingOf("node", level);
    const whole = await patchEffects(reference, model, [pair], setting);
    expect(whole.receivers).toEqual(["all"]);
    // Of many nodes some are patched by hand, from the first layer to the last.
    const every = Math.ceil(whole.sources.length / 30);
    const some = <T>(all: readonly T[]): T[] => all.filter((_, i) => i % every === 0);
    expect(some(whole.effect).flat()).toBeNear(
      some(whole.sources).map((source) => effectOf(source, delta(source))),
      { rtol, atol: 1e-12 },
    );
    const each = await patchEffects(reference, model, [pair], setting, { positions: true });
    expect(each.receivers).toEqual(["0", "1", "2", "3"]);
    expect(each.sources).toEqual(whole.sources);
    expect(some(each.effect).flat()).toBeNear(
      some(each.sources).flatMap((source) =>
        clean.map((_, pos) => {
          const mask = clean.map((__, i) => (i === pos ? 1 : 0));
          return effectOf(source, reference.mul(delta(source), tensor({ pos: 4 }, mask)));
        }),
      ),
      { rtol, atol: 1e-12 },
    );
  });

  test.each<Level>(["block", "head"])("all %s branches of one receiver", async (level) => {
    const delta = deltasOf(model, naiveWrites(model, clean), naiveWrites(model, corrupt));
    const base = naiveTarget(model, clean, target);
    const graph = patchGraph(model.architecture, level);
    const result = await patchEffects(reference, model, [pair], settingOf("branch", level));
    agrees(result, graph, (source, receiver) => {
      const seen =
        receiver === "final" ? delta(source) : passedOn(model, clean, receiver, delta(source));
      return naiveTarget(model, clean, target, seenBy(model, clean, "final", seen)) - base;
    });
  });
});
