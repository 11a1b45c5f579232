/** Sweeps and trees beside forward passes of the same model, in one run. */
import { createCpu } from "@resolvent/cpu";
import { degreeTerms, type TermsOptions } from "@resolvent/expansion";
import { plainSites, residualStream, tokenIds, unembed } from "@resolvent/transformer";
import { randomModel, VOCAB } from "./gpt2-shape.ts";

const runs = 5;

const cpu = await createCpu({ precision: "f32" });
const model = randomModel(cpu);
console.log(`GPT-2-small shape, random weights, ${cpu.threads} threads, Node ${process.version}`);
for (const pos of [32, 128]) {
  const ids = tokenIds(Array.from({ length: pos }, (_, i) => (i * 7919) % VOCAB));
  const forward = (): void => {
    const residual = residualStream(cpu, model, ids, plainSites());
    unembed(cpu, model, residual, plainSites());
  };
  const blocks = (): void => void residualStream(cpu, model, ids, plainSites());
  const terms = (options: TermsOptions) => (): void => void degreeTerms(cpu, model, ids, options);
  const times = sideBySide({
    "forward pass": forward,
    "forward pass without logits": blocks,
    "sweep, all 24 degrees": terms({}),
    "sweep, degrees 0 to 4": terms({ maxDegree: 4 }),
    "truncated tree, degrees 0 to 4, nothing frozen": terms({ freeze: [], maxDegree: 4 }),
  });
  const unit = times.get("forward pass") ?? Number.NaN;
  const bare = times.get("forward pass without logits") ?? Number.NaN;
  console.table(
    [...times].map(([what, ms]) => ({
      positions: pos,
      what,
      milliseconds: Math.round(ms),
      "forward passes": (ms / unit).toFixed(2),
      "without logits": (ms / bare).toFixed(2),
    })),
  );
}
await cpu.close();

/** Median milliseconds of each, taken in turn so that a drift of the machine meets all of them. */
function sideBySide(bodies: Readonly<Record<string, () => void>>): Map<string, number> {
  const all = new Map(Object.keys(bodies).map((name): [string, number[]] => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const [name, body] of Object.entries(bodies)) {
      const start = performance.now();
      cpu.scope(body);
      if (run > 0) all.get(name)?.push(performance.now() - start); // the first run warms up
    }
  }
  const median = (times: number[]): number =>
    times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
  return new Map([...all].map(([name, times]) => [name, median(times)]));
}
