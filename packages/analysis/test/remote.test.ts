import {
  type Analysis,
  defineAnalysis,
  type FilesAnalysis,
  type Host,
  type Result,
  runAnalysis,
  type TextFile,
  vocabularyOf,
} from "@resolvent/analysis";
import {
  countParameter,
  fileParameter,
  parameters,
  promptParameter,
  textParameter,
} from "@resolvent/analysis/parameters";
import {
  type Answering,
  type Asking,
  answerRequests,
  askOver,
  describeAnalysis,
  PROTOCOL,
  type Reply,
  readReply,
  type Work,
  type Workplace,
} from "@resolvent/analysis/remote";
import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel, runCost } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";

interface Counted extends Result {
  readonly tokens: readonly number[];
}

/** Counts to a number, and hears of an abort between steps. */
const count: Analysis<{ prompt: string | readonly number[]; steps: number }, Counted> =
  defineAnalysis<{ prompt: string | readonly number[]; steps: number }, Counted>({
    name: "count",
    summary: "tokens, slowly",
    description: "Counts.",
    params: parameters({
      prompt: promptParameter("text to read"),
      steps: countParameter("steps", { default: 2, most: 1e9 }),
    }),
    needs: ["layers"],
    estimate: ({ model, vocabulary }, { prompt }) =>
      runCost(model, vocabulary.encode(prompt), { precision: "f64" }),
    run: async ({ model, vocabulary, signal, onProgress, onPartial }, { prompt, steps }) => {
      const tokens = vocabulary.encode(prompt);
      const { name } = model;
      const result = {
        ...{ schemaVersion: 1, kind: "count", tokens },
        model: { name, sha256: null, architecture: "gpt2" },
      };
      for (let done = 0; done < steps; done++) {
        await new Promise((resolve) => setTimeout(resolve));
        signal.throwIfAborted();
        onProgress({ done: done + 1, total: steps, of: "step" });
        if (done === 0) onPartial?.(result, { done: 1, total: steps, of: "step" });
      }
      return result;
    },
    answer: ({ tokens }) => [`${tokens.length} tokens.`],
    tables: ({ tokens }) => [
      {
        kind: "token",
        columns: [{ name: "id", kind: "count" }],
        rows: tokens.map((id) => [id]),
      },
    ],
  });

/** Reads a text with dictionaries beside it, and tells of both. */
const reads = defineAnalysis<
  { readonly corpus?: TextFile | undefined },
  Result & { readonly heard: readonly string[] }
>({
  ...{ name: "reads", summary: "a text, read", description: "Reads." },
  params: parameters({ corpus: fileParameter("text to read") }),
  needs: ["dictionary"],
  estimate: ({ model }) => runCost(model, [1]),
  run: async ({ model, provided }, { corpus }) => {
    const heard = (provided?.dictionary ?? []).map(({ name }) => name);
    if (corpus !== undefined) {
      heard.push(corpus.name);
      for await (const part of corpus.stream()) heard.push(new TextDecoder().decode(part));
    }
    return {
      ...{ schemaVersion: 1, kind: "reads", heard },
      model: { name: model.name, sha256: null, architecture: "gpt2" },
    };
  },
  tables: () => [],
});

/** Says what a file says, of any model or none. */
const said: string[] = [];
const says = defineAnalysis<{ readonly what?: string | undefined }, Result>({
  ...{ name: "says", summary: "what a file says", description: "Says." },
  params: parameters({ what: textParameter("what it says", { optional: true }) }),
  estimate: ({ model }) => runCost(model, [1]),
  run: async () => headOf("says", "some"),
  alone: ({ what }) =>
    what === undefined
      ? undefined
      : async () => {
          said.push(what);
          return headOf("says", what);
        },
  tables: () => [],
});

/** Opens a model by the name that it is given. */
const opens: FilesAnalysis<{ readonly name: string }, Result> = defineAnalysis<
  { readonly name: string },
  Result,
  Result
>({
  ...{ name: "opens", summary: "a model, opened", description: "Opens.", needs: "files" },
  params: parameters({ name: textParameter("of a model") }),
  plan: async (_, { name }) => headOf("plan", name),
  run: async ({ folder }, { name }) => headOf("opens", (await folder(name)).name),
  tables: () => [],
});

