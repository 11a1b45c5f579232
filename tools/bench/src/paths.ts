/** The largest head-level paths beside forward passes of the same model, in one run. */
import { createCpu } from "@resolvent/cpu";
import { frozenRun, logitReadout, topPaths } from "@resolvent/paths";
import { run, tokenIds } from "@resolvent/transformer";
import { randomModel, VOCAB } from "./gpt2-shape.ts";

const POSITIONS = 128;
const TOP = 200;
const ROUNDS = 3;

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
