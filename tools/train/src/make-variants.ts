/**
 * Trains the variants of `tales` by their recipe and writes them with their card:
 * `node dist/make-variants.js --out FOLDER [--overwrite] [--keep] [--threads N]`. With `--keep` those that the folder
 * holds are taken as they are, and those that are missing are made.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { folderOf } from "@resolvent/weights/node";
import { createEncoder } from "./encoder.ts";
import { makeVariants, measureVariants } from "./variants/all.ts";
import { talesVariantsRecipe } from "./variants/recipe.ts";
import { variantsFolder, variantsIn, writeVariants } from "./variants/writing.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    overwrite: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    threads: { type: "string" },
  },
});
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const recipe = talesVariantsRecipe;
const { keep } = values;
const out = await variantsFolder(values.out, recipe, { overwrite: keep || values.overwrite });
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
const engine = await createCpu({ precision: "f32", ...threads });

// A folder of the repository, which this is a tool of.
const path = fileURLToPath(new URL("../../../packages/models/tales", import.meta.url));
const tales = folderOf(path);
const encoder = createEncoder(JSON.parse(await readFile(`${path}/tokenizer.json`, "utf8")));

const packed = await makeVariants(engine, tales, encoder, recipe, {
  kept: keep ? await variantsIn(out, recipe) : new Map(),
  onStep: (name, { step, loss }) => {
    if (step % 50 === 0) process.stderr.write(`${name}  step ${step}  loss ${loss.toFixed(3)}\n`);
  },
});
const measured = await measureVariants(engine, tales, encoder, recipe, packed);
await writeVariants(out, recipe, packed, measured);
process.stderr.write(`written to ${out}\n`);
await engine.close();
