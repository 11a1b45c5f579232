/** ε-series and interactions beside forward passes of the same model, in one run. */
import { createCpu } from "@resolvent/cpu";
import { epsilonSeriesCost, epsilonTerms } from "@resolvent/expansion";
import { cost } from "@resolvent/tensor";
import {
  mapWeights,
  plainSites,
  residualStream,
  runCost,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import { randomModel, VOCAB } from "./gpt2-shape.ts";

const runs = 3;
const positions = Number(process.argv[2] ?? 128);

const cpu = await createCpu({ precision: "f32" });
const model = randomModel(cpu);
console.log(`GPT-2-small shape, random weights, ${cpu.threads} threads, Node ${process.version}`);

const tokens = Array.from({ length: positions }, (_, i) => (i * 7919) % VOCAB);
const ids = tokenIds(tokens);
const outline = mapWeights(model, ({ shape }) => cost().given(shape));
const pass = runCost(outline, tokens).flops;

const settings = [{ order: 6 }, { order: 6, about: 0.5 }, { order: 3 }] as const;
const bodies: Readonly<Record<string, () => void>> = {
  "forward pass": () => {
    const residual = residualStream(cpu, model, ids, plainSites());
    unembed(cpu, model, residual, plainSites());
  },
  ...Object.fromEntries(
    settings.map((options) => [
      `ε-series ${JSON.stringify(options)}`,
      () => void epsilonTerms(cpu, model, ids, options),
    ]),
  ),
};
const priced = [
  pass,
  ...settings.map((options) => epsilonSeriesCost(outline, tokens, options).flops),
];

/** In turn, so that a drift of the machine meets all of them; the first run warms up. */
const times = new Map(Object.keys(bodies).map((name): [string, number[]] => [name, []]));
for (let run = 0; run <= runs; run++) {
  for (const [name, body] of Object.entries(bodies)) {
    const start = performance.now();
    cpu.scope(body);
    if (run > 0) times.get(name)?.push(performance.now() - start);
  }
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const unit = median(times.get("forward pass") ?? []);
console.table(
  [...times].map(([what, values], i) => ({
    positions,
    what,
    milliseconds: Math.round(median(values)),
    "forward passes": (median(values) / unit).toFixed(1),
    "operations, in forward passes": ((priced[i] ?? Number.NaN) / pass).toFixed(1),
  })),
);
await cpu.close();
