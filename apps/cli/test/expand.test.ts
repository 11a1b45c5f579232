import { join } from "node:path";
import type { DegreeExpansion } from "@resolvent/expansion";
import { beforeAll, describe, expect, test } from "vitest";
import { output as processOutput } from "./command.ts";
import { idsOf, temporaryFolder, writeBF16, writeHollowModel, writeModel } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

const one = ["--threads", "1"];
const expand = (...args: string[]): string[] => [
  "expand",
  model,
  "--prompt",
  "a cat",
  ...one,
  ...args,
];

/** Rows of a CSV without quoted cells, by its head. */
function csvRows(text: string): Record<string, string>[] {
  const [head = "", ...rows] = text.trimEnd().split("\n");
  const names = head.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((cell, i) => [names[i], cell])));
}

describe("the JSON of an expansion", () => {
  test("has the documented fields", async () => {
    const result = await json<DegreeExpansion>(expand());
    expect(result).toEqual({
      schemaVersion: 1,
      kind: "degree-expansion",
      model: {
        name: "small",
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        architecture: "gpt2",
        blocks: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
      },
      question: expect.stringMatching(/^[0-9a-f]{64}$/),
      input: { tokens: [..."a cat"].map((text, i) => ({ id: idsOf("a cat")[i], text })) },
      method: "sweep",
      freeze: ["pattern", "norm", "activation"],
      reference: { kind: "zero", prompts: [] },
      weightProcessing: "none",
      engine: "cpu",
      precision: "f32",
      terms: [0, 1, 2, 3, 4].map((degree) => ({
        degree,
        norm: expect.any(Number),
        relativeNorm: expect.any(Number),
        logitShare: expect.any(Number),
        partial: {
          frozenNorm: {
            kl: expect.any(Number),
            top1: expect.any(Number),
            loss: expect.any(Number),
          },
          recomputedNorm: {
            kl: expect.any(Number),
            top1: expect.any(Number),
            loss: expect.any(Number),
          },
        },
      })),
      remainder: { relativeNorm: 0, from: "none", logitShare: 0 },
      constant: { logitNorm: expect.any(Number) },
      target: null,
      targetDegrees: null,
      run: {
        residualNorm: expect.any(Number),
        logitNorm: expect.any(Number),
        loss: expect.any(Number),
      },
      certificate: {
        ...{ relativeError: expect.any(Number), relativeErrorFloat64: expect.any(Number) },
        ...{ tolerance: 1e-3, toleranceFloat64: 1e-9, verdict: "adds-up" },
      },
      warnings: [],
    });
    expect(result.certificate.relativeError).toBeLessThan(1e-5);
    expect(result.certificate.relativeErrorFloat64).toBeLessThan(1e-13);
    const shares = result.terms.reduce((sum, term) => sum + (term.logitShare ?? Number.NaN), 0);
    expect(shares).toBeNear(1, { rtol: 1e-5 });
  });

  test("has no loss for a single token, and no float64 where that is left out", async () => {
    const result = await json<DegreeExpansion>([
      ...["expand", model, "--tokens", "3", "--no-float64", ...one],
    ]);
    expect(result.run.loss).toBeNull();
    expect(result.terms[0]?.partial.frozenNorm.loss).toBeNull();
    expect(result.certificate.relativeErrorFloat64).toBeNull();
  });
});

