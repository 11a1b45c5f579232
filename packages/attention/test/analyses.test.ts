import {
  checkParameters,
  describeParameters,
  type Outline,
  type Progress,
  type Subject,
  type Vocabulary,
} from "@resolvent/analysis";
import { type Cpu, createCpu } from "@resolvent/cpu";
import { type CostOps, cost } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attentionAnalyses, headsAnalysis, ovAnalysis } from "../src/analyses.ts";
import { attentionFactors, copying, processingFor } from "../src/index.ts";

const vocabulary: Vocabulary = {
  encode: (prompt) =>
    typeof prompt === "string" ? [...prompt].map((c) => c.charCodeAt(0) % 29) : prompt,
  tokenId: Number,
  text: (id) => `t${id}`,
  entry: (id) => `t${id}`,
  decode: (ids) => ids.join(" "),
};

const NEXT_TO_NOTHING = { induction: 0.01, previousToken: 0.01, ovCopying: -0.9 };

type Weight = ReturnType<Cpu["fill"]>;

let cpu: Cpu;
beforeAll(async () => {
  cpu = await createCpu({ precision: "f64", threads: 1 });
});
afterAll(() => cpu.close());

async function subjectOf(
  family: string,
  steps: Progress[] = [],
  signal: AbortSignal = new AbortController().signal,
): Promise<Subject<Weight>> {
  return {
    engine: cpu,
    model: await loadModel(cpu, tinyModel(family), { hash: false }),
    vocabulary,
    linearAlgebra: () => cpu.linearAlgebra(),
    signal,
    onProgress: (progress) => steps.push(progress),
  };
}

describe.each(tinyFamilies)("%s", (family) => {
  test("heads: every head once, the same after JSON, nothing left behind", async () => {
    const steps: Progress[] = [];
    const subject = await subjectOf(family, steps);
    const { model } = subject;
    const params = await checkParameters(headsAnalysis.params, {
      repeatLength: 6,
    });
    await headsAnalysis.run(subject, params); // makes the tables that stay
    const before = cpu.memory.used;
    steps.length = 0;
    const result = await headsAnalysis.run(subject, params);
    expect(cpu.memory.used).toBe(before);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const { heads, layers, norm } = model.architecture;
    expect(result.heads.map(({ layer, head }) => layer * heads + head)).toEqual(
      Array.from({ length: heads * layers }, (_, i) => i),
    );
    expect(result.weightProcessing === "none").toBe(norm === "none");
    const processing = processingFor(model);
    const factors = attentionFactors(cpu, model, processing);
    const scores = await copying(cpu, await subject.linearAlgebra(), factors, {
      model,
      processing,
    });
    cpu.free(factors);
    for (const row of result.heads) {
      expect(row.ovCopying).toBe(scores.residual[row.layer]?.[row.head]);
      expect(row.ovCopyingEmbedding).toBe(scores.embedding[row.layer]?.[row.head]);
      expect(row.queryFrom === null).toBe(row.layer === 0);
      expect(row.keyFrom?.layer ?? -1).toBeLessThan(row.layer);
      expect(row.induction).toBeGreaterThanOrEqual(0);
      expect(Math.abs(row.copying ?? 2)).toBeLessThanOrEqual(1);
    }
    const last = steps.at(-1);
    expect(last?.done).toBe(last?.total);
    expect(steps.map(({ done }) => done)).toEqual(
      steps.map(({ done }) => done).toSorted((a, b) => a - b),
    );
    cpu.free(model);
  });

  test("ov: the same after JSON, nothing left behind", async () => {
    const subject = await subjectOf(family);
    const params = await checkParameters(ovAnalysis.params, {
      head: "L1.H1",
      words: [3, 5],
      tokensOf: "ab",
      top: 4,
    });
    await ovAnalysis.run(subject, params);
    const before = cpu.memory.used;
    const result = await ovAnalysis.run(subject, params);
    expect(cpu.memory.used).toBe(before);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const sum = result.singularValues.reduce((total, value) => total + value * value, 0);
    expect(result.directions).toHaveLength(Math.min(5, result.singularValues.length));
    for (const { value, share, input, output } of result.directions) {
      expect(share).toBeNear((value * value) / sum, { rtol: 1e-12 });
      for (const { positive, negative } of [input, output]) {
        expect(positive).toHaveLength(4);
        expect(positive[0]?.score).toBeGreaterThan(negative[0]?.score ?? Number.NaN);
      }
    }
    expect(result.table?.tokens.map(({ id }) => id)).toEqual([3, 5, 97 % 29, 98 % 29]);
    expect(result.table?.logits.map((row) => row.length)).toEqual([4, 4, 4, 4]);
    const heads = await headsAnalysis.run(subject, {
      weightsOnly: true,
      each: false,
      raw: false,
      sequences: 1,
      seed: 0,
    });
    const row = heads.heads.find(({ layer, head }) => layer === 1 && head === 1);
    expect(result.copying.residual).toBeNear(row?.ovCopying ?? Number.NaN, { rtol: 1e-9 });
    expect(result.copying.embedding).toBeNear(row?.ovCopyingEmbedding ?? Number.NaN, {
      rtol: 1e-9,
    });
    expect(result.copying.embeddingCentred).toBeNear(row?.ovCopyingEmbeddingCentred ?? Number.NaN, {
      rtol: 1e-9,
    });
    cpu.free(subject.model);
  });

  test("the estimates count what the analyses do", async () => {
    const outline: Outline = {
      model: await outlineModel(tinyModel(family)),
      vocabulary,
      precision: "f64",
    };
    const heads = await checkParameters(headsAnalysis.params, {
      repeatLength: 6,
    });
    const ov = await checkParameters(ovAnalysis.params, {
      head: "L1.H0",
      words: [3],
    });
    const subject = await subjectOf(family);
    for (const [estimated, work] of [
      [
        headsAnalysis.estimate(outline, heads),
        (on: Subject<Weight>) => headsAnalysis.run(on, heads),
      ],
      [ovAnalysis.estimate(outline, ov), (on: Subject<Weight>) => ovAnalysis.run(on, ov)],
    ] as const) {
      const counted = counting(subject);
      await work(counted.subject);
      // What the engine is asked for, product by product.
      expect(counted.total().matmulFlops).toBe(estimated.matmulFlops);
      expect(estimated.peakBytes).toBeGreaterThan(0);
    }
    cpu.free(subject.model);
  });
});

