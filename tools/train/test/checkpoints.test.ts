import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkParameters, checkViews, runAlone, vocabularyOf } from "@resolvent/analysis";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { type ReportComparison, reportAnalysis } from "@resolvent/report";
import { loadModel, run } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointName, keepCheckpoints, logSteps } from "../src/checkpoints.ts";
import type { CopyingRecipe } from "../src/copying.ts";
import { copyingTraining, type KeptTraining } from "../src/kept-training.ts";
import { replaceFolder } from "../src/replaced-folder.ts";
import { modelOf, type TrainOptions, train } from "../src/training.ts";

/** Three layers that are trained in a moment. */
const recipe: CopyingRecipe = {
  seed: 1,
  config: {
    ...{ model_type: "transformer_lens", attn_only: true, normalization_type: "none" },
    ...{ n_layers: 3, n_heads: 2, d_model: 8, d_head: 4, n_ctx: 12 },
  },
  ...{ vocabSize: 9, steps: 24, batch: 4, context: 11, rate: 1e-2, warmup: 4 },
  adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.05, clip: 1 },
};
const steps = logSteps(2, 24, 1);

let engine: Cpu;
let home: string;
let whole: string;
beforeAll(async () => {
  engine = await createCpu({ precision: "f32", threads: 1, blas: "off" });
  home = await mkdtemp(join(tmpdir(), "resolvent-checkpoints-"));
  whole = join(home, "whole");
  await keepCheckpoints(engine, whole, copyingTraining(engine, recipe), steps);
});
afterAll(async () => {
  await engine.close();
  await rm(home, { recursive: true });
});

/** The training with something else in its options. */
function training(options: Partial<TrainOptions>): KeptTraining<CpuTensor> {
  const { options: own, ...rest } = copyingTraining(engine, recipe);
  return { ...rest, options: { ...own, ...options } };
}

async function filesOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const texts = names.sort().map(async (name) => [name, await readFile(join(folder, name), "hex")]);
  return Object.fromEntries(await Promise.all(texts));
}

test("steps are spaced evenly on a scale of powers of two, the last among them", () => {
  expect(steps).toEqual([2, 4, 8, 16, 24]);
  expect(logSteps(8, 64, 2)).toEqual([8, 11, 16, 23, 32, 45, 64]);
  expect(logSteps(1, 8, 4)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]); // as far as whole numbers are
  expect(logSteps(5, 5, 2)).toEqual([5]);
});