describe("the formats", () => {
  let expansion: DegreeExpansion;
  const args = ["--precision", "f64", "--freeze", "none", "--max-degree", "2"];
  beforeAll(async () => {
    expansion = await json<DegreeExpansion>(expand(...args));
  });

  test("--json is --format json", async () => {
    expect(JSON.parse(await output(expand(...args, "--format", "json")))).toEqual(expansion);
    expect(JSON.parse(await output(expand(...args, "--format", "json", "--json")))).toEqual(
      expansion,
    );
  });

  test("ndjson has the same numbers, a line for each term and one for the rest", async () => {
    const text = await output(expand(...args, "--format", "ndjson"));
    const [first, ...lines] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { terms, ...rest } = expansion;
    expect(first).toEqual(rest);
    expect(lines.slice(0, -1)).toEqual(terms.map((term) => ({ kind: "degree-term", ...term })));
    const { relativeNorm, logitShare } = expansion.remainder;
    expect(lines.at(-1)).toMatchObject({
      ...{ kind: "rest", of: "degree-term", degree: null, norm: null, relativeNorm, logitShare },
    });
  });

  test("csv has the same numbers", async () => {
    const rows = csvRows(await output(expand(...args, "--format", "csv")));
    const { relativeNorm, logitShare } = expansion.remainder;
    expect(rows.at(-1)).toMatchObject({
      ...{ kind: "rest", degree: "", relativeNorm: String(relativeNorm) },
      logitShare: String(logitShare),
    });
    expect(rows.slice(0, -1)).toEqual(
      expansion.terms.map(({ degree, norm, relativeNorm, logitShare, partial }) => ({
        kind: "degree-term",
        degree: String(degree),
        norm: String(norm),
        relativeNorm: String(relativeNorm),
        logitShare: String(logitShare),
        frozenNormKl: String(partial.frozenNorm.kl),
        frozenNormTop1: String(partial.frozenNorm.top1),
        frozenNormLoss: String(partial.frozenNorm.loss),
        recomputedNormKl: String(partial.recomputedNorm.kl),
        recomputedNormTop1: String(partial.recomputedNorm.top1),
        recomputedNormLoss: String(partial.recomputedNorm.loss),
      })),
    );
  });

  test.each([{}, { NO_COLOR: "1" }, { FORCE_COLOR: "3" }])(
    "the table is aligned and plain when piped, with %j",
    async (env) => {
      const text = await processOutput(expand(...args), { env });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: there should be none
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      const lines = text.split("\n");
      expect(lines[0]).toBe("Truncated tree (nothing frozen)");
      expect(lines[1]).toBe('small, 4 blocks, 5 tokens: "a cat"');
      const [head = "", ...rows] = lines.slice(3, 8);
      expect(rows.map((row) => row.slice(0, 6).trim())).toEqual(["0", "1", "2", "rest"]);
      // Each number ends where its head ends.
      for (const name of ["‖D‖/‖T‖", "KL so far", "top-1", "KL, final norm recomputed"]) {
        const end = head.indexOf(name) + name.length;
        for (const row of rows.slice(0, 3)) expect(row.slice(0, end)).toMatch(/\S$/);
        for (const row of rows.slice(0, 3)) expect(row.slice(end)).toMatch(/^( {2}|$)/);
      }
      expect(text).toContain("certificate: ‖Σ D_k + rest − T‖/‖T‖ = ");
    },
  );

  test("the whole sum differs from the model by rounding only, and the table says so", async () => {
    const text = await output(expand());
    const last = text.split("\n").find((line) => line.trimStart().startsWith("4 "));
    expect(last).toMatch(/<1e-6 +100\.0 % +<1e-6$/);
    expect(text).not.toMatch(/-0\.0 %/);
  });
});

