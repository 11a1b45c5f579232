import { checkParameters, keptValues } from "@resolvent/analysis";
import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { run as forward, levelOf, loadModel, outlineModel, tokenIds } from "@resolvent/transformer";
import { afterAll, describe, expect, test } from "vitest";
import { paths } from "../src/analyses/paths.ts";
import { pathsAnalyses } from "../src/analyses.ts";
import {
  allSources,
  expandPaths,
  frozenRun,
  logitReadout,
  type PathExpansion,
  pathsCost,
  pathsError,
  pathText,
} from "../src/index.ts";
import { bestOf } from "../src/largest.ts";
import { searchPaths } from "../src/search.ts";

const tokens = [3, 17, 5, 5];
const vocabulary = {
  encode: () => tokens,
  tokenId: Number,
  text: (id: number) => ` ${id}`,
  entry: (id: number) => ` ${id}`,
  decode: String,
};
const folder = tinyModel("gpt2", { seed: 5 });
const model = await loadModel(reference, folder, { hash: false });

const started: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const engine of started) await engine.close();
});

function subject() {
  return {
    ...{ engine: reference, model, vocabulary, signal: new AbortController().signal },
    linearAlgebra: () => Promise.reject(new Error("not needed")),
    onProgress: () => {},
  };
}

const parse = (given: Record<string, unknown>) => {
  const checked = paths.params["~standard"].validate({ prompt: tokens, ...given });
  if (checked instanceof Promise || checked.issues !== undefined) throw new Error("not valid");
  return checked.value;
};