const headOf = (kind: string, name: string): Result => ({
  ...{ schemaVersion: 1, kind, model: { name, sha256: null, architecture: "gpt2" } },
});

function hostOf(model: string): Host {
  const folder = tinyModel("gpt2");
  return {
    precision: "f64",
    offers: { layers: true },
    find: async () => ({
      outline: await outlineModel(folder, { name: model }),
      vocabulary:
        model === "mute"
          ? vocabularyOf(undefined, model, 29)
          : {
              encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
              ...{ tokenId: Number, text: String, entry: String, decode: String },
            },
      files: async () => ({ sha256: "0", tensors: [], tokenizer: false, warnings: [] }),
      weights: () => ({ kept: "in f64", bytes: 8 }),
      plan: () => ({
        use: async (work) =>
          await work({
            engine: reference,
            model: await loadModel(reference, folder, { name: model }),
          }),
      }),
    }),
  };
}

const workplace: Workplace = {
  describe: async (names) => ({
    analyses: names === undefined ? [count] : [describeAnalysis(count)],
    dictionaries: [{ name: "sae", summary: "one", model: "tiny" }],
    models: [{ name: "tiny", summary: "a tiny model" }],
    engine: "reference",
  }),
  analysis: async (name) => [count, reads, says, opens].find((one) => one.name === name),
  // Dictionaries may have to be looked for.
  host: async (model, { dictionaries = [] }) => {
    const host = hostOf(model);
    if (dictionaries.length === 0) return host;
    const files = dictionaries.map((name) => ({ name, folder: memoryFolder(new Map(), name) }));
    return { ...host, offers: { ...host.offers, dictionary: files } };
  },
};

/** Both sides, whose messages go through JSON. */
function connected(at: Workplace = workplace): {
  readonly asking: Asking;
  readonly answering: Answering;
} {
  const sides: { asking?: Asking; answering?: Answering } = {};
  const through = (message: unknown): unknown => JSON.parse(JSON.stringify(message));
  const answering = answerRequests(at, (reply) =>
    queueMicrotask(() => sides.asking?.hear(through(reply))),
  );
  const asking = askOver((request) => queueMicrotask(() => answering.hear(through(request))));
  return Object.assign(sides, { asking, answering });
}

const work = (values: Work["values"]): Work => ({
  ...{ analysis: "count", model: "tiny", precision: "f64", float64: true },
  values,
});

test("what runs elsewhere gives what it gives here, with all that is shown of it", async () => {
  const { asking } = connected();
  const heard: string[] = [];
  const found = await asking.run(work({ prompt: [1, 2, 3] }), {
    onProgress: ({ done, total, of }) => heard.push(`${of} ${done} of ${total}`),
    onPartial: ({ result }) => heard.push(String(result.warnings?.[0]?.message)),
  });
  const here = await runAnalysis(count, { prompt: [1, 2, 3] }, hostOf("tiny"));
  expect(found.result).toEqual(here.result);
  expect(found.answer).toEqual(["3 tokens."]);
  expect(found.tables[0]?.rows).toEqual([[1], [2], [3]]);
  expect(found.views).toEqual([{ mark: "list", table: "token", columns: ["id"], rest: false }]);
  expect(heard).toEqual(["step 1 of 2", "This is unfinished: step 1 of 2.", "step 2 of 2"]);
});

test("texts stand for files, and dictionaries come by their names", async () => {
  const { asking } = connected();
  const texts = { corpus: { name: "these.txt", text: "naïve\n" } };
  const asked = { ...work({}), analysis: "reads", texts, dictionaries: ["sae", "sae/1"] };
  const { result } = await asking.run(asked);
  expect(result).toMatchObject({ heard: ["sae", "sae/1", "these.txt", "naïve\n"] });
  const { dictionaries: _, ...without } = asked;
  await expect(asking.run(without)).rejects.toMatchObject({ code: "analysis/not-provided" });
});