describe("what is expanded", () => {
  test.each([
    ["none", [], "tree"],
    ["pattern", ["pattern"], "tree"],
    ["norm,pattern", ["pattern", "norm"], "tree"],
    ["all", ["pattern", "norm", "activation"], "sweep"],
  ])("--freeze %s", async (flag, freeze, method) => {
    const result = await json<DegreeExpansion>(expand("--freeze", flag, "--no-float64"));
    expect(result.freeze).toEqual(freeze);
    expect(result.method).toBe(method);
  });

  test("--method: the tree and the sweep agree where all is frozen", async () => {
    const at = (method: string): Promise<DegreeExpansion> =>
      json<DegreeExpansion>(expand("--method", method, "--precision", "f64"));
    const [tree, sweep] = [await at("tree"), await at("sweep")];
    expect([tree.method, sweep.method]).toEqual(["tree", "sweep"]);
    expect(tree.terms.map((term) => term.norm)).toBeNear(sweep.terms.map((term) => term.norm));
  });

  test("--max-degree leaves a remainder; one beyond the blocks leaves none", async () => {
    const full = await json<DegreeExpansion>(expand("--max-degree", "1000000000"));
    const cut = await json<DegreeExpansion>(expand("--max-degree", "1"));
    expect(full.terms.length).toBe(5);
    expect(full.remainder.from).toBe("none");
    expect(cut.terms.length).toBe(2);
    expect(cut.remainder.from).toBe("paths");
    expect(cut.remainder.relativeNorm).toBeGreaterThan(0.01);
    expect(cut.terms.map((term) => term.norm)).toBeNear(
      full.terms.slice(0, 2).map((term) => term.norm),
      { rtol: 1e-5 },
    );
    expect(cut.certificate.relativeError).toBeLessThan(1e-5);
  });

  test("--reference mean and run", async () => {
    const zero = await json<DegreeExpansion>(expand());
    const own = await json<DegreeExpansion>(expand("--reference", "mean"));
    expect(own.reference).toEqual({ kind: "mean", prompts: [idsOf("a cat")] });
    const mean = await json<DegreeExpansion>(
      expand("--reference", "mean", "--reference-prompt", "the dog", "an owl"),
    );
    expect(mean.reference?.prompts).toEqual([idsOf("the dog"), idsOf("an owl")]);
    const run = await json<DegreeExpansion>(
      expand("--reference", "run", "--reference-prompt", "a dog"),
    );
    expect(run.reference).toEqual({ kind: "run", prompts: [idsOf("a dog")] });
    const first = [zero, own, mean, run].map((result) => result.terms[0]?.norm);
    expect(new Set(first).size).toBe(4);
    for (const result of [own, mean, run]) {
      expect(result.certificate.relativeError).toBeLessThan(1e-5);
    }
    // The other run being this run, nothing is left for higher degrees.
    const same = await json<DegreeExpansion>(
      expand("--reference", "run", "--reference-prompt", "a cat"),
    );
    expect(same.terms[0]?.relativeNorm).toBeNear(1, { rtol: 1e-5 });
  });

  test("every architecture, one thread or two", async () => {
    const other = await writeModel(join(folder, "llama"), "llama", { tokenizer: null });
    const args = ["expand", other, "--tokens", "4 5,6", "--no-float64"];
    const alone = await json<DegreeExpansion>([...args, "--threads", "1"]);
    const both = await json<DegreeExpansion>([...args, "--threads", "2"]);
    expect(both).toEqual(alone);
    expect(alone.model.architecture).toBe("llama");
    expect(alone.input.tokens).toEqual([4, 5, 6].map((id) => ({ id, text: `id:${id}` })));
  });
});