describe("the analysis paths", () => {
  test("routes add up to their paths, in the result and in its table", async () => {
    const result = await paths.run(subject(), parse({ top: 4, routes: 2 }));
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    for (const { effect, nodes, routes } of result.shown) {
      const shown = (routes?.shown ?? []).reduce((sum, route) => sum + route.effect, 0);
      expect(shown + (routes?.notShown.sum ?? Number.NaN)).toBeNear(effect, { rtol: 1e-12 });
      expect(routes?.shown.length).toBe(Math.min(2, Number(routes?.count)));
      expect(Number(routes?.notShown.count)).toBe(Math.max(0, Number(routes?.count) - 2));
      expect(routes?.shown.every(({ positions }) => positions.length === nodes.length + 1)).toBe(
        true,
      );
    }
    const [, table] = paths.tables(result);
    expect(table?.kind).toBe("path-route");
    const effects = table?.rows.map((row) => Number(row[4])) ?? [];
    const all = result.shown.reduce((sum, { effect }) => sum + effect, 0);
    expect(effects.reduce((sum, effect) => sum + effect, 0)).toBeNear(all, { rtol: 1e-12 });
    const without = await paths.run(subject(), parse({ top: 4 }));
    expect(without.shown[0]?.routes).toBeNull();
    expect(paths.tables(without).map(({ kind }) => kind)).toEqual([
      "path",
      "path-degree",
      "direct",
    ]);
  });

  test("a verified path says what is left without it, and how freezing agrees with the model", async () => {
    const result = await paths.run(subject(), parse({ top: 5, verify: 4 }));
    const value = result.total + result.constant;
    expect(result.answer.value).toBeNear(value, { rtol: 1e-10 });
    expect(result.target.value).toBe(result.answer.value);
    expect(result.answer.top[0]?.id).toBe(result.target.a?.id); // by default the target is the likeliest
    const checked = result.shown.flatMap(({ verified }) => verified ?? []);
    expect(checked.length).toBe(4);
    for (const { frozen, live, without } of checked) {
      expect(without.frozen.value).toBeNear(value - frozen, { rtol: 1e-9, atol: 1e-11 });
      expect(without.live.value).toBeNear(value - live, { rtol: 1e-9, atol: 1e-11 });
      for (const { top } of [without.frozen, without.live]) {
        const [likeliest] = top;
        expect(likeliest?.text).toBe(` ${likeliest?.id}`);
        expect(likeliest?.probability).toBeGreaterThan(1 / model.architecture.vocab);
        expect(likeliest?.probability).toBeLessThan(1);
      }
    }
    const signs = checked.filter(({ frozen, live }) => Math.sign(frozen) === Math.sign(live));
    expect(result.agreement).toMatchObject({ count: 4, sameSign: signs.length / 4 });
    expect((await paths.run(subject(), parse({ top: 5 }))).agreement).toBeNull();

    const table = paths.tables(result).find(({ kind }) => kind === "path-agreement");
    expect(table?.data).toBe(true); // people read it under the list
    expect(table?.rows[0]?.slice(0, 4)).toEqual([
      "frozen and live",
      result.agreement?.correlation,
      result.agreement?.rankCorrelation,
      signs.length / 4,
    ]);
  });

  test("paths are checked by their names, as they are printed", async () => {
    const listed = await paths.run(subject(), parse({ top: 6, positions: true, verify: 6 }));
    const third = listed.shown.find(({ nodes, position }) => nodes.length > 1 && position !== null);
    if (third === undefined) throw new Error("Paths go through nodes.");
    const { source, position, nodes, text } = third;
    const names = [text, `${source.replace(":", " of ")}@${position}>${nodes.join(">")}`];
    const checked = await paths.run(subject(), parse({ top: 0, budget: 0, check: names }));
    expect(checked.checked?.map(({ verified }) => verified)).toEqual([
      third.verified,
      third.verified,
    ]);
    expect(checked.checked?.[0]).toMatchObject({ source, position, nodes, text, positions: null });
    // Nothing was listed, the sums are all there.
    expect(checked.search).toMatchObject({ exhaustive: false, expanded: 0 });
    expect(checked.notShown.sum).toBeNear(listed.total, { rtol: 1e-10 });
    expect(paths.tables(checked)[1]?.kind).toBe("path-check");
    // Named beside the list, it has its verdict there.
    const both = await paths.run(subject(), parse({ top: 6, positions: true, check: [names[1]] }));
    expect(both.shown.flatMap(({ verified }) => verified ?? [])).toEqual([third.verified]);
    expect(both.agreement).toMatchObject({ count: 1 });
    // A single route; routes of a path add up to it, frozen.
    const whole = await paths.run(subject(), parse({ top: 6, positions: true, routes: 1000 }));
    const routes = whole.shown.find((one) => one.text === text)?.routes?.shown ?? [];
    const each = await paths.run(
      subject(),
      parse({ top: 0, budget: 0, check: routes.map((route) => route.text) }),
    );
    const sum = each.checked?.reduce((all, { verified }) => all + verified.frozen, 0);
    expect(sum).toBeNear(third.verified?.frozen ?? Number.NaN, { rtol: 1e-9 });
  });

  test("where a host keeps what was found, one more path costs its own check alone, and the result is the same", async () => {
    let products = 0;
    let certified = 0;
    const matmul: typeof reference.matmul = (...given) => {
      products++;
      return reference.matmul(...given);
    };
    const engine = { ...reference, matmul, precision: "f32" as const };
    const asked = async (given: object, kept?: ReturnType<typeof keptValues>) => {
      const before = products;
      const inFloat64 = async () => {
        certified++;
        return 0 as never; // of whatever type a certificate has
      };
      const values = { top: 4, routes: 2, verify: 1, ...given };
      const result = await paths.run({ ...subject(), engine, inFloat64, kept }, parse(values));
      return { result, took: products - before };
    };
    const plain = await asked({});
    const [, , third, fourth] = plain.result.shown.map(({ text }) => text);
    const more = { check: [third] };
    const all = { check: [third, fourth], verify: 4 };
    const fresh = [plain, await asked(more), await asked(all)];
    certified = 0;
    const kept = keptValues();
    const first = await asked({}, kept);
    expect(first.took).toBe(plain.took);
    const again = await asked({}, kept);
    const one = await asked(more, kept);
    const each = await asked(all, kept);
    expect([first, one, each].map(({ result }) => result)).toEqual(
      fresh.map(({ result }) => result),
    );
    // The run and what is read of it; then each check as it is in a fresh run.
    expect(again.took).toBeLessThan(plain.took / 3);
    expect(one.took - again.took).toBe((fresh[1]?.took ?? 0) - plain.took);
    expect(each.took - again.took).toBe((fresh[2]?.took ?? 0) - (fresh[1]?.took ?? 0));
    expect(certified).toBe(1);
    // Another question shares nothing with it.
    const other = await asked({ top: 3 }, kept);
    expect(other.result).toEqual((await asked({ top: 3 })).result);
    expect(other.result.shown.length).toBe(3);
  });

  test.each([
    ["embed@1 → L9.H0", "transformer/no-head"],
    ["embed@1 → L0.F0", "paths/no-node"],
    ["embed@99 → L0.H0", "paths/no-source"],
    ["nothing@1 → L0.H0", "paths/no-source"],
    ["embed@1 → L1.H0 → L0.H0", "paths/bad-path"],
    ["embed@1 → L0.H0@1 → L1.H0", "paths/bad-path"],
    ["embed@1 →", "paths/bad-path"],
    ['embed " 4"@1 → L0.H0', "paths/bad-path"],
  ])("refuses %s", async (name, code) => {
    const work = paths.run(subject(), parse({ top: 0, budget: 0, check: [name] }));
    await expect(work).rejects.toMatchObject({ code });
  });

  test("the score of a head is a sum of paths, to its query or to its keys", async () => {
    const { head, query, key } = { head: "L1.H1", query: 3, key: 1 };
    for (const side of ["query", "key"]) {
      const values = { head, query, key, side, top: 5, routes: 2, positions: true, verify: 2 };
      const result = await paths.run(subject(), parse(values));
      expect(result.score).toMatchObject({ layer: 1, head: 1, query, key, side });
      const { trace } = forward(reference, model, tokens, { sites: ["L1.attn.*"] });
      const site = (name: string) => trace.get(`L1.attn.${name}`) as Tensor; // it was asked for
      const at = (x: Tensor, pos: number) => {
        const places = { head: 1, pos: query, key_pos: pos };
        return Object.entries(places).reduce(
          (part, [axis, i]) => reference.slice(part, axis, i, i + 1),
          x,
        ).data[0] as number; // of one
      };
      const scores = [0, 1, 2, 3].map((pos) => at(site("score"), pos));
      const score = (scores[key] ?? 0) - scores.reduce((a, b) => a + b) / 4;
      expect(result.target).toMatchObject({ a: null, b: null });
      expect(result.target.value).toBeNear(score, { rtol: 1e-9 });
      expect(result.total + result.constant).toBeNear(score, { rtol: 1e-9 });
      expect(result.score?.probability).toBeNear(at(site("pattern"), key), { rtol: 1e-12 });
      expect(result.certificate.verdict).toBe("adds-up");
      for (const { effect, verified } of result.shown.slice(0, 2)) {
        expect(verified?.predicted).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
        expect(verified?.frozen).toBeNear(effect, { rtol: 1e-9, atol: 1e-12 });
        expect(verified?.without.live.value).toBeNear(score - (verified?.live ?? 0), {
          rtol: 1e-9,
        });
        expect(verified?.live).not.toBe(verified?.frozen);
      }
      // Routes end where the head looks: at its query, or at the keys that this sees.
      const ends = result.shown.flatMap(({ routes }) => routes?.shown ?? []);
      for (const { positions } of ends) expect(positions.at(-1)).toBeLessThanOrEqual(query);
      if (side === "query") for (const { positions } of ends) expect(positions.at(-1)).toBe(query);
    }
    const late = paths.run(subject(), parse({ head, query: 1, key: 3, top: 1 }));
    await expect(late).rejects.toMatchObject({ code: "paths/bad-position" });
    // What comes after the head is no part of its reasons.
    const after = { head, query, key, top: 0, budget: 0, check: ["embed@1 → L1.mlp"] };
    await expect(paths.run(subject(), parse(after))).rejects.toMatchObject({
      code: "paths/bad-path",
    });
    expect(() => parse({ head })).toThrow();
    expect(() => parse({ head, query, key, target: [1, 2] })).toThrow();
  });

  test("over prompts, people see how freezing agrees with the model", async () => {
    const over = pathsAnalyses.find(({ name }) => name === "paths");
    if (over === undefined) throw new Error("There are paths.");
    const values = { prompts: "[1,2,3]\n[4,5]\n[6,7,8]", top: 6, verify: 5, each: true };
    const encode = (prompt: string | readonly number[]): readonly number[] =>
      typeof prompt === "string" ? tokens : prompt;
    const on = { ...subject(), vocabulary: { ...vocabulary, encode } };
    const set = await over.run(on, await checkParameters(over.params, values));
    const table = over.tables(set).find(({ kind }) => kind === "path-agreement-mean");
    expect(table?.data).toBeUndefined();
    const own: number[] = set.each.map((result: PathExpansion) => result.agreement?.sameSign);
    const place = table?.columns.findIndex(({ name }) => name === "sameSign") ?? -1;
    expect(table?.rows[0]?.[place]).toBeNear(own.reduce((sum, x) => sum + x, 0) / 3);
    expect(set.certificate?.relativeError).toBeLessThan(1e-12);
    expect(set.aboveTolerance).toEqual([]);
  });

  test("the result is plain data that adds up, in the order of its effects", async () => {
    const result = await paths.run(subject(), parse({ top: 6, verify: 2, positions: true }));
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({
      schemaVersion: 1,
      kind: "paths",
      level: "head",
      precision: "f64",
    });
    const shown = result.shown.reduce((sum, { effect }) => sum + effect, 0);
    expect(shown + result.notShown.sum).toBeNear(result.total, { rtol: 1e-12 });
    expect(BigInt(result.notShown.count) + 6n).toBe(BigInt(result.count));
    const sizes = result.shown.map(({ effect }) => Math.abs(effect));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const checks = result.shown.map(({ verified }) => verified !== null);
    expect(checks).toEqual([true, true, false, false, false, false]);
    for (const { effect, verified } of result.shown.slice(0, 2)) {
      expect(verified?.predicted).toBeNear(effect, { rtol: 1e-10 });
      expect(verified?.frozen).toBeNear(effect, { rtol: 1e-10 });
      expect(verified?.live).not.toBe(verified?.frozen);
    }
    expect(result.certificate.relativeErrorFloat64).toBe(result.certificate.relativeError);
    expect(result.search).toMatchObject({ exhaustive: true, pending: null });
  });

  test("tables have a row for each path, and a cell for each column", async () => {
    const result = await paths.run(subject(), parse({ top: 3, level: "block", target: [4, 9] }));
    expect(result.target).toEqual({
      ...{ readout: 'logit " 4" − " 9"', a: { id: 4, text: " 4" }, b: { id: 9, text: " 9" } },
      value: result.answer.value,
    });
    const tables = paths.tables(result);
    for (const { columns, rows, footer = [] } of tables) {
      expect(rows.every((row) => row.length === columns.length)).toBe(true);
      expect(footer.every((row) => row.length <= columns.length)).toBe(true);
    }
    expect(tables.map(({ kind, rows }) => [kind, rows.length])).toEqual([
      ["path", 3],
      ["path-degree", 5],
      ["direct", 10],
    ]);
    const direct = tables[2];
    const parts = [...(direct?.rows ?? []), ...(direct?.footer ?? [])];
    const value = parts.reduce((sum, [, effect]) => sum + Number(effect), 0);
    expect(value).toBeNear(result.total + result.constant, { rtol: 1e-10 });
  });

  test("the estimate is what an engine is asked to do", async () => {
    const outline = await outlineModel(folder);
    for (const level of ["block", "head"] as const) {
      const cost = pathsCost(outline, tokens, { level });
      expect(cost.flops).toBeGreaterThan(0);
      const estimated = paths.estimate(
        { model: outline, vocabulary, precision: "f32" },
        parse({ level }),
      );
      expect(estimated).toEqual(cost);
    }
    const checked = pathsCost(outline, tokens, { verify: 3 }).flops;
    const unchecked = pathsCost(outline, tokens).flops;
    const one = pathsCost(outline, tokens, { verify: 1 }).flops;
    expect(checked - unchecked).toBeNear(3 * (one - unchecked), { rtol: 1e-12 });
  });

  test("sources of heads are named as in tables or as in paths", async () => {
    const of = async (name: string) =>
      (await expandPaths(reference, model, tokens, { level: "head", sources: [name], top: 3 }))
        .shown;
    const shown = await of("bias:L0.H1");
    expect(shown[0]?.source).toBe("bias:L0.H1");
    expect(await of("bias of head 0.1")).toEqual(shown);
    expect(await of("bias:head 0.1")).toEqual(shown);
    expect(await of("bias of L0.H1")).toEqual(shown);
    expect(await of("bias:L0H1")).toEqual(shown);
  });

  test("nothing is left on the engine, and float32 is certified in float64", async () => {
    const cpu = await createCpu({ precision: "f32", threads: 1 });
    started.push(cpu);
    const model32 = await loadModel(cpu, folder, { hash: false });
    const before = cpu.memory.used;
    const result = await expandPaths(cpu, model32, tokens, {
      ...{ top: 4, verify: 1, byPosition: true, sources: ["embed.*", "bias:L0.*"] },
      certify: (target) => pathsError(reference, model, tokens, target),
    });
    expect(cpu.memory.used).toBe(before);
    expect(result.certificate.relativeError).toBeLessThan(1e-4);
    expect(result.certificate.relativeErrorFloat64).toBeLessThan(1e-12);
    expect(result.otherSources).not.toBe(0);
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(expandPaths(cpu, model32, tokens, { signal: aborted })).rejects.toThrow("enough");
    expect(cpu.memory.used).toBe(before);
  });
});

