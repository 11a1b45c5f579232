import { createHash } from "node:crypto";
import { type Analysis, runAnalysis, toldOf, type Values } from "@resolvent/analysis";
import type { PathExpansion } from "@resolvent/paths";
import { isInputError } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { run } from "@resolvent/transformer";
import { memorySource } from "@resolvent/weights";
import { chooseEngine, findFolder, selectEngine } from "resolvent";
import { expect, test, vi } from "vitest";
import { heldFiles } from "../src/worker/held-files.ts";
import { keptModels } from "../src/worker/kept-models.ts";
import { openEngine, READY_WEIGHTS } from "../src/worker/open-engine.ts";

type Purpose = "run" | "certificate";

const wanted = (precision: "f32" | "f64", purpose: Purpose = "run") =>
  ({ precision, peakBytes: 0, layers: true, purpose }) as const;

test("models stay on their engines from run to run, and make room for others, also within a run", async () => {
  const models = keptModels({ engine: selectEngine, folder: findFolder, threads: 1 });
  const [small, tales] = [await models.find("attn-only-2l"), await models.find("tales")];
  const engines: unknown[] = [];
  const once = async (found: typeof tales, precision: "f32" | "f64", purpose?: Purpose) =>
    await found.plan(wanted(precision, purpose)).use(async ({ engine, model }) => {
      engines.push(engine);
      engine.free(run(engine, model, [1, 2, 3]));
    });
  await once(small, "f64");
  // What is lent is not closed by what certifies it, though another model was there in that precision.
  await tales.plan(wanted("f32")).use(async ({ engine, model }) => {
    engines.push(engine);
    await once(tales, "f64", "certificate");
    engine.free(run(engine, model, [1, 2, 3]));
  });
  await once(tales, "f32");
  expect(engines[3]).toBe(engines[1]);
  expect(engines[2]).not.toBe(engines[0]);
  // Faults that nobody foresaw end the engine, others do not.
  const fails = tales.plan(wanted("f32")).use(async () => {
    throw new Error("a fault");
  });
  await expect(fails).rejects.toThrow("a fault");
  await once(tales, "f32");
  expect(engines[4]).not.toBe(engines[3]);
  // Nor does one stay that computes no more, as where a GPU is lost between two questions.
  await tales.plan(wanted("f32")).use(async ({ engine }) => {
    await (engine as unknown as { close(): Promise<void> }).close(); // of one that was opened by its name
  });
  await once(tales, "f32");
  expect(engines[5]).not.toBe(engines[4]);
  await models.close();
});

test("files that are given again are read again: the tokenizer may be among them now", async () => {
  const bare = tinyModel("llama", { vocab_size: 977 });
  let folder = bare;
  const models = keptModels({ engine: selectEngine, folder: async () => folder, threads: 1 });
  const encode = async () => (await models.find("mine")).vocabulary.encode("Once");
  await expect(encode()).rejects.toThrow("tokenizer.json");
  const tales = await findFolder("tales");
  folder = { ...bare, open: async (name) => (await bare.open(name)) ?? (await tales.open(name)) };
  await expect(encode()).rejects.toThrow("tokenizer.json");
  models.forget("mine");
  expect((await encode()).length).toBeGreaterThan(0);
  await models.close();
});

test("whoever asks first hears of the tensors that are loaded, and ends that for nobody else", async () => {
  const models = keptModels({ engine: selectEngine, folder: findFolder, threads: 1 });
  const found = await models.find("attn-only-2l");
  const stop = new AbortController();
  const name = async ({ model }: { readonly model: { readonly name: string } }) => model.name;
  const heard: string[] = [];
  const first = found.plan(wanted("f64")).use(name, {
    signal: stop.signal,
    onProgress: (progress) => {
      heard.push(toldOf(progress));
      if (progress.done === 3) stop.abort();
    },
  });
  const second = found.plan(wanted("f64")).use(name);
  await expect(first).rejects.toThrow(/abort/i);
  expect(await second).toBe("attn-only-2l");
  expect(heard.slice(0, 2)).toEqual(
    [1, 2].map((i) => expect.stringMatching(`^tensor ${i} of \\d+, attn-only-2l in float64$`)),
  );
  expect(heard).toHaveLength(3);
  await models.close();
});

