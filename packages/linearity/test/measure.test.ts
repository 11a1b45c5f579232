import { createCpu, createLinearAlgebra } from "@resolvent/cpu";
import { type LinearAlgebra, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  blocksOf,
  blockWrite,
  loadModel,
  type Model,
  mapWeights,
  nextTokenLoss,
  plainSites,
  run,
  tokenIds,
} from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import {
  curvature,
  type LinearityOptions,
  linearityScore,
  measureLinearity,
  replacedRuns,
  superposition,
} from "../src/index.ts";
import { linearityTables } from "../src/tables.ts";
import { affineModel, sampleOf, sequences } from "./models.ts";

let linearAlgebra: LinearAlgebra;
let options: LinearityOptions;
beforeAll(async () => {
  linearAlgebra = await createLinearAlgebra();
  options = { linearAlgebra, draws: 20, lensPasses: 1 };
});

const load = (family: string): Promise<Model<Tensor>> =>
  loadModel(reference, tinyModel(family), { hash: false });
const total = (a: Tensor): number => Float64Array.from(a.data).reduce((sum, x) => sum + x, 0);
/** Log-probabilities at each position, as plain numbers. */
function predictionsOf(logits: Tensor): number[][] {
  const vocab = logits.shape.vocab ?? 1;
  const { data } = reference.arrange(logits, ["pos", "vocab"]);
  return Array.from({ length: data.length / vocab }, (_, pos) => {
    const row = [...data.slice(pos * vocab, (pos + 1) * vocab)];
    const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    return row.map((x) => x - log);
  });
}
const norm = (a: Tensor): number =>
  Math.sqrt(Float64Array.from(a.data).reduce((sum, x) => sum + x * x, 0));

test("affine blocks: no defect, no curvature, tree and paths the same; MLPs score 1 and may be replaced", async () => {
  const model = await affineModel(reference);
  const result = await measureLinearity(reference, model, sampleOf(sequences(24, 8)), options);
  for (const block of result.blocks) {
    for (const name of ["superpositionDefect", "stepToMean", "stepToToken"] as const) {
      expect(block[name], `${block.block} ${name}`).toBeLessThan(1e-11);
    }
    if (block.block.endsWith("attn")) continue; // it mixes positions, so it is no map of a token
    expect(block.withResidual).toBeNear(1, { rtol: 1e-11 });
    expect(block.withoutResidual).toBeNear(1, { rtol: 1e-11 });
    expect(block.lossChange).toBeNear(0, { atol: 1e-9 });
    expect(block.replacedSuffices).toBe(1);
  }
  for (const { distance, partialDistance } of result.degrees) {
    expect(distance).toBeLessThan(1e-12);
    expect(partialDistance).toBeLessThan(1e-12);
  }
});

/** Shares of tokens that were seen, of all families. */
const shares = new Set<number | null | undefined>();

