/** Trains `attn-only-2l` by its recipe and writes it with its card: `node dist/make-attn-only.js --out FOLDER [--overwrite] [--threads N]`. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { sizeOf } from "@resolvent/tensor";
import { run } from "@resolvent/transformer";
import { attnOnlyCard } from "./attn-only-card.ts";
import { measureInduction } from "./induction.ts";
import { lossOnTales, makeModel } from "./making.ts";
import { attnOnlyRecipe } from "./recipe.ts";
import { repeatedTokens } from "./repeats.ts";
import { scoreTask } from "./score.ts";
import { targetFolder } from "./target.ts";
import { allTasks } from "./tasks.ts";
import { writeModel } from "./writing.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    overwrite: { type: "boolean", default: false },
    threads: { type: "string" }, // as many as the machine has; the bits are the same
  },
});
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const out = await targetFolder(values.out, values);

const recipe = attnOnlyRecipe;
const started = performance.now();
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
const engine = await createCpu({ precision: "f32", blas: "off", ...threads });
const made = makeModel(engine, recipe);
const { encoder, model, parameters } = made;
const minutes = (performance.now() - started) / 60_000;
const scores = allTasks({ encoder, seed: 7, count: 500 }).map((task) =>
  scoreTask(task, (ids) => engine.scope(() => engine.read(run(engine, model, ids).logits).data)),
);
const rows = repeatedTokens({ encoder, seed: 7, count: 32, length: 50 });
const measured = {
  parameters: [...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  ...lossOnTales(engine, made, recipe.seed),
  scores,
  induction: measureInduction(engine, model, rows),
  minutes,
  machine: `${engine.threads === 1 ? "1 core" : `${engine.threads} cores`} of ${cpus()[0]?.model.trim() ?? "a processor"}`,
};
await writeModel(out, engine, made, {
  prefix: "",
  card: (sha256) => ({
    json: { recipe, measured: { ...measured, sha256 } },
    markdown: attnOnlyCard(recipe, { ...measured, sha256 }),
  }),
});
process.stderr.write(`written to ${out}\n`);
await engine.close();
