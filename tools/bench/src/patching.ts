/** Edge patching and its gradient versions beside forward passes of the same model, in one run. */
import { createCpu } from "@resolvent/cpu";
import {
  CIRCUIT_SIZES,
  findCircuit,
  type PatchMethod,
  patchEffects,
  patchSetting,
} from "@resolvent/patching";
import { plainSites, residualStream, tokenIds, unembed } from "@resolvent/transformer";
import { randomModel, VOCAB } from "./gpt2-shape.ts";

const runs = 3;
const positions = Number(process.argv[2] ?? 128);

const cpu = await createCpu({ precision: "f32" });
const model = randomModel(cpu);
console.log(`GPT-2-small shape, random weights, ${cpu.threads} threads, Node ${process.version}`);

const prompt = (step: number): number[] =>
  Array.from({ length: positions }, (_, i) => (i * step) % VOCAB);
const pairs = [{ clean: prompt(7919), corrupt: prompt(6007) }];
const ids = tokenIds(prompt(7919));
const edges = (level: "block" | "head") =>
  patchSetting({ kind: "edge", level, reference: { kind: "run" }, direction: "noise" });
const nodes = patchSetting({ ...edges("head"), kind: "node" });

const forward = async (): Promise<void> => {
  cpu.scope(() => {
    const residual = residualStream(cpu, model, ids, plainSites());
    unembed(cpu, model, residual, plainSites());
  });
};
const patched = (method: PatchMethod, level: "block" | "head") => async (): Promise<void> =>
  void (await patchEffects(cpu, model, pairs, edges(level), { method }));

const bodies: Readonly<Record<string, () => Promise<void>>> = {
  "forward pass": forward,
  "EAP, blocks": patched("eap", "block"),
  "EAP, heads (32,491 edges)": patched("eap", "head"),
  "EAP-IG, blocks, 5 points": patched("eap-ig", "block"),
  "nodes exactly, blocks and heads (157)": async () =>
    void (await patchEffects(cpu, model, pairs, nodes)),
  "edges exactly, blocks (325)": patched("exact", "block"),
  [`circuits of ${CIRCUIT_SIZES.length} sizes, blocks, by EAP`]: async () =>
    void (await findCircuit(cpu, model, pairs, edges("block"))),
};

/** In turn, so that a drift of the machine meets all of them; the first run warms up. */
const times = new Map(Object.keys(bodies).map((name): [string, number[]] => [name, []]));
for (let run = 0; run <= runs; run++) {
  for (const [name, body] of Object.entries(bodies)) {
    const start = performance.now();
    await body();
    if (run > 0) times.get(name)?.push(performance.now() - start);
  }
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const unit = median(times.get("forward pass") ?? []);
console.table(
  [...times].map(([what, values]) => ({
    positions,
    what,
    milliseconds: Math.round(median(values)),
    "forward passes": (median(values) / unit).toFixed(1),
  })),
);
await cpu.close();
