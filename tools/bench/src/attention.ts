/**
 * Copying and composition scores of all heads beside a forward pass of the same model, in one run.
 *
 *     pnpm --filter @resolvent/bench attention [FOLDER]
 *
 * FOLDER is a model; without one, random weights of GPT-2 small's shape.
 */
import { attentionFactors, composition, copying, processingFor } from "@resolvent/attention";
import { createCpu } from "@resolvent/cpu";
import { loadModel, plainSites, residualStream, tokenIds, unembed } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { randomModel } from "./gpt2-shape.ts";

const POSITIONS = 128;
const RUNS = 3;

const cpu = await createCpu({ precision: "f32", threads: 2 });
const linear = await cpu.linearAlgebra();
const folder = process.argv[2];
const model =
  folder === undefined ? randomModel(cpu) : await loadModel(cpu, folderOf(folder), { hash: false });
const { layers, heads, vocab } = model.architecture;
const ids = tokenIds(Array.from({ length: POSITIONS }, (_, i) => (i * 7919) % vocab));
console.log(
  `${model.name}: ${layers} layers of ${heads} heads; ${cpu.threads} threads, ${cpu.blas === undefined ? "own kernels" : "BLAS"}, Node ${process.version}`,
);

const times = new Map<string, number[]>();
for (let run = 0; run <= RUNS; run++) {
  await time("forward pass", async () => {
    cpu.scope(() => {
      const residual = residualStream(cpu, model, ids, plainSites());
      unembed(cpu, model, residual, plainSites());
    });
  });
  const processing = processingFor(model);
  const factors = await time("weight processing", async () =>
    attentionFactors(cpu, model, processing),
  );
  await time("copying scores", () => copying(cpu, linear, factors, { model, processing }));
  await time("composition scores", () => composition(cpu, linear, factors));
  cpu.free(factors);
  if (run === 0) times.clear(); // the first run warms up
}
const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
const unit = median(times.get("forward pass") ?? []);
const measured = [...times].map(([what, all]) => ({ what, ms: median(all) }));
const together = measured.slice(1).reduce((sum, { ms }) => sum + ms, 0);
console.table(
  [...measured, { what: "all scores", ms: together }].map(({ what, ms }) => ({
    what,
    milliseconds: Math.round(ms),
    "forward passes": (ms / unit).toFixed(1),
  })),
);
await cpu.close();

async function time<R>(what: string, body: () => Promise<R>): Promise<R> {
  const start = performance.now();
  const result = await body();
  times.set(what, [...(times.get(what) ?? []), performance.now() - start]);
  return result;
}
