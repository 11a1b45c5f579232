import {
  type Analysis,
  type AnyAnalysis,
  defineAnalysis,
  type FoundModel,
  type Host,
  heardWhileLoading,
  modelFacts,
  type Need,
  type Offered,
  type Progress,
  type Prompt,
  prepareAnalysis,
  type Result,
  runAnalysis,
  type Vocabulary,
  type Wanted,
  type Warning,
} from "@resolvent/analysis";
import { countParameter, parameters, promptParameter } from "@resolvent/analysis/parameters";
import { InputError, reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { run as forward, loadModel, outlineModel, runCost } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
  tokenId: Number,
  text: String,
  entry: String,
  decode: (ids) => ids.join(" "),
};

/** What a host did, in order. */
type Log = string[];

/** A host in memory: the reference engine, a tiny model, `limit` bytes for intermediates. */
function tinyHost(
  log: Log,
  { limit = 2 ** 30, ...more }: Partial<Host> & { readonly limit?: number } = {},
): Host {
  const folder = tinyModel("gpt2");
  const find = async (): Promise<FoundModel> => {
    log.push("find");
    const outline = await outlineModel(folder, { name: "tiny" });
    return {
      outline,
      vocabulary,
      textWarnings: () => [{ code: "text", message: "of the text" }],
      files: async () => ({ sha256: "0", tensors: [], tokenizer: false, warnings: [] }),
      weights: () => ({ kept: "in f64", bytes: 8 }),
      plan: ({ purpose, precision, peakBytes, layers }: Wanted) => {
        log.push(`plan ${purpose} ${precision}${layers ? " layers" : ""}`);
        if (peakBytes > limit) {
          throw new InputError({
            code: "tiny/over-budget",
            message: `${peakBytes} bytes are more than ${limit}.`,
          });
        }
        return {
          use: async (work, heard) => {
            log.push(`load ${purpose}`);
            const told = heardWhileLoading("tiny", precision, heard);
            const model = await loadModel(reference, folder, { name: "tiny", ...told });
            try {
              return await work({
                engine: reference,
                model: { ...model, warnings: [{ code: "model", message: "of the model" }] },
              });
            } finally {
              log.push(`close ${purpose}`);
            }
          },
        };
      },
    };
  };
  return { precision: "f64", offers: { layers: true }, find, ...more };
}

interface Norm extends Result {
  readonly kind: "norm";
  readonly norm: number;
  readonly again: number | null;
  readonly provided: readonly string[];
  readonly certificate: { readonly relativeError: number };
}

interface Given {
  readonly prompt: Prompt;
  readonly times: number;
}

const normOf = (more: Partial<Analysis<Given, Norm>> = {}): Analysis<Given, Norm> =>
  defineAnalysis<Given, Norm>({
    name: "norm",
    summary: "norm of the end",
    description: "The norm of the final residual stream.",
    params: parameters({
      prompt: promptParameter("text"),
      times: countParameter("how often", { default: 1, least: 1 }),
    }),
    float64: true,
    estimate: ({ model, vocabulary: { encode }, precision }, { prompt }) =>
      runCost(model, encode(prompt), { precision }),
    run: async ({ engine, model, onProgress, signal, inFloat64, provided }, { prompt, times }) => {
      const norm = async (): Promise<number> => {
        const { data } = await reference.read(
          forward(
            reference,
            await loadModel(reference, tinyModel("gpt2")),
            vocabulary.encode(prompt),
          ).residual,
        );
        return times * Math.hypot(...data);
      };
      onProgress({ done: 1, total: 1, of: "run" });
      await Promise.resolve();
      signal.throwIfAborted();
      const first = await norm();
      const again = (await inFloat64?.(async () => await norm())) ?? null;
      return {
        schemaVersion: 1,
        kind: "norm",
        model: modelFacts(model),
        norm: first,
        again,
        provided: Object.keys(provided ?? {}),
        certificate: { relativeError: engine.precision === "f64" ? 0 : 1 },
      };
    },
    tables: () => [],
    ...more,
  });