describe.each(tinyFamilies)("%s", (family) => {
  test("measures are what their definitions say, one sequence at a time", async () => {
    const model = await load(family);
    const rows = sequences(6, 7);
    const result = await measureLinearity(reference, model, sampleOf(rows), {
      ...options,
      split: "none",
      lensPasses: 0,
      draws: 4,
    });
    const runs = rows.map((row) => run(reference, model, row, { sites: () => true }));
    const joined = (of: (run: (typeof runs)[number]) => Tensor | undefined): Tensor => {
      const parts = runs.map((one) => of(one) as Tensor); // every run passes its sites
      const all = reference.concat(parts, "pos");
      return reference.rename(all, { pos: "token" });
    };
    const loss = rows.map((row, i) =>
      total(nextTokenLoss(reference, runs[i]?.logits as Tensor, tokenIds(row))),
    );
    expect(result.loss).toBeNear(loss.reduce((a, b) => a + b) / rows.length, { rtol: 1e-12 });
    for (const [i, block] of blocksOf(model).entries()) {
      const got = result.blocks[i];
      const read = joined(({ trace }) => trace.get(`${block.name}.read`));
      const write = joined(({ trace }) => trace.get(`${block.name}.write`));
      const x = reference.rename(read, { d_model: "in" });
      const without = linearityScore(linearAlgebra, { x, y: write });
      const within = linearityScore(linearAlgebra, { x, y: reference.add(read, write) });
      expect(got?.withoutResidual).toBeNear(without.score, { atol: 1e-9 });
      expect(got?.withResidual).toBeNear(within.score, { atol: 1e-9 });
      expect(got?.rank).toBe(without.rank);
      // The model run with the block replaced by a site's new value.
      let [same, suffices, tokens] = [0, 0, 0];
      const changed = rows.map((row, at) => {
        const own = runs[at]?.trace.get(`${block.name}.read`) as Tensor; // it was recorded
        const { A, b } = without.map;
        const d = b.length;
        const data = Float64Array.from({ length: row.length * d }, (_, n) => {
          let sum = b[n % d] ?? 0;
          const from = Math.floor(n / d) * d;
          for (let k = 0; k < d; k++) sum += (own.data[from + k] ?? 0) * (A[k * d + (n % d)] ?? 0);
          return sum;
        });
        const replaced = run(reference, model, row, {
          replace: { [`${block.name}.write`]: { shape: own.shape, data } },
        });
        const truth = predictionsOf(runs[at]?.logits as Tensor); // one for each row
        for (const [pos, q] of predictionsOf(replaced.logits).entries()) {
          const p = truth[pos] ?? [];
          const kl = p.reduce((sum, x, i) => sum + Math.exp(x) * (x - (q[i] ?? 0)), 0);
          const stays = p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q));
          tokens++;
          if (stays) same++;
          if (stays && kl < 0.1) suffices++;
        }
        return total(nextTokenLoss(reference, replaced.logits, tokenIds(row)));
      });
      expect(got?.replacedTop1).toBe(same / tokens);
      expect(got?.replacedSuffices).toBe(suffices / tokens);
      shares.add(got?.replacedTop1).add(got?.replacedSuffices);
      const change = changed.reduce((sum, x, at) => sum + x - (loss[at] ?? 0), 0) / rows.length;
      expect(got?.lossChange).toBeNear(change, { atol: 1e-7 });
    }
    expect(result.degrees.at(-1)?.partialDistance).toBeLessThan(1e-12); // both are T
    expect(result.degrees[0]?.distance).toBeLessThan(1e-12); // both are x0
  });

  test("the defect by its four terms, the curvature by halving the step", async () => {
    const model = await load(family);
    const { trace } = run(reference, model, sequences(1, 6), { sites: () => true });
    const embedding = trace.get("embed") as Tensor; // every run passes it
    for (const block of blocksOf(model)) {
      const f = (x: Tensor): Tensor => blockWrite(reference, block, x, plainSites());
      const read = trace.get(`${block.name}.read`) as Tensor; // the same
      const rest = reference.sub(read, embedding);
      const sum = reference.sub(reference.sub(f(read), f(embedding)), f(rest));
      const by4 = reference.add(sum, f(reference.scale(read, 0)));
      const { defect, written } = superposition(reference, block, embedding, read);
      expect(Math.sqrt(total(defect))).toBeNear(norm(by4), { rtol: 1e-10, atol: 1e-10 });
      expect(Math.sqrt(total(written))).toBeNear(norm(f(read)), { rtol: 1e-12 });

      const mean = {
        shape: { d_model: read.shape.d_model ?? 0 },
        data: embedding.data.slice(0, read.shape.d_model),
      };
      const { curved, moved } = curvature(reference, model, block, read, mean);
      // The derivative by central differences.
      const step = reference.sub(mean, read);
      const h = 1e-4;
      const ahead = f(reference.add(read, reference.scale(step, h)));
      const behind = f(reference.sub(read, reference.scale(step, h)));
      const slope = reference.scale(reference.sub(ahead, behind), 1 / (2 * h));
      const change = reference.sub(f(reference.add(read, step)), f(read));
      expect(Math.sqrt(moved.data[0] ?? 0)).toBeNear(norm(change), { rtol: 1e-10 });
      if (family === "transformer_lens-relu" && block.kind === "mlp") continue; // differences cross its kinks
      const expected = norm(reference.sub(change, slope));
      expect(Math.sqrt(curved.data[0] ?? 0)).toBeNear(expected, { rtol: 1e-4 });
    }
  });
});