test("a model that could not be loaded takes nothing away that has come in its place since", async () => {
  const gate: { fail?: (error: Error) => void } = {};
  let opened = 0;
  const models = keptModels({
    ...{ folder: findFolder, threads: 1 },
    engine: async (options) => {
      opened++;
      if (gate.fail !== undefined) return await selectEngine(options);
      return await new Promise((_, reject) => {
        gate.fail = reject;
      });
    },
  });
  const [slow, tales] = [await models.find("attn-only-2l"), await models.find("tales")];
  const used = async (found: typeof tales) =>
    await found.plan(wanted("f32")).use(async ({ model }) => model.name);
  const failed = expect(used(slow)).rejects.toThrow("no engine");
  await vi.waitFor(() => expect(gate.fail).toBeDefined());
  const waiting = used(tales); // until what was there before it has ended
  const other = used(tales); // finds nothing there, and loads it
  await vi.waitFor(() => expect(opened).toBe(2));
  gate.fail?.(new Error("no engine"));
  await failed;
  expect(await Promise.all([waiting, other])).toEqual(["tales", "tales"]);
  expect(await used(tales)).toBe("tales");
  expect(opened).toBe(2);
  await models.close();
});

test("weights are hashed once, which is told and can be ended; files that are called by their hash are not", async () => {
  const models = keptModels({
    engine: selectEngine,
    folder: () => findFolder("attn-only-2l"),
    threads: 1,
  });
  const heard: string[] = [];
  const onProgress = (progress: Parameters<typeof toldOf>[0]) => void heard.push(toldOf(progress));
  const hashed = () => heard.filter((one) => one.endsWith("SHA-256")).length;
  const found = await models.find("attn-only-2l");
  await expect(found.files({ signal: AbortSignal.abort(), onProgress })).rejects.toThrow(/abort/i);
  const { sha256 } = await found.files({ onProgress });
  expect(hashed()).toBeGreaterThan(0);
  const before = hashed();
  const of = ({ model }: { readonly model: { readonly sha256?: string } }) =>
    Promise.resolve(model.sha256);
  expect(await found.plan(wanted("f32")).use(of, { onProgress })).toBe(sha256);
  const own = await models.find(`sha:${sha256}`);
  expect(await own.plan(wanted("f32")).use(of, { onProgress })).toBe(sha256);
  expect((await own.files({ onProgress })).sha256).toBe(sha256);
  expect(hashed()).toBe(before);
  await models.close();
});

test("the engine that is asked for takes the place of another; certificates are of the one that is chosen", async () => {
  const opened: unknown[] = [];
  const models = keptModels({
    ...{ folder: findFolder, threads: 1 },
    engine: async (options) => {
      opened.push([options.engine, options.precision, options.parameters]);
      return await selectEngine(options);
    },
  });
  const [chosen, asked] = [
    await models.find("attn-only-2l"),
    await models.find("attn-only-2l", "gpujs"),
  ];
  const name = async (found: typeof chosen, precision: "f32" | "f64", purpose?: Purpose) =>
    await found.plan(wanted(precision, purpose)).use(async ({ engine }) => engine.name);
  const names = [
    await name(chosen, "f32"),
    await name(asked, "f32"),
    await name(asked, "f64", "certificate"),
    await name(asked, "f32"),
    await name(chosen, "f64"),
    await name(chosen, "f32"),
  ];
  expect(names).toEqual(["cpu", "gpujs", "cpu", "gpujs", "cpu", "cpu"]);
  const parameters = await models.parameters("attn-only-2l");
  expect(parameters).toBeGreaterThan(10_000);
  expect(opened).toEqual([
    [undefined, "f32", parameters],
    ["gpujs", "f32", parameters],
    [undefined, "f64", parameters],
    [undefined, "f32", parameters],
  ]);
  await models.close();
});

