/** Trains `tales` by its recipe and writes it with its card: `node dist/make-tales.js --out FOLDER [--overwrite]`. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { sizeOf } from "@resolvent/tensor";
import { run } from "@resolvent/transformer";
import { endOfText } from "./bpe.ts";
import { talesCard } from "./card.ts";
import { lossOnTales, makeModel } from "./making.ts";
import { talesRecipe } from "./recipe.ts";
import { scoreTask } from "./score.ts";
import { targetFolder } from "./target.ts";
import { allTasks } from "./tasks.ts";
import { writeModel } from "./writing.ts";

const { values } = parseArgs({
  options: { out: { type: "string" }, overwrite: { type: "boolean", default: false } },
});
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const out = await targetFolder(values.out, values);

const recipe = talesRecipe;
const started = performance.now();
const engine = await createCpu({ precision: "f32", blas: "off" });
const made = makeModel(engine, recipe);
const { encoder, model, parameters } = made;
const scores = allTasks({ encoder, seed: 7, count: 500 }).map((task) =>
  scoreTask(task, (ids) => engine.scope(() => engine.read(run(engine, model, ids).logits).data)),
);
const measured = {
  parameters: [...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  ...lossOnTales(engine, made, recipe.seed),
  scores,
  minutes: (performance.now() - started) / 60_000,
  machine: `${engine.threads} cores of ${cpus()[0]?.model.trim() ?? "a processor"}`,
};
await writeModel(out, engine, made, {
  prefix: "transformer.",
  card: (sha256) => ({
    json: { recipe, measured: { ...measured, sha256 } },
    markdown: talesCard(recipe, { ...measured, sha256 }),
  }),
});
process.stderr.write(`${endOfText} is token ${encoder.endOfText}; written to ${out}\n`);
await engine.close();
