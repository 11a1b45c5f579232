import { createCpu } from "@resolvent/cpu";
import {
  type InputError,
  inOrder,
  reference,
  type Shape,
  type Tensor,
  tensor,
} from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { blocksOf, loadModel, type Model, mapBlock, run, shapesOf } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseEdge,
  expandScore,
  gateAt,
  qkDegrees,
  SPLITTINGS,
  type Splitting,
  scoreCost,
  scoreTerms,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5, 28, 11];

/** How many positions attention of a layer sees; undefined for all. */
function windowOf(model: Model<Tensor>, layer: number): number | undefined {
  const block = blocksOf(model).find((one) => one.kind === "attn" && one.layer === layer);
  return block?.kind === "attn" ? block.window : undefined;
}

/** A score, both sides divided somehow. */
function scoresOf(model: Model<Tensor>): fc.Arbitrary<{
  layer: number;
  head: number;
  query: number;
  key: number;
  by: { query: Splitting; key: Splitting };
}> {
  const { layers, heads } = model.architecture;
  const splitting = fc.constantFrom(...SPLITTINGS);
  return fc
    .record({
      layer: fc.nat(layers - 1),
      head: fc.nat(heads - 1),
      query: fc.nat(tokens.length - 1),
      back: fc.nat(2), // the smallest window is 3
      by: fc.record({ query: splitting, key: splitting }),
    })
    .map(({ back, ...rest }) => ({ ...rest, key: Math.max(0, rest.query - back) }));
}

