import {
  type Analysis,
  defineAnalysis,
  type FoundModel,
  type Host,
  modelFacts,
  modelIdentity,
  modelOf,
  type Need,
  type Prompt,
  prepareAnalysis,
  type Result,
  runAnalyses,
  runAnalysis,
  type Wanted,
} from "@resolvent/analysis";
import { modelParameter, parameters, promptParameter } from "@resolvent/analysis/parameters";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import {
  run as forward,
  loadModel,
  type Model,
  outlineModel,
  runCost,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";

interface Distance extends Result {
  readonly kind: "distance";
  readonly other: Result["model"];
  readonly distance: number;
  /** From the other to the base. */
  readonly toBase: number | null;
  readonly again: number | null;
  readonly files: readonly string[];
}

interface Given {
  readonly prompt: Prompt;
  readonly other: string;
  readonly base?: string | undefined;
}

const ids = (prompt: Prompt): readonly number[] =>
  typeof prompt === "string" ? [...prompt].map(Number) : prompt;

async function distance<T extends Shaped>(
  engine: Engine<T>,
  models: readonly [Model<T>, Model<T>],
  prompt: Prompt,
): Promise<number> {
  const [a, b] = await Promise.all(
    models.map(async (model) => await engine.read(forward(engine, model, ids(prompt)).residual)),
  );
  return Math.hypot(...Array.from(a?.data ?? [], (x, i) => x - (b?.data[i] ?? 0)));
}

const distanceOf = (needs: readonly Need[] = []): Analysis<Given, Distance> =>
  defineAnalysis<Given, Distance>({
    name: "distance",
    summary: "how far two models are apart",
    description: "The distance of two models' final residual streams.",
    params: parameters({
      other: modelParameter("the other model", { argument: true }),
      base: modelParameter("where both began", { optional: true }),
      prompt: promptParameter("text"),
    }),
    needs,
    float64: true,
    estimate: ({ model, models, precision }, { prompt }) => {
      const own = runCost(model, ids(prompt), { precision });
      const { peakBytes } = runCost(modelOf(models, "other"), ids(prompt), { precision });
      return { ...own, peakBytes: own.peakBytes + peakBytes };
    },
    run: async ({ engine, model, models, folders, inFloat64 }, { prompt, base }) => {
      const other = modelOf(models, "other");
      return {
        ...({ schemaVersion: 1, kind: "distance", model: modelFacts(model) } as const),
        other: modelIdentity(other),
        distance: await distance(engine, [model, other], prompt),
        toBase:
          base === undefined
            ? null
            : await distance(engine, [other, modelOf(models, "base")], prompt),
        again:
          (await inFloat64?.((engine64, model64, models64) =>
            distance(engine64, [model64, modelOf(models64, "other")], prompt),
          )) ?? null,
        files: Object.entries(folders ?? {}).map(([name, { name: path }]) => `${name}: ${path}`),
      };
    },
    tables: () => [],
  });

/** What a host did, in order. */
type Log = string[];

/** A host in memory, whose models are called by their seeds; each has something to be said about it. */
function tinyHost(log: Log, more: Partial<Host> = {}): Host {
  const folders = new WeakMap<FoundModel, ReturnType<typeof tinyModel>>();
  const find = async (name: string): Promise<FoundModel> => {
    log.push(`find ${name}`);
    const folder = { ...tinyModel("gpt2", { seed: Number(name) }), name };
    const load = async (of: FoundModel, as: string) => ({
      ...(await loadModel(reference, folders.get(of) ?? folder, { name: as })),
      warnings: [{ code: "said", message: `of ${as}` }],
    });
    const found: FoundModel = {
      outline: await outlineModel(folder, { name }),
      vocabulary: {
        ...{ encode: ids, tokenId: Number, text: String, entry: String },
        decode: (list) => list.join(" "),
      },
      folder,
      files: async () => ({ sha256: "0", tensors: [], tokenizer: false, warnings: [] }),
      weights: ({ others }) => ({ kept: "in f64", bytes: 8 * (1 + (others?.size ?? 0)) }),
      plan: ({ purpose, peakBytes, others = new Map() }: Wanted) => {
        log.push(`plan ${purpose} ${name}${[...others.keys()].map((own) => `+${own}`).join("")}`);
        expect(peakBytes).toBeGreaterThan(0);
        return {
          use: async (work) => {
            log.push(`load ${purpose}`);
            const beside = new Map<string, Awaited<ReturnType<typeof load>>>();
            for (const [as, other] of others) beside.set(as, await load(other, as));
            return await work({
              engine: reference,
              model: await load(found, name),
              others: beside,
            });
          },
        };
      },
    };
    folders.set(found, folder);
    return found;
  };
  return {
    ...{ precision: "f64", offers: { models: true, folders: true } },
    ...{ find: () => find("1"), findOther: find },
    ...more,
  };
}

const expected = async (a: number, b: number): Promise<number> => {
  const [first, second] = await Promise.all(
    [a, b].map((seed) => loadModel(reference, tinyModel("gpt2", { seed }))),
  );
  return await distance(reference, [first as Model<never>, second as Model<never>], "123");
};

describe("models that parameters name", () => {
  test("are found once each, priced, and lent on the engine of the first", async () => {
    const log: Log = [];
    const values = { prompt: "123", other: "2", base: "2" };
    const { result } = await runAnalysis(distanceOf(), values, tinyHost(log));
    expect(log).toEqual(["find 1", "find 2", "plan run 1+2", "load run"]);
    expect(result.distance).toBe(await expected(1, 2));
    expect(result.distance).toBeGreaterThan(1e-3);
    expect(result).toMatchObject({ toBase: 0, again: null, files: [] });
    expect(result.model.name).toBe("1");
    expect(result.other.name).toBe("2");
    expect(result.warnings?.map(({ message }) => message)).toEqual(["of 1", "of 2"]);
  });

  test("weigh in what a dry run says, and are not loaded for it", async () => {
    const log: Log = [];
    const values = { prompt: "123", other: "2", base: "3" };
    const { cost } = await prepareAnalysis(distanceOf(), values, tinyHost(log));
    expect(log).toEqual(["find 1", "find 2", "find 3"]);
    expect(cost.weights.bytes).toBe(24);
  });

  test("are lent again in float64 for certificates", async () => {
    const log: Log = [];
    const host = tinyHost(log, { precision: "f32" });
    const { result } = await runAnalysis(distanceOf(), { prompt: "123", other: "2" }, host);
    expect(log.slice(2)).toEqual([
      ...["plan run 1+2", "plan certificate 1+2", "load run", "load certificate"],
    ]);
    expect(result.again).toBe(result.distance);
  });

  test("come with their files where these are needed", async () => {
    const values = { prompt: "123", other: "2" };
    const { result } = await runAnalysis(distanceOf(["folders"]), values, tinyHost([]));
    expect(result.files.toSorted()).toEqual(["model: 1", "other: 2"]);
  });

  test("are found once for several analyses that run together", async () => {
    const log: Log = [];
    const asked = [
      { analysis: distanceOf(), values: { prompt: "123", other: "2" } },
      { analysis: distanceOf(), values: { prompt: "12", other: "3", base: "2" } },
    ];
    const outcomes = await runAnalyses(asked, tinyHost(log));
    expect(log).toEqual(["find 1", "find 2", "find 3", "plan run 1+2+3", "load run"]);
    expect(outcomes.map(({ result }) => Object(result).other.name)).toEqual(["2", "3"]);
    expect(Object(outcomes[0]?.result).distance).toBe(await expected(1, 2));
  });

  test.each<[string, Partial<Host>, string]>([
    [
      "offers none",
      { offers: {} },
      "distance needs other models than the first: there is none here. Run it where there is.",
    ],
    [
      "says why not",
      { offers: { models: { refused: "this page has one", remedy: "Use the command line." } } },
      "distance needs other models than the first: this page has one. Use the command line.",
    ],
  ])("are refused before anything is read where a host %s", async (_, more, message) => {
    const log: Log = [];
    await expect(
      runAnalysis(distanceOf(), { prompt: "1", other: "2" }, tinyHost(log, more)),
    ).rejects.toMatchObject({ code: "analysis/not-provided", message });
    expect(log).toEqual([]);
  });

  test("that no parameter names are a fault of the analysis", () => {
    expect(() => modelOf({ other: 1 }, "toString")).toThrow(
      "No model belongs to the parameter toString",
    );
    expect(() => modelOf(undefined, "other")).toThrow("No model belongs to the parameter other");
  });
});