test("what needs no model is priced and run without one", async () => {
  const { asking } = connected();
  const asked = { ...work({ what: "this" }), analysis: "says", model: "" };
  expect(await asking.estimate(asked)).toMatchObject({ flops: 0, weights: { bytes: 0 } });
  expect(said).toEqual([]); // nothing was done
  expect((await asking.run(asked)).result.model.name).toBe("this");
  expect(said).toEqual(["this"]);
  expect((await asking.estimate({ ...asked, values: {}, model: "tiny" })).flops).toBeGreaterThan(0);
  for (const ask of [asking.estimate, asking.run])
    await expect(ask({ ...asked, values: {} })).rejects.toMatchObject({ code: "remote/no-model" });
});

test("what opens models itself is there where a host of such is, with a plan in place of an estimate", async () => {
  expect(describeAnalysis(opens)).toMatchObject({ files: true, needs: [], outline: false });
  const asked = { ...work({ name: "a" }), analysis: "opens", model: "" };
  const folder = async (name: string) => memoryFolder(new Map(), `here/${name}`);
  const engine: NonNullable<Workplace["files"]>["engine"] = async (use) => await use(reference);
  const { asking } = connected({ ...workplace, files: { folder, engine } });
  expect((await asking.plan(asked)).result).toMatchObject({ kind: "plan", model: { name: "a" } });
  expect((await asking.run(asked)).result.model.name).toBe("here/a");
  const otherwise = { code: "remote/not-asked-so" };
  await expect(asking.estimate(asked)).rejects.toMatchObject(otherwise);
  const other = { ...work({ prompt: [1] }), model: "" };
  await expect(asking.plan(other)).rejects.toMatchObject(otherwise);
  for (const ask of [connected().asking.run, connected().asking.plan])
    await expect(ask(asked)).rejects.toMatchObject({ code: "remote/no-analysis" });
});

test("descriptions, models, tokens and estimates are there before anything runs", async () => {
  const { asking } = connected();
  expect((await asking.describe()).analyses[0]?.name).toBe("count");
  const [described] = (await asking.describe(["count"])).analyses;
  expect(described).toMatchObject({
    parameters: [
      { name: "prompt", kind: "prompt", required: true },
      { name: "steps", kind: "number", default: 2 },
    ],
    schema: { type: "object", required: ["prompt"] },
    needs: ["layers"],
  });
  expect(await asking.model("tiny")).toMatchObject({
    model: { name: "tiny", blocks: expect.arrayContaining(["L0.attn"]) },
    weights: { bytes: 8 },
  });
  expect((await asking.model("tiny")).warnings).toEqual([]);
  expect((await asking.model("mute")).warnings).toEqual([
    {
      code: "analysis/no-tokenizer",
      message: "There is no tokenizer.json: it reads ids of tokens, and no text.",
    },
  ]);
  expect(await asking.tokens("tiny", "12")).toEqual([
    { id: 1, text: "1" },
    { id: 2, text: "2" },
  ]);
  const { flops, weights } = await asking.estimate(work({ prompt: [1, 2] }));
  expect([flops > 0, weights.bytes]).toEqual([true, 8]);
});

test("which engine computes is said after what runs, and one that is asked for is handed on", async () => {
  const heard: unknown[] = [];
  const list = {
    ...{ engine: "cpu", why: "It is the fastest." },
    engines: [{ name: "cpu", what: "kernels", precisions: ["f32", "f64"] as const }],
  };
  const { asking } = connected({
    ...workplace,
    engines: async (model, precision) => {
      heard.push([model, precision]);
      return list;
    },
    host: async (model, { engine }) => {
      heard.push(engine);
      return hostOf(model);
    },
  });
  const running = asking.run({ ...work({ prompt: [1] }), engine: "gpujs" });
  expect(await asking.engines("tiny", "f64")).toEqual(list);
  await running;
  expect(heard).toEqual(["gpujs", ["tiny", "f64"]]);
  await expect(connected().asking.engines("tiny", "f32")).rejects.toMatchObject({
    code: "remote/one-engine",
  });
});