test("a search leaves nothing on the engine, also where it is ended or forgets", async () => {
  const cpu = await createCpu({ precision: "f32", threads: 1 });
  started.push(cpu);
  const model32 = await loadModel(cpu, folder, { hash: false });
  const run = frozenRun(cpu, model32, tokenIds(tokens));
  const readout = logitReadout(cpu, model32, run, { a: 4, b: 9 });
  const sources = cpu.scope(() => allSources(cpu, model32, run, { level: "head" }));
  const before = cpu.memory.used;
  const given = { level: levelOf("head"), sources, readout, minDegree: 0, maxDegree: 99 } as const;
  const search = (more: object, count = 4) => {
    const best = bestOf(count);
    const flops = 1e12;
    return searchPaths(cpu, model32, run, best, { ...given, flops, ...more });
  };
  const whole = await search({});
  expect(whole).toMatchObject({ exhaustive: true, pending: 0 });
  expect(cpu.memory.used).toBe(before);
  // What may be spent is spent, but for the last piece of work, however little is left to gain.
  for (const share of [0.1, 0.3, 0.6]) {
    const part = await search({ flops: share * whole.spent }, 1);
    expect(part.exhaustive).toBe(false);
    expect(part.spent).toBeGreaterThanOrEqual(share * whole.spent);
    expect(part.spent).toBeLessThan(share * whole.spent + (3 * whole.spent) / whole.expanded);
    expect(part.expanded).toBeLessThan(whole.expanded);
  }
  expect(cpu.memory.used).toBe(before);
  const forgetful = await search({ waitingAtMost: 100 }, 1e6);
  expect(forgetful.exhaustive).toBe(false);
  expect(forgetful.pending).toBeGreaterThan(0);
  expect(cpu.memory.used).toBe(before);
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error("enough"));
  await expect(search({ signal: controller.signal, onProgress }, 1e6)).rejects.toThrow("enough");
  expect(cpu.memory.used).toBe(before);
});