test("models that are loaded beforehand are of cpu, as they would be where all engines are looked at", async () => {
  const { engine, engines } = await chooseEngine({ parameters: READY_WEIGHTS });
  expect([engine, engines.length]).toEqual(["cpu", 1]);
  for (const options of [
    { parameters: READY_WEIGHTS, threads: 1 },
    { engine: "gpujs", parameters: READY_WEIGHTS },
  ] as const) {
    const opened = await openEngine(options);
    expect(opened.name).toBe("engine" in options ? options.engine : "cpu");
    await opened.close();
  }
});

test("views of one text share its run: the second makes none, and finds what it would have found", async () => {
  let patterns = 0;
  const engine: Parameters<typeof keptModels>[0]["engine"] = async (options) => {
    const cpu = await selectEngine(options);
    const softmax: typeof cpu.softmax = (...given) => {
      patterns++;
      return cpu.softmax(...given);
    };
    // What is counted is made on it; its memory is read at each time.
    return Object.defineProperties({ ...cpu, softmax }, { memory: { get: () => cpu.memory } });
  };
  const prompt = "Once upon a time";
  const passes: Record<string, number> = {};
  const found = async (models: ReturnType<typeof keptModels>, name: string, values: object) => {
    const before = patterns;
    const analysis = (await import("resolvent/analyses")).modelAnalyses
      .concat((await import("@resolvent/expansion/analyses")).expansionAnalyses)
      .find((one) => one.name === name);
    if (analysis === undefined) throw new Error(`There is no ${name}.`);
    const { result } = await runAnalysis(
      analysis,
      { prompt, ...values },
      {
        ...{ precision: "f32", float64: false, offers: { layers: true } },
        find: () => models.find("tales"),
      },
    );
    passes[name] = (patterns - before) / 4; // tales has so many layers, each with one pattern
    return result;
  };
  const views = [
    ["run", { top: 5 }],
    ["expand", { target: [346, 364] }],
    ["lens", {}],
  ] as const;
  const options = { engine, folder: findFolder, threads: 1 };
  const shared = keptModels(options);
  const together = [];
  for (const [name, values] of views) together.push(await found(shared, name, values));
  expect(passes).toEqual({ run: 1, expand: 0, lens: 0 });
  await shared.close();
  for (const [i, [name, values]] of views.entries()) {
    const alone = keptModels(options);
    expect(await found(alone, name, values)).toEqual(together[i]);
    await alone.close();
  }
});

test("one more path to be taken away finds what was found, with the hash of its own question", async () => {
  const options = { engine: selectEngine, folder: findFolder, threads: 1 };
  const { pathsAnalyses } = await import("@resolvent/paths/analyses");
  const paths = pathsAnalyses[0] as Analysis<Values, PathExpansion>; // the only one there
  const kept = keptModels(options);
  const found = async (models: ReturnType<typeof keptModels>, check: readonly string[]) => {
    const values = { prompt: "Once upon a time there", positions: true, top: 3, routes: 1, check };
    const offers = { layers: true, float64: true } as const;
    const host = { precision: "f32", offers, find: () => models.find("tales") } as const;
    return (await runAnalysis(paths, values, host)).result;
  };
  const first = await found(kept, []);
  const names = first.shown.map(({ text }) => text);
  const one = await found(kept, names.slice(2));
  // Nothing of it was computed again: a list is the very one.
  expect(one.byDegree).toBe(first.byDegree);
  const fresh = keptModels(options);
  expect(one).toEqual(await found(fresh, names.slice(2)));
  expect(one.question).not.toBe(first.question);
  await fresh.close();
  // It goes with the model.
  await kept.close();
  expect((await found(kept, [])).byDegree).not.toBe(first.byDegree);
  await kept.close();
});

test("what does not fit is refused with both numbers", async () => {
  const models = keptModels({ engine: selectEngine, folder: findFolder, threads: 1 });
  const tales = await models.find("tales");
  let error: unknown;
  try {
    tales.plan({ ...wanted("f32"), peakBytes: 2 ** 33 });
  } catch (caught) {
    error = caught;
  }
  expect(isInputError(error) && error.code).toBe("lab/over-budget");
  expect(String(Object(error).message)).toMatch(/4\.0 GiB|4 GiB/);
  expect(tales.weights({ peakBytes: 2 ** 33, layers: true }).kept).toBe("more than a page has");
  await models.close();
});

