import { modelsOf, openMergeModel, planMerge, readMergeConfig } from "@resolvent/merge";
import { writeMerge } from "@resolvent/merge/node";
import { folderOf } from "@resolvent/weights/node";

// Writes a merge, to be killed while it does: CONFIG FOLDER OUT. Runs on what was built, as users' programs do.
const [config = "", folder = "", out = ""] = process.argv.slice(2);
const recipe = readMergeConfig(config);
const models = new Map();
for (const { name, path } of modelsOf(recipe))
  models.set(name, await openMergeModel(folderOf(`${folder}/${path}`)));
process.stdout.write("begun\n");
await writeMerge(planMerge(recipe, models), models, out, { config, shardBytes: 2000 });
