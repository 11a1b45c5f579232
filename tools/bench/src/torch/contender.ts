/** One task on Resolvent, measured on demand: a line in on standard input, a line of JSON out. */
import { readFileSync } from "node:fs";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { wideKernels } from "@resolvent/cpu/wide";
import { degreeTerms } from "@resolvent/expansion";
import { freshParameters, train } from "@resolvent/train";
import { loadModel, run, tokenIds } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { serve } from "./serve.ts";
import type { Task } from "./task.ts";

/** The task as a function that gives its result. */
async function prepare(cpu: Cpu, task: Task): Promise<() => CpuTensor> {
  const ids = tokenIds(task.ids);
  if (task.kind === "training") return training(cpu, task);
  const model = await loadModel(cpu, folderOf(task.folder), { hash: false });
  // What each head writes by itself is more work, which PyTorch is spared too.
  const sites = (site: string): boolean => task.kind === "trace" && !site.endsWith(".head");
  switch (task.kind) {
    case "sweep":
      return () => cpu.scope(() => degreeTerms(cpu, model, ids).partials);
    case "tree": {
      const { degree } = task;
      if (degree === undefined) throw new Error("A tree needs a degree.");
      return () =>
        cpu.scope(() => degreeTerms(cpu, model, ids, { freeze: [], maxDegree: degree }).partials);
    }
    default:
      return () => cpu.scope(() => run(cpu, model, ids.data, { sites }).logits);
  }
}

/** Trains on from turn to turn; the result is loss and gradient norm of every step. */
function training(cpu: Cpu, { recipe, folder, ids: rows }: Task): () => CpuTensor {
  if (recipe === undefined) throw new Error("A training needs a recipe.");
  // It was written by the program that asks.
  const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as Readonly<
    Record<string, unknown>
  >;
  let parameters = freshParameters(cpu, config, recipe.seed);
  const ids = tokenIds(rows);
  return () => {
    const reports: number[] = [];
    // What comes back replaces what was given, so it outlives the scope of a turn.
    parameters = train(cpu, parameters, Array(recipe.steps).fill(ids).values(), {
      ...recipe,
      config,
      onStep: ({ loss, gradientNorm }) => reports.push(loss, gradientNorm),
    });
    return cpu.constant({ report: reports.length }, reports);
  };
}

const task = JSON.parse(process.argv[2] ?? "") as Task; // as above
const wide = process.env.RESOLVENT_WIDE === "1" ? wideKernels : undefined;
const cpu = await createCpu({ precision: "f32", threads: task.threads, wide });
const body = await prepare(cpu, task);
await serve({ blas: cpu.blas?.core ?? null, threads: cpu.threads }, async (use) => {
  const result = body();
  await use(() => cpu.read(result).data);
  cpu.free(result);
});
await cpu.close();
