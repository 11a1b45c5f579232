import { expandScore, interactions } from "@resolvent/expansion";
import { findCircuit, patchEffects, patchSetting } from "@resolvent/patching";
import { expandPaths } from "@resolvent/paths";
import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import {
  blockWrite,
  type Level,
  loadModel,
  type Parts,
  recording,
  type Site,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";

/**
 * A kind of node from outside: what an attention block moves from even and from odd positions. It knows the public API
 * alone, and says nothing but what it writes.
 */
const byOrigin: Parts = {
  count: () => 2,
  name: (layer, index) => `L${layer}.${index === 0 ? "even" : "odd"}`,
  writes: (ops, block, read, sites) => {
    type T = typeof read;
    const site = `${block.name}.pattern`;
    const trace = new Map<Site, T>();
    const whole = blockWrite(
      ops,
      block,
      read,
      recording(sites, (one) => one === site, trace),
    );
    const pattern = trace.get(site) as T; // every attention block passes it
    const keys = pattern.shape.key_pos ?? 0;
    const each = [0, 1].map((parity) => {
      const some = Array.from({ length: keys }, (_, key) => (key % 2 === parity ? 1 : 0));
      const own = ops.mul(pattern, ops.constant({ key_pos: keys }, some));
      const given = {
        at: (s: Site, compute: () => T): T => (s === site ? own : sites.at(s, compute)),
      };
      const written = blockWrite(ops, block, read, { ...sites, ...given });
      const bias = block.kind === "attn" ? block.b_O : undefined;
      return ops.broadcast(bias === undefined ? written : ops.sub(written, bias), { node: 1 });
    });
    return { whole, each: ops.concat(each, "node") };
  },
};
const level: Level = { name: "origin", attn: byOrigin };

const clean = [3, 17, 5, 28];
const corrupt = [3, 9, 5, 11];
const target = { a: 4, b: 9 };
const pairs = [{ clean, corrupt, target }];
const run = { kind: "run" } as const;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe.each(["gpt2", "llama", "gpt_neox", "transformer_lens-attn-only"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });
  const settingOf = (kind: "node" | "edge" | "branch", own: Level | "block") =>
    patchSetting({ kind, level: own, reference: run, direction: "noise" });

  test("paths go through them, add up, and are what the frozen model loses without them", async () => {
    const model = await loading;
    const paths = await expandPaths(reference, model, clean, {
      target,
      level,
      top: 50,
      verify: 50,
    });
    expect(paths.level).toBe("origin");
    expect(paths.shown.some(({ nodes }) => nodes.some((name) => name.endsWith(".odd")))).toBe(true);
    expect(paths.certificate.relativeError).toBeLessThan(1e-12);
    expect(paths.search.certificate?.relativeError).toBeLessThan(1e-12);
    for (const { effect, verified } of paths.shown) {
      expect(verified?.predicted ?? Number.NaN).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
      expect(verified?.frozen ?? Number.NaN).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
    }
    const whole = await expandPaths(reference, model, clean, { target, level: "block" });
    expect(paths.total).toBeNear(whole.total, { rtol: 1e-10 });
  });

  test("they are patched as nodes, edges and branches, by gradients too", async () => {
    const model = await loading;
    const nodes = await patchEffects(reference, model, pairs, settingOf("node", level));
    expect(nodes.sources).toContain("L1.odd");
    const edges = await patchEffects(reference, model, pairs, settingOf("edge", level));
    const row = edges.sources.indexOf("L1.odd");
    const last = edges.receivers.indexOf("final");
    expect(edges.effect[row]?.[last]).toEqual(expect.any(Number));
    // Their deltas add up to the block's: so do the effects of first order on the end.
    const gradient = async (own: Level | "block") =>
      patchEffects(reference, model, pairs, settingOf("edge", own), { method: "eap" });
    const [parts, blocks] = [await gradient(level), await gradient("block")];
    expect(parts.certificate?.relativeError).toBeLessThan(1e-10);
    const final = ({ sources, effect }: typeof parts, names: readonly string[]): number =>
      sum(names.map((name) => effect[sources.indexOf(name)]?.at(-1) ?? Number.NaN));
    expect(final(parts, ["L1.even", "L1.odd"])).toBeNear(final(blocks, ["L1.attn"]), {
      rtol: 1e-9,
    });
    const branches = await patchEffects(reference, model, pairs, settingOf("branch", level));
    expect(branches.effect[0]?.at(-1)).toBeNear(edges.effect[0]?.at(-1) ?? Number.NaN, {
      rtol: 1e-10,
    });
    const circuits = await findCircuit(reference, model, pairs, settingOf("edge", level));
    expect(circuits.sizes.at(-1)?.faithfulness).toBeNear(1, { rtol: 1e-9 });
  });

  test("they play: terms of all orders are the model", async () => {
    const model = await loading;
    const found = await interactions(reference, model, clean, {
      players: { kind: "parts", level },
      order: 4,
    });
    expect(found.players).toEqual(["L0.even", "L0.odd", "L1.even", "L1.odd"]);
    expect(found.certificate.relativeError).toBeLessThan(1e-12);
    const groups = ["L0.even+L1.odd", "L0.odd"];
    const grouped = await interactions(reference, model, clean, {
      players: { kind: "groups", groups, level },
    });
    expect(grouped.certificate.relativeError).toBeLessThan(1e-12);
    await expect(
      interactions(reference, model, clean, {
        players: { kind: "groups", groups: ["L0.even", "L0.H1"], level },
      }),
    ).rejects.toMatchObject({ code: "expansion/repeated-player" });
  });

  test("they are sources of a score", async () => {
    const model = await loading;
    const place = { head: { layer: 1, head: 1 }, query: 3, key: 1 };
    const own = await expandScore(reference, model, clean, { ...place, by: level });
    const whole = await expandScore(reference, model, clean, { ...place, by: "block" });
    expect(own.by).toEqual({ query: "origin", key: "origin" });
    expect(own.querySources).toContain("L0.odd");
    expect(own.certificate.relativeError).toBeLessThan(1e-12);
    expect(own.score).toBeNear(whole.score, { rtol: 1e-12 });
  });
});
