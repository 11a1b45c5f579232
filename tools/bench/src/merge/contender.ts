/** Resolvent's side of the benchmark of merges, and plain copying beside it. */
import { closeSync, fsyncSync, openSync, readdirSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { modelsOf, openMergeModel, planMerge, readMergeConfig } from "@resolvent/merge";
import { writeMerge } from "@resolvent/merge/node";
import { openCheckpoint } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { serve } from "../torch/serve.ts";
import { COMPARED, configOf, type MergeTask } from "./task.ts";

const task = JSON.parse(process.argv[2] ?? "") as MergeTask; // it was written by the program that asks
const out = join(task.folder, `out-${process.pid}`);
await serve({ blas: null, threads: task.threads }, async (done) => {
  if (task.method === "copy") {
    copy();
    await done(() => [0]);
  } else {
    const config = configOf(task);
    const recipe = readMergeConfig(config);
    const models = new Map();
    for (const { name, path } of modelsOf(recipe))
      models.set(name, await openMergeModel(folderOf(join(task.folder, path))));
    await writeMerge(planMerge(recipe, models), models, out, { config, hash: false });
    await done(async () => {
      const { numbers } = await openCheckpoint(folderOf(out));
      return await numbers(COMPARED, "f32");
    });
  }
  rmSync(out, { recursive: true });
});

/** Reads all shards of all models, and writes as much as one of them has: the least that a merge of its kind does. */
function copy(): void {
  const buffer = Buffer.alloc(2 ** 22);
  const to = openSync(out, "w");
  for (const [i, model] of task.models.entries()) {
    const folder = join(task.folder, model);
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".safetensors"))) {
      const from = openSync(join(folder, file), "r");
      for (let got = readSync(from, buffer); got > 0; got = readSync(from, buffer))
        if (i === 0) writeSync(to, buffer, 0, got);
      closeSync(from);
    }
  }
  fsyncSync(to);
  closeSync(to);
}