test("checks, finds, estimates, plans, loads, runs and closes, in this order", async () => {
  const log: Log = [];
  const [said, seen]: [Warning[], Progress[]] = [[], []];
  const host = tinyHost(log, {
    warn: (warnings) => said.push(...warnings),
    onProgress: (progress) => seen.push(progress),
  });
  const { result, soundness } = await runAnalysis(normOf(), { prompt: "123", times: 2 }, host);
  expect(log).toEqual(["find", "plan run f64", "load run", "close run"]);
  expect(result.norm).toBeGreaterThan(0);
  expect(result.again).toBeNull();
  expect(result.warnings?.map(({ code }) => code)).toEqual(["model", "text"]);
  expect(new Set(said.map(({ code }) => code))).toEqual(new Set(["text", "model"]));
  const total = seen.length - 1;
  expect(seen.slice(0, -1)).toEqual(
    Array.from({ length: total }, (_, i) => ({
      ...{ done: i + 1, total, of: "tensor", note: "tiny in float64" },
    })),
  );
  expect(total).toBeGreaterThan(10);
  expect(seen.at(-1)).toEqual({ done: 1, total: 1, of: "run" });
  expect(soundness.warnings).toEqual([]);
});

test("certifies in float64 where the computation is not, unless the host leaves it out", async () => {
  const log: Log = [];
  const notes = new Set<string | undefined>();
  const { result, soundness } = await runAnalysis(
    normOf(),
    { prompt: "12" },
    tinyHost(log, { precision: "f32", onProgress: ({ note }) => notes.add(note) }),
  );
  expect([...notes]).toEqual(["tiny", undefined, "tiny in float64"]);
  expect(log).toEqual([
    ...["find", "plan run f32", "plan certificate f64"],
    ...["load run", "load certificate", "close certificate", "close run"],
  ]);
  expect(result.again).toBe(result.norm);
  expect(soundness.unbalanced).toEqual([]);
  const without = await runAnalysis(
    normOf(),
    { prompt: "12" },
    tinyHost([], { precision: "f32", float64: false }),
  );
  expect(without.result.again).toBeNull();
});

test("what there is so far comes to the host, who keeps it where the work is stopped", async () => {
  const controller = new AbortController();
  const heard: Result[] = [];
  const slow = normOf({
    run: async ({ model, onPartial, signal }) => {
      for (let done = 1; ; done++) {
        signal.throwIfAborted();
        const result = {
          ...({ schemaVersion: 1, kind: "norm", model: modelFacts(model), norm: done } as const),
          ...{ again: null, provided: [], certificate: { relativeError: 0 } },
        };
        onPartial?.(result, { done, total: 9, of: "step" });
        if (done === 2) controller.abort();
      }
    },
  });
  const host = tinyHost([], {
    signal: controller.signal,
    onPartial: (result) => heard.push(result),
  });
  await expect(runAnalysis(slow, { prompt: "12" }, host)).rejects.toThrow(/abort/i);
  expect(heard).toMatchObject([
    { norm: 1, warnings: [{ code: "unfinished", message: "This is unfinished: step 1 of 9." }] },
    { norm: 2, warnings: [{ code: "unfinished", message: "This is unfinished: step 2 of 9." }] },
  ]);
});

test("what is no result is none that there is so far", async () => {
  const odd = normOf({
    run: async ({ onPartial }) => {
      onPartial?.({ kind: 3 } as never, { done: 1, total: 2, of: "step" });
      throw new Error("not reached");
    },
  });
  const host = tinyHost([], { onPartial: () => {} });
  await expect(runAnalysis(odd, { prompt: "12" }, host)).rejects.toMatchObject({
    code: "analysis/bad-result",
  });
});

test("a dry run is the first half: nothing is loaded", async () => {
  const log: Log = [];
  const { cost, run, found } = await prepareAnalysis(normOf(), { prompt: "123" }, tinyHost(log));
  expect(log).toEqual(["find"]);
  expect(cost.flops).toBeGreaterThan(1000);
  expect(cost.weights).toEqual({ kept: "in f64", bytes: 8 });
  expect(found.outline.name).toBe("tiny");
  expect((await run()).result.kind).toBe("norm");
});

test("refuses at once what is wrong with the parameters, and asks later for what is missing", async () => {
  const log: Log = [];
  await expect(
    runAnalysis(normOf(), { prompt: "1", times: 0 }, tinyHost(log)),
  ).rejects.toMatchObject({ code: "analysis/bad-parameters" });
  expect(log).toEqual([]);
  const later = async () => {
    log.push("ask");
    return { prompt: "12" };
  };
  const { result } = await runAnalysis(normOf(), { times: 3 }, tinyHost(log, { later }));
  expect(log.slice(0, 2)).toEqual(["find", "ask"]);
  expect(result.norm).toBeGreaterThan(0);
});