describe.each(tinyFamilies)("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family, { seed: 11 }));

  test("the pairs add up to the score of the run, with any splitting", async () => {
    const model = await loading;
    const { trace } = run(reference, model, tokens, { sites: ["*.score", "*.pattern"] });
    const at = (site: string, head: number, query: number): number[] => {
      const { shape, data } = inOrder(got(trace.get(site)), ["head", "pos", "key_pos"]);
      const n = shape.key_pos ?? 0;
      return Array.from(data.subarray((head * n + query) * n, (head * n + query + 1) * n));
    };
    await fc.assert(
      fc.asyncProperty(scoresOf(model), async ({ layer, head, query, key, by }) => {
        const found = await expandScore(reference, model, tokens, {
          head: { layer, head },
          query,
          key,
          by,
        });
        const scores = at(`L${layer}.attn.score`, head, query);
        const first = windowOf(model, layer) === 3 ? Math.max(0, query - 2) : 0;
        const seen = scores.slice(first, query + 1);
        const score = got(scores[key]);
        const centred = score - sum(seen) / seen.length;
        const size = Math.max(Math.abs(score), ...found.matrix.flat().map(Math.abs));
        expect(sum(found.matrix.flat())).toBeNear(score, { atol: 1e-12 * size });
        expect(sum(found.matrixKeyCentred.flat())).toBeNear(centred, { atol: 1e-12 * size });
        expect(found.certificate.relativeError).toBeLessThan(1e-12);
        expect([found.score, found.centredScore]).toBeNear([score, centred], { rtol: 1e-12 });
        expect(found.pattern).toBeNear(got(at(`L${layer}.attn.pattern`, head, query)[key]), {
          rtol: 1e-12,
        });
        expect(found.matrix.map((row) => row.length)).toEqual(
          found.querySources.map(() => found.keySources.length),
        );
      }),
      { numRuns: 15, seed: 1 },
    );
  });

  test("finer splittings add up to coarser ones", async () => {
    const model = await loading;
    const layer = model.architecture.layers - 1;
    const rowSums = async (by: Splitting): Promise<Map<string, readonly number[]>> => {
      const choice = { head: { layer, head: 1 }, query: 5, key: 3 };
      const found = await expandScore(reference, model, tokens, {
        ...choice,
        by: { query: by, key: "block" },
      });
      return new Map(found.querySources.map((name, a) => [name, got(found.matrix[a])]));
    };
    const blocks = await rowSums("block");
    const byHead = grouped(await rowSums("head"), (name) => {
      const [, at] = /^(?:bias:)?(L\d+)\.(?:H\d+|attn\.b_O)$/.exec(name) ?? [];
      return at === undefined ? name : `${at}.attn`;
    });
    expect(named(byHead)).toEqual(named(blocks));
    for (const [name, row] of blocks) expect(byHead.get(name)).toBeNear(row, { atol: 1e-12 });

    const byNeuron = grouped(await rowSums("neuron"), (name) => {
      const [, at] = /^(?:bias:)?(L\d+)\.(?:N\d+|mlp\.b_out)$/.exec(name) ?? [];
      return at === undefined ? name : `${at}.mlp`;
    });
    for (const [name, row] of blocks) {
      if (name.endsWith(".mlp")) expect(byNeuron.get(name)).toBeNear(row, { atol: 1e-12 });
    }

    const fine = await rowSums("degree-block");
    const ofBlocks = grouped(fine, (name) => name.replace(/ degree \d+$/, ""));
    expect(named(ofBlocks)).toEqual(named(blocks));
    for (const [name, row] of blocks) expect(ofBlocks.get(name)).toBeNear(row, { atol: 1e-12 });

    const degrees = await rowSums("degree");
    const ofDegrees = grouped(fine, (name) =>
      name.startsWith("embed") ? "degree 0" : name.replace(/^.* (?=degree)/, ""),
    );
    expect(named(ofDegrees)).toEqual(named(degrees));
    for (const [name, row] of degrees) expect(ofDegrees.get(name)).toBeNear(row, { atol: 1e-12 });
  });

  test("without a token the frozen model has the score of the pairs that are left", async () => {
    const model = await loading;
    const layer = model.architecture.layers - 1;
    const block = `L${layer}.attn`;
    const gone = 3;
    const { trace } = run(reference, model, tokens, {
      sites: (site) => gateAt(site) !== undefined || site === "embed.token",
    });
    // A frozen pattern leaves no queries and keys; here they are left to the last layer.
    const isLeft = (site: string): boolean =>
      site === `${block}.pattern` || (/(query|key)_norm$/.test(site) && !site.startsWith(block));
    const frozen = Object.fromEntries(
      [...trace].filter(([site]) => site !== "embed.token" && !isLeft(site)),
    );
    const without = run(reference, model, tokens, {
      replace: {
        ...frozen,
        "embed.token": (token: Tensor) => withoutRow(token, gone),
      },
      sites: [`${block}.score`],
    });
    const scores = inOrder(got(without.trace.get(`${block}.score`)), ["head", "pos", "key_pos"]);
    const found = await expandScore(reference, model, tokens, {
      head: { layer, head: 0 },
      query: 5,
      key: 4,
      by: "token",
    });
    const isGone = (name: string): boolean => name.endsWith(`@${gone}`);
    const left = found.matrix.flatMap((row, a) =>
      row.filter(
        (_, b) => !isGone(got(found.querySources[a])) && !isGone(got(found.keySources[b])),
      ),
    );
    expect(found.querySources.filter(isGone)).toHaveLength(1);
    const expected = got(scores.data[5 * tokens.length + 4]);
    expect(sum(left)).not.toBeNear(found.score, { atol: 1e-6 });
    expect(sum(left)).toBeNear(expected, { atol: 1e-12 * Math.max(...left.map(Math.abs)) });
  });

  test("all heads and keys at once are each of them", async () => {
    const model = await loading;
    const layer = model.architecture.layers - 1;
    const by = { query: "degree", key: "head" } as const;
    const query = 4;
    const all = scoreTerms(reference, model, tokens, { layer, query, by });
    const { heads } = model.architecture;
    expect(all.firstKey).toBe(windowOf(model, layer) === 3 ? 2 : 0);
    const keys = query + 1 - all.firstKey;
    expect(sizes(all.matrix.shape)).toEqual({
      head: heads,
      query_source: all.querySources.length,
      key_source: all.keySources.length,
      key_pos: keys,
    });
    for (const [head, key] of [
      [0, 2],
      [heads - 1, 4],
    ] as const) {
      const one = scoreTerms(reference, model, tokens, { layer, head, query, key, by });
      for (const field of ["matrix", "matrixKeyCentred", "score", "scoreCentred"] as const) {
        const ofHead = reference.slice(all[field], "head", head, head + 1);
        const at = key - all.firstKey;
        const same = reference.slice(ofHead, "key_pos", at, at + 1);
        expect(one[field], field).toBeNear(same, { atol: 1e-13 });
      }
    }
  });
});

test("more pairs than a result can hold are refused before the work, from shapes", async () => {
  const wide = shapesOf(await loadModel(reference, tinyModel("gpt2")));
  const large = { ...wide, architecture: { ...wide.architecture, d_mlp: 3000 } };
  const stages = [...wide.stages].map((stage) =>
    stage.map((block) =>
      mapBlock(block, (weight) => ({
        ...weight,
        shape: "d_mlp" in weight.shape ? { ...weight.shape, d_mlp: 3000 } : weight.shape,
      })),
    ),
  );
  const choice = { head: { layer: 1, head: 1 }, query: 4, key: 3, by: "neuron" } as const;
  expect(() => scoreCost({ ...large, stages }, tokens, choice)).toThrow(
    expect.objectContaining({ code: "expansion/too-many-pairs" }),
  );
  scoreCost({ ...large, stages }, tokens, { ...choice, by: { query: "neuron", key: "block" } });
});