test("paths read from their source to the target", () => {
  const readout = 'logit " a" − " b"';
  const texts = ["Once", " Mary"];
  const text = (name: string, position: number | null, ...nodes: string[]) =>
    pathText({ source: { name, position }, nodes }, readout, texts);
  expect(text("embed", 1, "L2.H1", "L3.mlp")).toBe(
    'embed " Mary"@1 → L2.H1 → L3.mlp → logit " a" − " b"',
  );
  expect(text("bias:L0.attn.b_O", null)).toBe('bias of L0.attn.b_O → logit " a" − " b"');
  expect(text("bias:L0.H3", 0, "L1.attn")).toBe('bias of L0.H3@0 → L1.attn → logit " a" − " b"');
});

test.each([
  [{ minDegree: 3, maxDegree: 2 }, "No path has a degree of 3 to 2: paths of this model have 0 to"],
  [{ minDegree: 99 }, "No path has a degree of 99 and more: paths of this model have 0 to"],
])("%o is refused before any work", async (degrees, why) => {
  const params = parse(degrees);
  const outline = { model: await outlineModel(folder), vocabulary, precision: "f64" } as const;
  expect(() => paths.estimate(outline, params)).toThrow(why);
  await expect(paths.run(subject(), params)).rejects.toThrow(why);
});