describe("what ends otherwise", () => {
  test("is told as it was: faults of values, unknown analyses, cancelled work", async () => {
    const { asking } = connected();
    await expect(asking.run(work({ steps: 1 }))).rejects.toMatchObject({
      ...{ name: "InputError", code: "analysis/bad-parameters" },
    });
    await expect(asking.run({ ...work({ prompt: [1] }), analysis: "none" })).rejects.toMatchObject({
      code: "remote/no-analysis",
      remedy: expect.any(String),
    });
    const stop = new AbortController();
    const first = asking.run(work({ prompt: [1], steps: 1e9 }), {
      signal: stop.signal,
      onProgress: ({ done }) => done === 2 && stop.abort(),
    });
    // Behind the one that is cancelled, and not before it.
    const order: string[] = [];
    const second = asking.run(work({ prompt: [2] })).then(() => order.push("second"));
    await first.catch((error) => order.push(error.name));
    await second;
    expect(order).toEqual(["AbortError", "second"]);
  });

  test("who waits in turn leaves at once, and lets nobody in", async () => {
    const { asking } = connected();
    const [stop, left] = [new AbortController(), new AbortController()];
    const order: string[] = [];
    const ends = (name: string) => () => order.push(name);
    const first = asking
      .run(work({ prompt: [1], steps: 1e9 }), {
        signal: stop.signal,
        onProgress: ({ done }) => done === 2 && left.abort(),
      })
      .catch(ends("first"));
    const second = asking.run(work({ prompt: [2] }), { signal: left.signal }).catch(ends("second"));
    const third = asking.run(work({ prompt: [3] })).then(ends("third"));
    await second;
    await asking.tokens("tiny", "1"); // time for the third to begin, if it could
    expect(order).toEqual(["second"]);
    stop.abort();
    await Promise.all([first, third]);
    expect(order).toEqual(["second", "first", "third"]);
  });

  test("the other side is gone", async () => {
    const { asking } = connected();
    const run = asking.run(work({ prompt: [1], steps: 1e9 }));
    asking.fail(new Error("gone"));
    await expect(run).rejects.toThrow("gone");
  });

  test("what says nothing, or too much, is a failure in words that can be read", async () => {
    const said: unknown[] = [];
    const thrown: readonly unknown[] = [
      null,
      5,
      Object.create(null),
      new Error("y".repeat(99_999)),
    ];
    for (const [id, error] of thrown.entries()) {
      const describe = () => Promise.reject(error);
      const answering = answerRequests({ ...workplace, describe }, (reply) => {
        const { failure } = Object(readReply(structuredClone(reply)));
        said.push(failure.message);
      });
      answering.hear({ protocol: PROTOCOL, id, ask: "describe" });
      await answering.done();
    }
    expect(said).toEqual([
      "What failed has said nothing.",
      "What failed has said nothing but 5.",
      "What failed has said nothing.",
      `${"y".repeat(9999)}…`,
    ]);
  });

  test("what cannot be sent is told, so that nobody waits for it", async () => {
    const replies: Reply[] = [];
    const answering = answerRequests(workplace, (reply) => {
      if (reply.say === "description") throw new Error("a function could not be cloned");
      replies.push(reply);
    });
    answering.hear({ protocol: PROTOCOL, id: 7, ask: "describe" });
    await answering.done();
    expect(replies).toMatchObject([
      { to: 7, say: "failure", failure: { message: "a function could not be cloned" } },
    ]);
  });

  test.each([
    ["no object", 3, null],
    ["another version", { protocol: PROTOCOL + 1, id: 1, ask: "describe" }, null],
    ["no id", { protocol: PROTOCOL, ask: "describe" }, null],
    ["an unknown question", { protocol: PROTOCOL, id: 4, ask: "shutdown" }, null],
    ["no work", { protocol: PROTOCOL, id: 4, ask: "run", work: [] }, null],
    [
      "a precision that is none",
      { protocol: PROTOCOL, id: 4, ask: "run", work: { values: {} } },
      null,
    ],
    [
      "a name of any length",
      { protocol: PROTOCOL, id: 4, ask: "model", model: "x".repeat(5000) },
      null,
    ],
    [
      "a prompt of words",
      { protocol: PROTOCOL, id: 4, ask: "tokens", model: "m", prompt: ["a"] },
      null,
    ],
  ])("a message with %s is refused", (_, message, to) => {
    const replies: Reply[] = [];
    answerRequests(workplace, (reply) => replies.push(reply)).hear(message);
    expect(replies).toMatchObject([
      { to, say: "failure", failure: { kind: "input", code: expect.stringMatching(/^remote\//) } },
    ]);
  });
});