test("what was seen are not all tokens of every block, nor none", () => {
  expect(shares.size).toBeGreaterThan(10);
});

test("runs with replaced blocks: the first variant is the model itself", async () => {
  const model = await load("gpt2");
  const rows = sequences(2, 5);
  const zero = {
    A: reference.fill({ d_model: 16, target: 16 }, 0),
    b: reference.fill({ d_model: 16 }, 0),
  };
  const runs = replacedRuns(reference, model, rows, () => zero);
  expect(runs.shape).toEqual({ variant: 5, batch: 2, pos: 5, d_model: 16 });
  const { residual } = run(reference, model, rows);
  expect(reference.sum(reference.slice(runs, "variant", 0, 1), ["variant"])).toBeNear(residual, {
    rtol: 1e-12,
  });
  // A block that is replaced by nothing does not write.
  const without = run(reference, model, rows, {
    replace: { "L1.attn.write": (value) => reference.scale(value, 0) },
  });
  expect(reference.sum(reference.slice(runs, "variant", 3, 4), ["variant"])).toBeNear(
    without.residual,
    { rtol: 1e-12 },
  );
});

test("the tuned lens is nearer than the affine lens on what it was trained on", async () => {
  const model = await load("gpt2");
  const { blocks } = await measureLinearity(reference, model, sampleOf(sequences(16, 8)), {
    ...options,
    split: "none",
    lensPasses: 12,
    lensRate: 3e-3,
  });
  for (const { tunedLensKl, affineLensKl } of blocks) {
    expect(tunedLensKl).toBeLessThan(affineLensKl ?? 0);
  }
});

