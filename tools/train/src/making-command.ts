import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { sizeOf } from "@resolvent/tensor";
import { run } from "@resolvent/transformer";
import { endOfText } from "./bpe.ts";
import type { Measured } from "./card.ts";
import { lossOnTales, type Made, makeModel } from "./making.ts";
import type { Recipe } from "./recipe.ts";
import { scoreTask } from "./score.ts";
import { targetFolder } from "./target.ts";
import { allTasks } from "./tasks.ts";
import { writeModel } from "./writing.ts";

/** What is told of one model beside what is told of all. */
export interface ModelMatters<More> {
  /** Put before the names of parameters: `transformer.` for GPT-2. */
  readonly prefix: string;
  /** What else is measured. */
  readonly measure: (engine: Cpu, made: Made<CpuTensor>) => More;
  /** The card, as Markdown. */
  readonly card: (recipe: Recipe, measured: Measured & More) => string;
}

/**
 * Trains a model by its recipe and writes it with its card, as the command line says: `--out FOLDER [--overwrite]
 * [--threads N]`; threads, as many as the machine has by default, do not change a bit of it.
 */
export async function makingCommand<More extends object>(
  recipe: Recipe,
  { prefix, measure, card }: ModelMatters<More>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      overwrite: { type: "boolean", default: false },
      threads: { type: "string" },
    },
  });
  if (values.out === undefined) throw new Error("Give --out FOLDER.");
  const out = await targetFolder(values.out, values);
  const started = performance.now();
  const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
  const engine = await createCpu({ precision: "f32", blas: "off", ...threads });
  const made = makeModel(engine, recipe);
  const { encoder, model, parameters } = made;
  const minutes = (performance.now() - started) / 60_000;
  const logitsOf = (ids: readonly number[]) =>
    engine.scope(() => engine.read(run(engine, model, ids).logits).data);
  const measured = {
    parameters: [...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    ...lossOnTales(engine, made, recipe.seed),
    scores: allTasks({ encoder, seed: 7, count: 500 }).map((task) => scoreTask(task, logitsOf)),
    ...measure(engine, made),
    minutes,
    machine: `${engine.threads === 1 ? "1 core" : `${engine.threads} cores`} of ${cpus()[0]?.model.trim() ?? "a processor"}`,
  };
  await writeModel(out, engine, made, {
    prefix,
    card: (sha256) => ({
      json: { recipe, measured: { ...measured, sha256 } },
      markdown: card(recipe, { ...measured, sha256 }),
    }),
  });
  process.stderr.write(`${endOfText} is token ${encoder.endOfText}; written to ${out}\n`);
  await engine.close();
}
