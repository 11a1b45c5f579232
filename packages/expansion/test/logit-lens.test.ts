import { reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, plainSites, run, uncappedLogits, unembed } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { expand } from "../src/analyses/expand.ts";
import { lens } from "../src/analyses/lens.ts";
import { degreeTerms, expandByDegree, logitLens } from "../src/index.ts";

const tokens = [3, 17, 5, 5];
const target = { a: 4, b: 9 };
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Logits of a row at a position: plain numbers. */
function rowAt(logits: { readonly data: ArrayLike<number> }, pos: number, vocab: number): number[] {
  return Array.from(logits.data).slice(pos * vocab, (pos + 1) * vocab);
}
const likeliestOf = (row: readonly number[]): number => row.indexOf(Math.max(...row));
const probabilityOf = (row: readonly number[], id: number): number =>
  Math.exp(row[id] ?? 0) / sum(row.map(Math.exp));

describe.each(tinyFamilies)("%s", (family) => {
  const loaded = loadModel(reference, tinyModel(family, { seed: 4 }), { hash: false });

  test("the lens reads the stream after each block at each position", async () => {
    const model = await loaded;
    const { vocab } = model.architecture;
    const { points } = await logitLens(reference, model, tokens, { target });
    const { residual, trace } = run(reference, model, tokens, { sites: ["embed", "*.after"] });
    const logits = uncappedLogits(reference, model, residual, plainSites());
    expect(points.map(({ after }) => after)).toEqual(
      [...trace.keys()].map((site) => site.replace(".after", "")),
    );
    for (const [i, stream] of [...trace.values()].entries()) {
      const said = unembed(reference, model, stream, plainSites());
      const read = uncappedLogits(reference, model, stream, plainSites());
      for (const pos of tokens.keys()) {
        const row = rowAt(said, pos, vocab);
        const raw = rowAt(read, pos, vocab);
        const truth = (raw[target.a] ?? 0) - (raw[target.b] ?? 0);
        expect(points[i]?.values[pos]).toBeNear(truth, { rtol: 1e-10, atol: 1e-12 });
        const id = likeliestOf(row);
        expect(points[i]?.top[pos]?.[0]?.id).toBe(id);
        const [first] = points[i]?.top[pos] ?? [];
        expect(first?.probability).toBeNear(probabilityOf(row, id), { rtol: 1e-10 });
        expect(first?.logit).toBeNear(row[id] ?? Number.NaN, { rtol: 1e-10, atol: 1e-12 });
      }
    }
    const end = rowAt(logits, tokens.length - 1, vocab);
    expect(points.at(-1)?.values.at(-1)).toBeNear((end[4] ?? 0) - (end[9] ?? 0), { rtol: 1e-10 });
  });

  test.each([
    { freeze: undefined, maxDegree: undefined },
    { freeze: [], maxDegree: undefined },
    { freeze: undefined, maxDegree: 1 },
    { freeze: [], maxDegree: 1 },
  ])("a target by degree adds up: %o", async ({ freeze, maxDegree }) => {
    const model = await loaded;
    const options = { ...(freeze && { freeze }), maxDegree };
    const {
      target: asked,
      targetDegrees: found,
      terms,
    } = await expandByDegree(...([reference, model, tokens, { ...options, target }] as const));
    if (found === null || asked === null) throw new Error("It was asked for.");
    const { residual } = run(reference, model, tokens);
    const logits = uncappedLogits(reference, model, residual, plainSites());
    const { vocab } = model.architecture;
    const end = rowAt(logits, tokens.length - 1, vocab);
    const truth = (end[4] ?? 0) - (end[9] ?? 0);
    expect(asked.value).toBeNear(truth, { rtol: 1e-10 });
    const all = sum(found.degrees.map(({ contribution }) => contribution));
    expect(all + found.rest + found.constant).toBeNear(truth, { rtol: 1e-9, atol: 1e-11 });
    expect(found.degrees.length).toBe(terms.length);
    if (maxDegree === undefined) expect(found.rest).toBe(0);
    else expect(Math.abs(found.rest)).toBeGreaterThan(1e-6);

    // What the sums so far say is what their logits say.
    const { partials } = degreeTerms(
      reference,
      model,
      { shape: { pos: 4 }, data: Int32Array.from(tokens) },
      options,
    );
    const said = unembed(reference, model, partials, plainSites());
    const read = uncappedLogits(reference, model, partials, plainSites());
    for (const [k, { recomputed }] of found.degrees.entries()) {
      const own = Math.min(k, (partials.shape.degree ?? 1) - 1);
      const row = rowAt(said, own * tokens.length + tokens.length - 1, vocab);
      const raw = rowAt(read, own * tokens.length + tokens.length - 1, vocab);
      expect(recomputed.value).toBeNear((raw[4] ?? 0) - (raw[9] ?? 0), {
        rtol: 1e-9,
        atol: 1e-11,
      });
      const [first, second, third] = recomputed.top;
      expect(first?.id).toBe(likeliestOf(row));
      expect(first?.probability).toBeNear(probabilityOf(row, first?.id ?? 0), { rtol: 1e-9 });
      expect(first?.probability).toBeGreaterThanOrEqual(second?.probability ?? 1);
      expect(second?.probability).toBeGreaterThanOrEqual(third?.probability ?? 1);
    }
  });
});

describe("as analyses", () => {
  const vocabulary = {
    encode: () => tokens,
    tokenId: Number,
    text: (id: number) => ` ${id}`,
    entry: (id: number) => ` ${id}`,
    decode: String,
  };
  const subject = async () => ({
    engine: reference,
    model: await loadModel(reference, tinyModel("gpt2", { seed: 4 }), { hash: false }),
    ...{ vocabulary, signal: new AbortController().signal, onProgress: () => {} },
    linearAlgebra: () => Promise.reject(new Error("not needed")),
  });

  test("the lens has a cell for every point and position", async () => {
    const result = await lens.run(await subject(), { prompt: tokens, target: ["4", "9"] });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const [targets, likeliest, cells] = lens.tables(result);
    expect(targets?.rows.length).toBe(result.points.length);
    expect(likeliest?.rows[0]?.length).toBe(tokens.length + 1);
    expect(cells?.rows.length).toBe(result.points.length * tokens.length);
    const chosen = await lens.run(await subject(), { prompt: tokens });
    expect(chosen.target.a?.id).toBe(chosen.points.at(-1)?.top.at(-1)?.[0]?.id);
  });

  test("expand has a table of the target where one is asked for", async () => {
    const given = { prompt: tokens, freeze: [], reference: "zero", referencePrompt: [] } as const;
    const plain = await expand.run(await subject(), given);
    expect(plain.target).toBeNull();
    expect(expand.tables(plain).map(({ kind }) => kind)).toEqual(["degree-term"]);
    const asked = await expand.run(await subject(), { ...given, maxDegree: 2, target: ["4", "9"] });
    const [, table] = expand.tables(asked);
    expect(table).toMatchObject({
      kind: "degree-target",
      title: 'logit " 4" − " 9" by degree, at the last position',
    });
    expect(table?.rows.length).toBe(3);
    expect(table?.rest?.[1]).toBe(asked.targetDegrees?.rest);
  });
});