describe("--dry-run", () => {
  test("says what it would take, in each format, and computes nothing", async () => {
    const table = await output(expand("--dry-run"));
    expect(table).toMatch(
      /^\S+ GFLOP \(\S+ % in products\), \S+ \S+ for intermediates at most, \S+ KiB for weights \(in f32\)\n$/,
    );
    const cost = await json<Record<string, number>>(expand("--dry-run"));
    expect(cost).toMatchObject({
      schemaVersion: 1,
      kind: "cost",
      command: "expand",
      model: "small",
      weights: { kept: "in f32", bytes: 4 * 7440 },
    });
    const line = await output(expand("--dry-run", "--format", "ndjson"));
    expect(line.trimEnd()).not.toContain("\n");
    expect(JSON.parse(line)).toEqual(cost);
    const [row] = csvRows(await output(expand("--dry-run", "--format", "csv")));
    expect(row).toEqual({
      flops: String(cost.flops),
      matmulFlops: String(cost.matmulFlops),
      bytesMoved: String(cost.bytesMoved),
      peakBytes: String(cost.peakBytes),
      weightBytes: String(4 * 7440),
      weightsKept: "in f32",
    });
    const longer = await json<Record<string, number>>([
      ...["expand", model, "--prompt", "a cat and a dog", "--dry-run"],
    ]);
    expect(longer.flops).toBeGreaterThan(Number(cost.flops));
  });

  test("reads no weights: a model of 145 GiB is as quick as any", async () => {
    const size = { layers: 48, width: 8192, vocab: 50000, context: 1024 };
    const huge = await writeHollowModel(join(folder, "huge"), size);
    const before = process.cpuUsage();
    // Of this process: how busy the machine is does not matter.
    const seconds = (): number => {
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    const cost = await json<{ flops: number }>(["expand", huge, "--tokens", "1,2,3", "--dry-run"]);
    expect(seconds()).toBeLessThan(5);
    // At least one multiply-add for each weight of the blocks, at each of three positions.
    expect(cost.flops).toBeGreaterThan(2 * 3 * 48 * 12 * 8192 ** 2);
    // And that it cannot be held is said before it is read.
    for (const command of ["expand", "run"]) {
      const { code, stdout, stderr } = await resolvent([command, huge, "--tokens", "1,2,3"]);
      expect(code).toBe(5);
      expect(stdout).toBe("");
      expect(stderr).toMatch(
        /at least .* GiB for weights .*limit is 4\.0 GiB.*\[cli\/over-budget\]/,
      );
    }
    expect(seconds()).toBeLessThan(10);
  });
});

describe("weights in BF16", () => {
  let half: string;
  beforeAll(async () => {
    const wide = await writeModel(join(folder, "wide"), "llama", {
      ...{ hidden_size: 64, intermediate_size: 256, num_hidden_layers: 4 },
    });
    half = await writeBF16(wide, join(folder, "half"));
  });
  type Cost = { readonly peakBytes: number; readonly weights: { kept: string; bytes: number } };
  const call = (...args: string[]): string[] => [
    "expand",
    half,
    "--prompt",
    "a cat",
    ...one,
    ...args,
  ];

  test("are kept in full, as stored, or read layer by layer, the first that fits", async () => {
    const within = async (bytes: number): Promise<Cost> =>
      await json<Cost>(call("--dry-run", "--max-memory", String(bytes)));
    const steps: Cost[] = [];
    for (let limit = 2 ** 40; ; ) {
      const cost = await within(limit);
      steps.push(cost);
      if (cost.weights.kept === "more than the limit") break;
      limit = cost.peakBytes + cost.weights.bytes - 1; // a byte too few
    }
    expect(steps.map(({ weights }) => weights.kept)).toEqual([
      "in f32",
      "as stored",
      "layer by layer",
      "more than the limit",
    ]);
    const full = await json(call("--no-float64"));
    for (const { peakBytes, weights } of steps.slice(1, 3)) {
      const limit = String(peakBytes + weights.bytes);
      const { stdout, stderr, code } = await resolvent(
        call("--no-float64", "--json", "--max-memory", limit),
      );
      expect(code).toBe(0);
      expect(stderr).toMatch(
        weights.kept === "as stored" ? /keeps its weights as stored/ : /streams/,
      );
      expect(JSON.parse(stdout)).toEqual(full);
    }
  });

  test("inspect says how they would be kept", async () => {
    expect(await output(["inspect", half])).toMatch(/weights +\S+ \S+ in memory \(in f32\)/);
    // 1.4 billion parameters: 5.6 GB in f32.
    const size = { layers: 6, width: 4096, vocab: 50000, context: 1024, dtype: "BF16" } as const;
    const large = await writeHollowModel(join(folder, "large"), size);
    const dry = ["expand", large, "--tokens", "1", "--dry-run"];
    expect(await json(dry)).toMatchObject({ weights: { kept: "as stored" } });
  });
});

test("--max-memory too small ends with 5, and says both numbers", async () => {
  const { code, stdout, stderr } = await resolvent(expand("--max-memory", "20kB"));
  expect(code).toBe(5);
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /take at least .* KiB for weights and .* KiB for intermediates; the limit is 19\.5 KiB/,
  );
  // What float64 takes beside is refused by itself, and can be left out.
  const half = await resolvent(expand("--max-memory", "60kB"));
  expect(half.code).toBe(5);
  expect(half.stderr).toContain("--no-float64");
  expect((await resolvent(expand("--max-memory", "60kB", "--no-float64"))).code).toBe(0);
  expect((await resolvent(expand("--max-memory", "1MiB"))).code).toBe(0);
});