describe("what is refused", async () => {
  const mistral = await loadModel(reference, tinyModel("mistral"));
  const score = { head: { layer: 1, head: 1 }, query: 4, key: 3 };
  test.each([
    ["transformer/no-head", { ...score, head: { layer: 3, head: 0 } }],
    ["transformer/no-head", { ...score, head: { layer: 0, head: 4 } }],
    ["expansion/bad-position", { ...score, query: 6 }],
    ["expansion/bad-position", { ...score, key: 5 }],
    ["expansion/bad-position", { ...score, key: 1.5 }],
    ["expansion/key-not-seen", { ...score, key: 1 }],
    ["expansion/unknown-splitting", { ...score, by: "nothing" as Splitting }],
  ])("%s", async (code, choice) => {
    const failing = expandScore(reference, mistral, tokens, choice);
    await expect(failing).rejects.toMatchObject({ code } satisfies Partial<InputError>);
  });
});

describe("the choice", async () => {
  const model = await loadModel(reference, tinyModel("gpt2-untied", { seed: 4 }));
  test("keeps what is given", async () => {
    const given = { head: { layer: 0, head: 1 }, query: 3, key: 2 };
    expect(await chooseEdge(reference, model, tokens, given)).toMatchObject(given);
  });
  test("finds the head that looks at a given key most, and works for a single token", async () => {
    const { trace } = run(reference, model, tokens, { sites: ["*.pattern"] });
    const seen = [1, 2].flatMap((layer) => {
      const pattern = inOrder(got(trace.get(`L${layer}.attn.pattern`)), ["head", "pos", "key_pos"]);
      return [0, 1].map((head) => ({
        head: { layer, head },
        probability: got(pattern.data[(head * 6 + 4) * 6 + 1]),
      }));
    });
    const most = got(seen.sort((a, b) => b.probability - a.probability)[0]);
    const chosen = await chooseEdge(reference, model, tokens, { query: 4, key: 1 });
    expect(chosen.head).toEqual(most.head);
    expect(await chooseEdge(reference, model, [7])).toMatchObject({ query: 0, key: 0 });
  });
});

function got<V>(value: V | undefined): V {
  if (value === undefined) throw new Error("There is no such value.");
  return value;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, x) => all + x, 0);
const named = (rows: ReadonlyMap<string, unknown>): string[] => [...rows.keys()].sort();
const sizes = (shape: Shape): Shape => ({ ...shape });

/** Rows added up by what `name` makes of their names. */
function grouped(
  rows: ReadonlyMap<string, readonly number[]>,
  name: (source: string) => string,
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [source, row] of rows) {
    const known = groups.get(name(source)) ?? row.map(() => 0);
    groups.set(
      name(source),
      known.map((x, i) => x + got(row[i])),
    );
  }
  return groups;
}

/** A tensor whose row of one position is zero. */
function withoutRow(x: Tensor, pos: number): Tensor {
  const { shape, data } = inOrder(x, ["pos", "d_model"]);
  const width = shape.d_model ?? 0;
  return tensor(
    shape,
    Float64Array.from(data, (value, i) => (Math.floor(i / width) === pos ? 0 : value)),
  );
}

test.each(["gpt2-untied", "gpt_neox", "qwen3"])(
  "%s, its layers read when they are reached",
  async (family) => {
    const cpu = await createCpu({ precision: "f64", threads: 1 });
    const files = new Map<string, Uint8Array>();
    for (const name of ["config.json", "model.safetensors"]) {
      const source = await tinyModel(family).open(name);
      if (source) files.set(name, await source.read(0, await source.size()));
    }
    const folder = memoryFolder(files); // can be read at once
    const model = await loadModel(cpu, folder, { hash: false });
    const streamed = await loadModel(cpu, folder, { stream: true, hash: false });
    const edge = { head: { layer: 1, head: 1 }, query: 4, key: 2 };
    for (const by of SPLITTINGS) {
      const { matrix } = await expandScore(cpu, streamed, tokens, { ...edge, by });
      expect(matrix).toEqual((await expandScore(cpu, model, tokens, { ...edge, by })).matrix);
    }
    const asked = { ...edge, target: { a: 1, b: 2 } };
    expect(await qkDegrees(cpu, streamed, tokens, asked)).toEqual(
      await qkDegrees(cpu, model, tokens, asked),
    );
    await cpu.close();
  },
);
