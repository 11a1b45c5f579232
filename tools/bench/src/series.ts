/** ε-series and interactions beside forward passes of the same model, in one run. */
import { createCpu } from "@resolvent/cpu";
import {
  epsilonTerms,
  type InteractionOptions,
  interactionsCost,
  interactionTerms,
  seriesCost,
} from "@resolvent/expansion";
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
/** The first five layers by themselves. */
const five: typeof model = {
  ...model,
  architecture: { ...model.architecture, layers: 5 },
  stages: [...model.stages].slice(0, 10),
};
const outlineOfFive = mapWeights(five, ({ shape }) => cost().given(shape));
const games: readonly [string, InteractionOptions, run: boolean][] = [
  ["12 heads of layer 6, pairs", { players: { kind: "heads", layer: 6 }, order: 2 }, true],
  ["12 layers, exactly", { players: { kind: "layers" } }, false],
  ["144 heads, pairs", { players: { kind: "heads" } }, false],
];

interface Row {
  readonly what: string;
  /** The forward pass that it is compared with. */
  readonly unit: string;
  readonly flops: number;
  readonly body?: () => Promise<void>;
}
const forward = (of: typeof model) => async (): Promise<void> =>
  cpu.scope(() => {
    const residual = residualStream(cpu, of, ids, plainSites());
    unembed(cpu, of, residual, plainSites());
  });
const whole = "forward pass";
const short = "forward pass of 5 layers";
const rows: Row[] = [
  { what: whole, unit: whole, flops: pass, body: forward(model) },
  ...settings.map((options) => ({
    what: `ε-series ${JSON.stringify(options)}`,
    unit: whole,
    flops: seriesCost(outline, tokens, options).flops,
    body: async () => cpu.scope(() => void epsilonTerms(cpu, model, ids, options)),
  })),
  ...games.map(([name, options, measured]) => ({
    what: `interactions of ${name}`,
    unit: whole,
    flops: interactionsCost(outline, tokens, options).flops,
    ...(measured && {
      body: async () => void (await interactionTerms(cpu, model, tokens, options)),
    }),
  })),
  { what: short, unit: short, flops: runCost(outlineOfFive, tokens).flops, body: forward(five) },
  {
    what: "interactions of 5 layers' 10 blocks, exactly",
    unit: short,
    flops: interactionsCost(outlineOfFive, tokens).flops,
    body: async () => void (await interactionTerms(cpu, five, tokens)),
  },
];

/** In turn, so that a drift of the machine meets all of them; the first run warms up. */
const times = rows.map((): number[] => []);
for (let run = 0; run <= runs; run++) {
  for (const [i, { what, body }] of rows.entries()) {
    if (body === undefined || (what.startsWith("interactions") && run > 1)) continue; // once is long enough
    const start = performance.now();
    await body();
    if (run > 0) times[i]?.push(performance.now() - start);
  }
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const ofUnit = (name: string): { readonly ms: number; readonly flops: number } => {
  const i = rows.findIndex(({ what }) => what === name);
  return { ms: median(times[i] ?? []), flops: rows[i]?.flops ?? Number.NaN };
};
console.table(
  rows.map(({ what, unit, flops }, i) => ({
    positions,
    what,
    milliseconds: Math.round(median(times[i] ?? [])),
    "forward passes": (median(times[i] ?? []) / ofUnit(unit).ms).toFixed(1),
    "operations, in forward passes": (flops / ofUnit(unit).flops).toFixed(1),
  })),
);
await cpu.close();