test("what a page has less memory for is kept layer by layer; what needs all layers is told what does not", async () => {
  const limit = 3_000_000;
  const options = { engine: selectEngine, folder: findFolder, threads: 1, limit: () => limit };
  const models = keptModels(options);
  const tales = await models.find("tales");
  const apart = { peakBytes: 0, layers: false };
  const { kept, bytes } = tales.weights(apart);
  expect(kept).toBe("layer by layer");
  expect(bytes).toBeLessThan(limit);
  expect(tales.weights({ ...apart, layers: true }).bytes).toBeGreaterThan(limit);
  expect(() => tales.plan(wanted("f32"))).toThrow("layer by layer");
  // No shorter input makes room for weights that have none, whatever else it takes.
  const large = { ...wanted("f32"), peakBytes: 2 * limit };
  expect(() => tales.plan(large)).toThrow("layer by layer");
  expect(() => tales.plan({ ...large, layers: false })).toThrow("Shorten the input");
  await models.close();
  const small = keptModels({ ...options, limit: () => 1000 });
  const model = await small.find("tales");
  for (const layers of [true, false])
    expect(() => model.plan({ ...wanted("f32"), layers })).toThrow("a smaller model");
  await small.close();
});

test("of what no token stands for in a text, the question that has it is told, and no other", async () => {
  const model = { type: "WordLevel", unk_token: "[UNK]", vocab: { "[UNK]": 0, foo: 1, bar: 2 } };
  const words = JSON.stringify({ pre_tokenizer: { type: "WhitespaceSplit" }, model });
  const tokenizer = memorySource(new TextEncoder().encode(words), "tokenizer.json");
  const tiny = tinyModel("gpt2");
  const open = async (file: string) =>
    file === "tokenizer.json" ? tokenizer : await tiny.open(file);
  const models = keptModels({
    ...{ engine: selectEngine, threads: 1, folder: async () => ({ name: "tiny", open }) },
  });
  const [first, second] = [await models.find("tiny"), await models.find("tiny")];
  expect(first.vocabulary.encode("foo baz")).toEqual([1, 0]);
  expect(second.vocabulary.encode("foo bar")).toEqual([1, 2]);
  expect(first.textWarnings?.().map(({ code }) => code)).toEqual(["text-unknown"]);
  expect(second.textWarnings?.()).toEqual([]);
  // Both are the one model that is kept.
  expect(second.outline).toBe(first.outline);
  await models.close();
});

test("the weights of a bundled model are fetched once, for both precisions and the hash", async () => {
  const bundled = await findFolder("attn-only-2l");
  const asked: string[] = [];
  let fails = true;
  const models = keptModels({
    engine: selectEngine,
    threads: 1,
    folder: async () =>
      heldFiles({
        ...bundled,
        open: async (file) => {
          const source = await bundled.open(file);
          return (
            source && {
              ...source,
              read: async (start, end) => {
                asked.push(`${file} ${start}-${end}`);
                if (end > 2 ** 16 && fails) throw new Error("The connection was cut.");
                return await source.read(start, end);
              },
            }
          );
        },
      }),
  });
  const hash = async (precision: "f32" | "f64") =>
    await (await models.find("attn-only-2l"))
      .plan(wanted(precision))
      .use(async ({ model }) => model.sha256);
  await expect(hash("f32")).rejects.toThrow("cut");
  fails = false;
  asked.length = 0;
  const own = (await findFolder("attn-only-2l")).open("model.safetensors");
  const bytes = await own.then(async (file) => file && (await file.read(0, await file.size())));
  const expected = createHash("sha256")
    .update(bytes ?? "")
    .digest("hex");
  expect([await hash("f32"), await hash("f64")]).toEqual([expected, expected]);
  expect(asked.filter((one) => Number(one.split("-").at(-1)) > 2 ** 16)).toHaveLength(1);
  await models.close();
});
