import { folderOf } from "@resolvent/weights/node";
import { modelsOf, openMergeModel, planMerge, readMergeConfig } from "../src/index.ts";
import { writeMerge } from "../src/node/index.ts";

// Writes a merge, to be killed while it does: CONFIG FOLDER OUT.
const [config = "", folder = "", out = ""] = process.argv.slice(2);
const recipe = readMergeConfig(config);
const models = new Map();
for (const { name, path } of modelsOf(recipe))
  models.set(name, await openMergeModel(folderOf(`${folder}/${path}`)));
process.stdout.write("begun\n");
await writeMerge(planMerge(recipe, models), models, out, { config, shardBytes: 2000 });
