/** The largest head-level paths beside forward passes of the same model, in one run. */
import { type Cpu, createCpu } from "@resolvent/cpu";
import { frozenRun, logitReadout, topPaths } from "@resolvent/expansion";
import { sizeOf } from "@resolvent/tensor";
import { assembleModel, type Model, run, tokenIds } from "@resolvent/transformer";

const CONTEXT = 1024;
const VOCAB = 50_257;
const POSITIONS = 128;
const TOP = 200;
const ROUNDS = 3;

/** GPT-2 small's shape: 12 layers of 12 heads, 10¹⁷ paths. The weights are random: only time is measured. */
const config = {
  model_type: "gpt2",
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: CONTEXT,
  vocab_size: VOCAB,
};

const cpu = await createCpu({ precision: "f32" });
const model = randomModel(cpu);
const tokens = Array.from({ length: POSITIONS }, (_, i) => (i * 7919) % VOCAB);
console.log(
  `GPT-2-small shape, random weights, ${POSITIONS} positions, ${cpu.threads} threads, ${cpu.blas?.library ?? "no BLAS"}, Node ${process.version}`,
);

const forward: number[] = [];
const search: number[] = [];
let found = "";
for (let round = 0; round <= ROUNDS; round++) {
  // In turn, so that a drift of the machine meets both.
  for (let pass = 0; pass < 4; pass++) {
    const start = performance.now();
    cpu.scope(() => void run(cpu, model, tokens));
    if (round > 0) forward.push(performance.now() - start); // the first round warms up
  }
  if (round === 0) continue;
  const start = performance.now();
  const frozen = frozenRun(cpu, model, tokenIds(tokens));
  const readout = cpu.scope(() => logitReadout(cpu, model, frozen, { a: 100, b: 200 }));
  const paths = await topPaths(cpu, model, frozen, readout, { level: "head", top: TOP });
  search.push(performance.now() - start);
  cpu.free([frozen, readout]);
  const last = Math.abs(paths.shown.at(-1)?.effect ?? 0);
  found = `${paths.count} paths, ${paths.expanded} suffixes looked at, the last shown ${last.toExponential(1)}, the largest promise left ${(paths.pending ?? 0).toExponential(1)}, certificate ${paths.relativeError.toExponential(1)}`;
}
const unit = median(forward);
console.table([
  { what: "forward pass", milliseconds: Math.round(unit), "forward passes": "1.0" },
  {
    what: `top ${TOP} head-level paths, with the run and all sums by degree`,
    milliseconds: Math.round(median(search)),
    "forward passes": (median(search) / unit).toFixed(1),
  },
]);
console.log(found);
await cpu.close();

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

function randomModel(engine: Cpu): Model<ReturnType<Cpu["fill"]>> {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return assembleModel(engine, config, (name, shape) => {
    const scale = /ln_.*weight$/.test(name);
    const numbers = Float32Array.from({ length: sizeOf(shape) }, () =>
      scale ? 1 : 0.07 * random(),
    );
    return engine.constant(shape, numbers);
  });
}