/** The same subject, on an engine that also counts the cost of each operation by its shapes. */
function counting(subject: Subject<Weight>): { subject: Subject<Weight>; total: CostOps["total"] } {
  const priced = cost({ precision: "f64" });
  const { product, ...fused } = cpu.fused ?? {};
  const engine: Cpu = {
    ...cpu,
    matmul: (a, b, over, last) => {
      priced.matmul(priced.given(a.shape), priced.given(b.shape), over, last);
      return cpu.matmul(a, b, over, last);
    },
    fused: {
      ...(fused as Required<Cpu>["fused"]), // all but product are there
      ...(product && {
        product: (a, b, over, last, finish) => {
          priced.matmul(priced.given(a.shape), priced.given(b.shape), over, last);
          return product(a, b, over, last, finish);
        },
      }),
    },
  };
  return { subject: { ...subject, engine }, total: priced.total };
}

describe("gpt2", () => {
  test("weights only, and weights as stored", async () => {
    const subject = await subjectOf("gpt2");
    const only = await headsAnalysis.run(subject, {
      weightsOnly: true,
      each: false,
      raw: false,
      sequences: 4,
      seed: 0,
    });
    expect(only.repeated).toBeNull();
    for (const row of only.heads) {
      expect([row.previousToken, row.duplicateToken, row.induction, row.copying]).toEqual([
        null,
        null,
        null,
        null,
      ]);
    }
    const raw = await headsAnalysis.run(subject, {
      weightsOnly: true,
      each: false,
      raw: true,
      sequences: 4,
      seed: 0,
    });
    expect(raw.weightProcessing).toBe("none");
    expect(raw.heads[3]?.ovCopying).not.toBe(only.heads[3]?.ovCopying);
    const columns = headsAnalysis.tables(only)[0]?.columns.map(({ name }) => name);
    expect(columns).not.toContain("induction");
    cpu.free(subject.model);
  });

  test("a streamed model gives the same", async () => {
    const subject = await subjectOf("gpt2");
    const files = new Map<string, Uint8Array>();
    for (const name of ["config.json", "model.safetensors"]) {
      const file = await tinyModel("gpt2").open(name);
      if (file) files.set(name, await file.read(0, await file.size()));
    }
    const options = { name: "gpt2", hash: false, stream: true };
    const model = await loadModel(cpu, memoryFolder(files), options);
    const heads = { weightsOnly: false, each: false, raw: true, sequences: 2, seed: 0, bos: 3 };
    const ov = { head: "L1.H1", directions: 2, top: 3, words: [1], raw: false };
    const streamed = { ...subject, model };
    const before = cpu.memory.used;
    const found = await headsAnalysis.run(streamed, heads);
    expect(found).toEqual(await headsAnalysis.run(subject, heads));
    expect(found.repeated?.sequences.map(([first]) => first)).toEqual([3, 3]);
    expect(await ovAnalysis.run(streamed, ov)).toEqual(await ovAnalysis.run(subject, ov));
    expect(cpu.memory.used).toBe(before);
    cpu.free(subject.model);
  });

  test("tables have a cell for each column", async () => {
    const subject = await subjectOf("gpt2");
    const heads = await headsAnalysis.run(subject, {
      weightsOnly: false,
      each: false,
      raw: false,
      sequences: 2,
      seed: 0,
    });
    const ov = await ovAnalysis.run(subject, {
      head: "L0.H1",
      directions: 2,
      top: 3,
      words: [1],
      raw: false,
    });
    const said = (induction: number, previousToken: number, ovCopying: number) =>
      headsAnalysis.answer?.({
        ...heads,
        heads: heads.heads.map((row, i) =>
          i === 1
            ? { ...row, induction, previousToken, ovCopying }
            : { ...row, ...NEXT_TO_NOTHING },
        ),
      });
    // What no head does is not said of the one that does it least little.
    expect(said(0.02, 0.9, -0.3)).toEqual([
      expect.stringMatching(
        /no head looks much at what came after the same token before \(at most 0\.0200, L0\.H1\), and L0\.H1 looks most at the token before \(0\.900\)\.$/,
      ),
      expect.stringMatching(/^No head’s OV circuit copies much: .* -?−?0\.300, of L0\.H1/),
    ]);
    expect(said(0.8, 0.1, 0.7)).toEqual([
      expect.stringContaining("L0.H1 looks most at what came after the same token before (0.800)"),
      expect.stringContaining("L0.H1 copies most"),
    ]);
    const tables = [...headsAnalysis.tables(heads), ...ovAnalysis.tables(ov)];
    expect(tables.map(({ kind }) => kind)).toEqual([
      "head",
      ...["direction", "token-matrix", "direction-token", "singular-value", "eigenvalue"],
      "token-effect",
    ]);
    for (const { columns, rows } of tables) {
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toHaveLength(columns.length);
      expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
    }
    expect(tables[0]?.rows[3]?.slice(0, 3)).toEqual([1, 1, "L1.H1"]);
    // A conjugate pair is named whole.
    const pairs = [5, 4, 3].flatMap((re) => [1, -1].map((im) => ({ re, im })));
    const residual = [{ re: 6, im: 0 }, ...pairs, { re: 1, im: 0 }];
    const some = { ...ov, eigenvalues: { ...ov.eigenvalues, residual } };
    expect(ovAnalysis.tables(some)[0]?.notes?.[1]).toMatch(/3\.00\+1\.00i, 3\.00-1\.00i\.$/);
    cpu.free(subject.model);
  });

  test("what cannot be is said", async () => {
    const subject = await subjectOf("gpt2");
    const ov = { directions: 1, top: 1, words: [], raw: false };
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    expect((await ovAnalysis.run(subject, { ...ov, head: "head 0.1" })).head).toEqual(
      (await ovAnalysis.run(subject, { ...ov, head: "L0.H1" })).head,
    );
    await expect(ovAnalysis.run(subject, { ...ov, head: "1-5" })).rejects.toEqual(
      code("transformer/bad-head"),
    );
    await expect(ovAnalysis.run(subject, { ...ov, head: "L0.H2" })).rejects.toEqual(
      code("transformer/no-head"),
    );
    const heads = { weightsOnly: false, each: false, raw: false, sequences: 1, seed: 0 };
    await expect(headsAnalysis.run(subject, { ...heads, repeatLength: 13 })).rejects.toEqual(
      code("attention/too-long"),
    );
    cpu.free(subject.model);
  });

  test("an abort ends the work and leaves nothing behind", async () => {
    const control = new AbortController();
    const steps: Progress[] = [];
    const subject = await subjectOf("gpt2", steps, control.signal);
    const params = { weightsOnly: false, each: false, raw: false, sequences: 2, seed: 0 };
    await headsAnalysis.run(subject, params);
    const before = cpu.memory.used;
    for (let stop = 1; stop < 5; stop++) {
      const aborted = new AbortController();
      let met = 0;
      const run = headsAnalysis.run(
        {
          ...subject,
          signal: aborted.signal,
          onProgress: () => void (++met === stop && aborted.abort()),
        },
        params,
      );
      await expect(run).rejects.toThrow("aborted");
      expect(cpu.memory.used).toBe(before);
    }
    cpu.free(subject.model);
  });
});

test("the list, its names and its help", () => {
  expect(attentionAnalyses.map(({ name }) => name)).toEqual(["heads", "ov"]);
  for (const { summary, params } of attentionAnalyses) {
    expect(summary).toMatch(/^[a-z].*[^.]$/);
    for (const { description } of describeParameters(params)) expect(description).not.toBe("");
  }
});
