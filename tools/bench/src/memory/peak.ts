/**
 * The most memory that an engine of a checkout has in use at one expansion: `node dist/memory/peak.js FOLDER TASK
 * POSITIONS`. Packages are those of FOLDER, which is built; a line of JSON comes out.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { config, randomWeights, VOCAB } from "../gpt2-shape.ts";
import type { Peak, Task } from "./tasks.ts";

const [folder = "", task = "", positions = ""] = process.argv.slice(2);

/** A package of the checkout, under the type of this one's: what is used of it is the same in both. */
async function packageOf<P>(name: string): Promise<P> {
  const entry = resolve(folder, "packages", name, "dist/index.js");
  return (await import(pathToFileURL(entry).href)) as P;
}

const { createCpu } = await packageOf<typeof import("@resolvent/cpu")>("cpu");
const { assembleModel, tokenIds } =
  await packageOf<typeof import("@resolvent/transformer")>("transformer");
const { degreeTerms, expandByDegree } =
  await packageOf<typeof import("@resolvent/expansion")>("expansion");

const cpu = await createCpu({ precision: "f32" });
const numbers = randomWeights();
const model = assembleModel(cpu, config, (name, shape) =>
  cpu.constant(shape, numbers(name, shape)),
);
const weights = cpu.memory.used;
const tokens = Array.from({ length: Number(positions) }, (_, i) => (i * 7919) % VOCAB);
const ids = tokenIds(tokens);
const tasks: Readonly<Record<Task, () => unknown>> = {
  expand: () => expandByDegree(cpu, model, tokens),
  sweep: () => degreeTerms(cpu, model, ids),
  tree: () => degreeTerms(cpu, model, ids, { freeze: [], maxDegree: 6 }),
};
const start = performance.now();
let failed: string | null = null;
try {
  await tasks[task as Task](); // the command names one of them
} catch (error) {
  const [code, message] =
    error instanceof Error && "code" in error ? [error.code, error.message] : [];
  if (code !== "cpu/out-of-memory" || message === undefined) throw error;
  failed = message;
}
const result: Peak = {
  ...{ peak: cpu.memory.peak, weights, limit: cpu.memory.limit, failed },
  seconds: (performance.now() - start) / 1000,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await cpu.close();