describe("states", () => {
  test("work that is interrupted anywhere and resumed ends with the same numbers", async () => {
    const engine = await createCpu({ precision: "f32", threads: 1, blas: "off" });
    try {
      const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
      const sample = sampleOf(
        [5, 6, 7, 8, 9, 10].flatMap((length) => sequences(4, length, length)),
      );
      const whole = await measureLinearity(engine, model, sample, options);
      const before = engine.memory.used;
      let saved: unknown;
      let rounds = 0;
      for (;;) {
        const controller = new AbortController();
        let batches = 0;
        try {
          const result = await measureLinearity(engine, model, sample, {
            ...options,
            signal: controller.signal,
            onProgress: () => {
              batches++;
              if (batches === 5) controller.abort();
            },
            checkpoint: {
              saved,
              save: async (state) => {
                saved = structuredClone(state);
              },
            },
          });
          expect(result).toEqual(whole);
          break;
        } catch (error) {
          if (!(error instanceof DOMException)) throw error;
        }
        rounds++;
      }
      expect(rounds).toBeGreaterThan(2); // within each of the three passes
      expect(engine.memory.used).toBe(before);
    } finally {
      await engine.close();
    }
  });

  test("a state of other work is refused", async () => {
    const model = await load("gpt2");
    let kept: unknown;
    const controller = new AbortController();
    const checkpoint = {
      saved: undefined,
      save: async (state: unknown) => {
        kept = state;
      },
    };
    const call = measureLinearity(reference, model, sampleOf(sequences(4, 6)), {
      ...options,
      checkpoint,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(call).rejects.toThrow(DOMException);
    for (const [saved, message] of [
      [kept, /another model, corpus or setting/],
      [{ kind: "something" }, /holds no state/],
      ["x", /holds no state/],
    ] as const) {
      await expect(
        measureLinearity(reference, model, sampleOf(sequences(4, 6)), {
          ...options,
          seed: 3,
          checkpoint: { ...checkpoint, saved },
        }),
      ).rejects.toThrow(message);
    }
  });
});

describe("what has to be said", () => {
  const warned = async (rows: number[][], more: Partial<LinearityOptions> = {}) => {
    const model = await load("gpt2");
    const sample = sampleOf(rows);
    const { warnings } = await measureLinearity(reference, model, sample, { ...options, ...more });
    return warnings.map(({ message }) => message).join("\n");
  };

  test("too few tokens, too few sequences, scores of what was fitted", async () => {
    const few = await warned(sequences(4, 6));
    expect(few).toMatch(/Too few tokens: 12 to fit, fewer than 10 · d_model = 160/);
    expect(few).toMatch(/held-out scores come out too low/);
    expect(few).toMatch(/Too few sequences: intervals are drawn from 2/);
    const none = await warned(sequences(4, 6), { split: "none" });
    expect(none).toMatch(/Scored on the tokens that the maps were fit on/);
    expect(none).toMatch(/flattered/);
    expect(await warned(sequences(60, 8))).toBe("");
  });

  test("one sequence cannot be halved", async () => {
    await expect(warned(sequences(1, 6))).rejects.toThrow(/only 1/);
  });
});

test("pairs of sites: from the stream to itself all is explained; odd sites are refused", async () => {
  const model = await load("llama");
  const sample = sampleOf(sequences(30, 8));
  const between = [
    { from: "L0.attn.read", to: "L0.attn.after" },
    { from: "embed", to: "L0.attn.after" },
    { from: "L0.mlp.read", to: "L0.mlp.read" },
  ];
  const result = await measureLinearity(reference, model, sample, { ...options, between });
  const [first, second, third] = result.between;
  expect(first?.withoutResidual).toBeNear(result.blocks[0]?.withoutResidual as number, {
    rtol: 1e-10,
  });
  expect(second?.withResidual).toBeNear(first?.withResidual as number, { rtol: 1e-10 });
  expect(third?.withResidual).toBeNear(1, { rtol: 1e-12 });
  expect(third?.withoutResidual).toBeNull(); // nothing is added
  for (const to of ["L9.attn.read", "L0.attn.pattern", "logits"]) {
    const call = measureLinearity(reference, model, sample, {
      ...options,
      between: [{ from: "embed", to }],
    });
    await expect(call, to).rejects.toThrow(/site/);
  }
});

test("intervals come from the seed, hold the value, and get narrower with more sequences", async () => {
  const model = await load("gpt2");
  const few = await measureLinearity(reference, model, sampleOf(sequences(20, 8)), {
    ...options,
    draws: 100,
  });
  const again = await measureLinearity(reference, model, sampleOf(sequences(20, 8)), {
    ...options,
    draws: 100,
  });
  expect(again).toEqual(few);
  const many = await measureLinearity(reference, model, sampleOf(sequences(120, 8)), {
    ...options,
    draws: 100,
  });
  const width = (result: typeof few): number =>
    result.blocks.reduce((sum, { intervals }) => {
      const [low = 0, high = 0] = intervals.withoutResidual ?? [];
      return sum + high - low;
    }, 0);
  expect(width(many)).toBeLessThan(width(few));
  for (const block of many.blocks) {
    const [low = 1, high = 0] = block.intervals.withoutResidual ?? [];
    expect(block.withoutResidual).toBeGreaterThan(low);
    expect(block.withoutResidual).toBeLessThan(high);
  }
});

test.each([
  ["that writes a constant", (name: string) => /^L0\.mlp\.W_out$/.test(name), 0],
  ["that writes a constant to rounding", (name: string) => /^L0\.mlp\.W_out$/.test(name), 1e-17],
  ["that does not write at all", (name: string) => /^L0\.mlp\.(W_out|b_out)$/.test(name), 0],
] as const)("a block %s has no score of what it adds, and why is said", async (_, chosen, size) => {
  const plain = await load("gpt2");
  const model = mapWeights(plain, (weight, name) =>
    chosen(name) ? reference.scale(weight, size) : weight,
  );
  const result = await measureLinearity(reference, model, sampleOf(sequences(24, 8)), options);
  const still = result.blocks.find(({ block }) => block === "L0.mlp");
  expect(still).toMatchObject({ withoutResidual: null, stepToMean: null, stepToToken: null });
  expect(still?.withResidual).toBeNear(1, { rtol: 1e-9 });
  expect(result.blocks.filter(({ withoutResidual }) => withoutResidual === null)).toHaveLength(1);
  const warning = result.warnings.find(({ code }) => code === "undefined-measures");
  expect(warning?.message).toMatch(/^Some measures of L0\.mlp are not given/);
  const [table] = linearityTables(result);
  expect(table?.columns.find(({ name }) => name === "withoutResidual")?.missing).toBe("–");
});
