/** Trains the dictionaries of `tales` by their recipe and writes them with their card: `node dist/make-dictionaries.js --out FOLDER [--overwrite] [--threads N]`. */
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { makeAllDictionaries } from "./dictionaries/all.ts";
import { talesDictionariesRecipe } from "./dictionaries/recipe.ts";
import { dictionariesFolder, writeDictionaries } from "./dictionaries/writing.ts";
import { createEncoder } from "./encoder.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    overwrite: { type: "boolean", default: false },
    threads: { type: "string" },
  },
});
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const out = await dictionariesFolder(values.out, talesDictionariesRecipe, values);
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
const engine = await createCpu({ precision: "f32", blas: "off", ...threads });

// A folder of the repository, which this is a tool of.
const tales = fileURLToPath(new URL("../../../packages/models/tales", import.meta.url));
const model = await loadModel(engine, folderOf(tales));
const encoder = createEncoder(JSON.parse(await readFile(`${tales}/tokenizer.json`, "utf8")));

const started = performance.now();
const made = await makeAllDictionaries(
  engine,
  model,
  encoder,
  talesDictionariesRecipe,
  (name, told) => {
    const { step, loss, l0, explainedVariance, dead } = told;
    if (step % 100 !== 0) return;
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    process.stderr.write(
      `${name}  step ${step}  loss ${loss.toFixed(3)}  L0 ${l0.toFixed(1)}  explained ${explainedVariance.toFixed(3)}  dead ${dead}  ${minutes} min\n`,
    );
  },
);
await writeDictionaries(out, talesDictionariesRecipe, made, {
  minutes: processorMinutes(),
  machine: cpus()[0]?.model.trim() ?? "a processor",
});
process.stderr.write(`written to ${out}\n`);
await engine.close();

/** Of all threads, so that it says the same on a machine that others use. */
function processorMinutes(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 60_000_000;
}