test("what does not fit is refused before anything is loaded", async () => {
  const log: Log = [];
  await expect(
    runAnalysis(normOf(), { prompt: "123" }, tinyHost(log, { limit: 10 })),
  ).rejects.toMatchObject({ code: "tiny/over-budget" });
  expect(log).toEqual(["find", "plan run f64"]);
});

test("ends when the signal says so, and closes what was open", async () => {
  const log: Log = [];
  const ends = new AbortController();
  const host = tinyHost(log, {
    signal: ends.signal,
    onProgress: ({ of }) => of === "run" && ends.abort(),
  });
  await expect(runAnalysis(normOf(), { prompt: "123" }, host)).rejects.toMatchObject({
    name: "AbortError",
  });
  expect(log.at(-1)).toBe("close run");
  log.length = 0;
  // Nothing is loaded for one that is ended.
  await expect(runAnalysis(normOf(), { prompt: "123" }, host)).rejects.toMatchObject({
    name: "AbortError",
  });
  expect(log).toEqual(["find", "plan run f64", "load run"]);
});

describe("what an analysis needs", () => {
  const needs = async (own: readonly Need[], offers: Offered, log: Log = []) =>
    await runAnalysis(normOf({ needs: own }), { prompt: "1" }, tinyHost(log, { offers }));

  test("is given to it, and nothing else", async () => {
    const corpus = { name: "c", stream: async function* () {} };
    const log: Log = [];
    const { result } = await needs(
      ["corpus", "layers"],
      { corpus, layers: true, float64: true },
      log,
    );
    expect(result.provided).toEqual(["corpus", "layers"]);
    expect(log[1]).toBe("plan run f64 layers");
  });

  test.each<[Need, Offered, string]>([
    ["dictionary", {}, "norm needs a dictionary: there is none here. Run it where there is."],
    [
      "layers",
      { layers: { refused: "this page reads one at a time", remedy: "Load it whole." } },
      "norm needs all layers in memory at once: this page reads one at a time. Load it whole.",
    ],
  ])("or refused in one voice: %s", async (need, offers, message) => {
    const log: Log = [];
    await expect(needs([need], offers, log)).rejects.toMatchObject({
      code: "analysis/not-provided",
      message,
      details: { analysis: "norm", need },
    });
    expect(log).toEqual([]);
  });

  test("can hang on its parameters", async () => {
    const analysis = normOf({ needs: ({ times }) => (times > 1 ? ["pairs"] : []) });
    await runAnalysis(analysis, { prompt: "1" }, tinyHost([]));
    await expect(
      runAnalysis(analysis, { prompt: "1", times: 2 }, tinyHost([])),
    ).rejects.toMatchObject({ code: "analysis/not-provided" });
  });

  test("has to be known", async () => {
    const odd = ["luck"] as unknown as readonly Need[]; // of an author without types
    await expect(needs(odd, {})).rejects.toMatchObject({ code: "analysis/unknown-need" });
  });

  test("decompositions that nobody said were needed are refused when they are asked for", async () => {
    const asks: AnyAnalysis = normOf({
      run: async ({ linearAlgebra }) => {
        await linearAlgebra();
        throw new Error("there were some");
      },
    });
    await expect(runAnalysis(asks, { prompt: "1" }, tinyHost([]))).rejects.toMatchObject({
      code: "analysis/not-provided",
    });
  });
});

const plain = { schemaVersion: 1, kind: "x", model: { name: "m" } };
const cycle: Record<string, unknown> = { ...plain };
cycle.own = cycle;

test.each<[string, unknown]>([
  [
    "a result that has a function at terms[1].of, which JSON does not have",
    { ...plain, terms: [{}, { of: () => 1 }] },
  ],
  ["a result that has a Map at n, which JSON does not have", { ...plain, n: new Map() }],
  [
    `a result that has more than 64 lists and objects within each other at ${"own.".repeat(20).slice(0, 79)}…`,
    cycle,
  ],
  ["undefined instead of an object", undefined],
  ["a result without a kind", { schemaVersion: 1 }],
  ["a result without a schemaVersion", { kind: "x" }],
  ["a result that does not say which model it is about", { schemaVersion: 2, kind: "x" }],
])("a contributed analysis that gives %s is named", async (what, result) => {
  const wrong: AnyAnalysis = normOf({ run: async () => result as Norm }); // that is what is tested
  await expect(runAnalysis(wrong, { prompt: "1" }, tinyHost([]))).rejects.toMatchObject({
    code: "analysis/bad-result",
    message: `The analysis norm gave ${what}. That is a fault of the analysis: tell its author.`,
  });
});