describe("checkpoints of a training", () => {
  test("are kept at the steps that were said, each as a model", async () => {
    const names = steps.map((step) => `step-${step}`);
    expect((await readdir(whole)).sort()).toEqual(
      [...names, "recipe.json", "state.safetensors"].sort(),
    );
    const { options, ...own } = copyingTraining(engine, recipe);
    for (const step of [8, 24]) {
      // Ended there, with the rates of all its steps.
      const batches = own.batches();
      const few = (function* () {
        for (let i = 0; i < step; i++) yield batches.next().value;
      })();
      const trained = train(engine, own.start(), few, options);
      const ids = [8, 3, 1, 4, 3, 1];
      const model = await loadModel(engine, folderOf(join(whole, checkpointName(step))));
      const [kept, made] = [model, modelOf(engine, options.config, trained)].map(
        (one) => engine.read(run(engine, one, ids).logits).data,
      );
      expect(kept).toEqual(made);
      engine.free(trained);
    }
  });

  test("are the same to the last bit where it was interrupted, and what is done is not done again", async () => {
    const folder = join(home, "interrupted");
    const stop = new AbortController();
    const reason = new Error("enough");
    const until = (step: number): void => (step === 11 ? stop.abort(reason) : undefined);
    const cut = training({ signal: stop.signal, onStep: ({ step }) => until(step) });
    const before = engine.memory.used;
    await expect(keepCheckpoints(engine, folder, cut, steps)).rejects.toThrow(reason);
    expect(engine.memory.used).toBe(before);
    expect(await readdir(folder)).toHaveLength(5); // 2, 4, 8, the recipe and the state
    const taken: number[] = [];
    const rest = training({ onStep: ({ step }) => void taken.push(step) });
    await keepCheckpoints(engine, folder, rest, steps);
    expect(taken).toEqual(Array.from({ length: 16 }, (_, i) => 9 + i));
    expect(await filesOf(folder)).toEqual(await filesOf(whole));
    await keepCheckpoints(engine, folder, rest, steps);
    expect(taken).toHaveLength(16);
    expect(engine.memory.used).toBe(before);
  });

  test("are written by one process at a time; the same folder may have been another's at that moment", async () => {
    const folder = join(home, "at-once");
    const other = copyingTraining(engine, { ...recipe, seed: 2 });
    const before = engine.memory.used;
    const both = await Promise.allSettled([
      keepCheckpoints(engine, folder, training({}), steps),
      keepCheckpoints(engine, folder, other, steps),
    ]);
    const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
    expect(refused).toHaveLength(1); // by the hold, or by the recipe where the first has ended
    expect(["train/busy", "train/other-training"]).toContain(refused[0]);
    expect(engine.memory.used).toBe(before);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("are replaced as a whole, by whoever is last", async () => {
    const folder = join(home, "replaced");
    const fill = (name: string) => async (fresh: string) =>
      await writeFile(join(fresh, name), name);
    await replaceFolder(folder, fill("a"));
    await replaceFolder(folder, async (fresh) => {
      await replaceFolder(folder, fill("b")); // another, which ends first
      await fill("c")(fresh);
    });
    expect(await readdir(folder)).toEqual(["c"]);
    expect((await readdir(home)).filter((name) => name.includes("replaced"))).toEqual(["replaced"]);
  });

  test("are never mixed with those of another training, or with other files", async () => {
    const other = copyingTraining(engine, { ...recipe, seed: 2 });
    const refused = (code: string) => expect.objectContaining({ code });
    await expect(keepCheckpoints(engine, whole, other, steps)).rejects.toThrow(
      refused("train/other-training"),
    );
    const mine = join(home, "mine");
    await mkdir(mine);
    await writeFile(join(mine, "thesis.tex"), "");
    await expect(keepCheckpoints(engine, mine, other, steps)).rejects.toThrow(
      refused("train/other-files"),
    );
    expect(await readdir(mine)).toEqual(["thesis.tex"]);
  });

  test("are compared along their steps, in whatever order they are given", async () => {
    const params = await checkParameters(reportAnalysis.params, {
      ...{ sequences: 2, length: 10, predictFrom: 4, order: 1, top: 1, verify: 0 },
    });
    const reports: string[] = [];
    for (const step of [24, 2, 8]) {
      const model = await loadModel(engine, folderOf(join(whole, checkpointName(step))));
      const report = await reportAnalysis.run(
        {
          ...{ engine, model, vocabulary: vocabularyOf(undefined, model.name, 9) },
          linearAlgebra: () => engine.linearAlgebra(),
          ...{ signal: new AbortController().signal, onProgress: () => {} },
        },
        params,
      );
      reports.push(JSON.stringify(report));
    }
    const found = await runAlone(reportAnalysis, { compare: reports.join("\n") });
    if (found === undefined) throw new Error("Reports are compared without a model.");
    const { steps: along, ...compared } = found.result as ReportComparison; // what compare gives
    expect(compared.cards.map(({ step }) => step)).toEqual([24, 2, 8]);
    expect(along.map(({ step, runs }) => [step, runs])).toEqual(
      [2, 8, 24].map((step) => [step, 1]),
    );
    for (const { degrees, loss, accuracy } of along) {
      expect(degrees.map(({ degree }) => degree)).toEqual([0, 1, 2, 3]);
      for (const side of ["frozen", "live"] as const) {
        const sum = degrees.reduce((all, one) => all + (one[side]?.mean ?? Number.NaN), 0);
        expect(sum).toBeNear(1, { rtol: 1e-4 });
      }
      expect([loss?.count, accuracy?.count]).toEqual([2, 2]);
    }
    const all = { ...compared, steps: along };
    const tables = reportAnalysis.tables(all);
    const views = checkViews(reportAnalysis.views?.(all), tables);
    expect(views.map(({ mark, table }) => [mark, table])).toEqual(Array(5).fill(["lines", "step"]));
    expect(views[0]).toMatchObject({ x: "step", along: "log" });
    expect(tables[0]?.rows.map(([step]) => step)).toEqual([2, 8, 24]);
  });
});

const script = new URL("../dist/make-checkpoints.js", import.meta.url);
const unbuilt = existsSync(script) ? "" : " (skipped: not built; npx tsc -b tools/train)";
test.skipIf(unbuilt !== "")(`the command says what it needs before it trains${unbuilt}`, () => {
  const make = (...args: string[]): string =>
    spawnSync(process.execPath, [fileURLToPath(script), ...args], { encoding: "utf8" }).stderr;
  expect(make("tales")).toContain("Name a training: copying or attn-only-2l.");
  expect(make("copying", "--until", "8")).toContain("Give --out FOLDER.");
  expect(make("copying", "--out", join(home, "none"), "--until", "few")).toContain(
    "Give --until STEP, a whole number from 8.",
  );
  expect(existsSync(join(home, "none"))).toBe(false);
});
