/**
 * Trains from several seeds, and keeps checkpoints at steps that are evenly spaced on a scale of powers of two, each seed
 * in a folder of its own: `node dist/make-checkpoints.js NAME --out FOLDER --until STEP [--seeds N] [--threads N]`. Run
 * again it goes on where it was; threads do not change a bit of it.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCpu } from "@resolvent/cpu";
import { keepCheckpoints, logSteps } from "./checkpoints.ts";
import { keptTrainings } from "./kept-training.ts";

/** The first checkpoint, and how many there are while steps double. */
const [FIRST, PER_DOUBLING] = [8, 2];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string" },
    until: { type: "string" },
    seeds: { type: "string", default: "5" },
    threads: { type: "string" },
  },
});
const [name = ""] = positionals;
const training = Object.hasOwn(keptTrainings, name) ? keptTrainings[name] : undefined;
if (training === undefined) {
  throw new Error(`Name a training: ${Object.keys(keptTrainings).join(" or ")}.`);
}
if (values.out === undefined) throw new Error("Give --out FOLDER.");
const [until, seeds] = [Number(values.until), Number(values.seeds)];
if (!Number.isInteger(until) || until < FIRST) {
  throw new Error(`Give --until STEP, a whole number from ${FIRST}.`);
}
if (!Number.isInteger(seeds) || seeds < 1) throw new Error("--seeds is a whole number from 1.");

const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
const engine = await createCpu({ precision: "f32", blas: "off", ...threads });
const ofSeed = training(engine);
const started = performance.now();
for (let seed = 1; seed <= seeds; seed++) {
  const { options, ...own } = ofSeed(seed);
  const onStep: typeof options.onStep = ({ step, loss }) => {
    if (step % 64 !== 0) return;
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    process.stderr.write(`seed ${seed}  step ${step}  loss ${loss.toFixed(4)}  ${minutes} min\n`);
  };
  const folder = join(values.out, `seed-${seed}`);
  const steps = logSteps(FIRST, until, PER_DOUBLING);
  await keepCheckpoints(engine, folder, { ...own, options: { ...options, onStep } }, steps);
}
await engine.close();
