import { type Cost, cost, type Precision, type Priced, STACK_MEMORY } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { type Circuit, circuitTargets } from "./circuit-run.ts";
import { gradientEffects } from "./gradients.ts";
import { patchGraph } from "./graph.ts";
import { askedOf, measureAt } from "./measure.ts";
import { checkPairs, type PromptPair } from "./pairs.ts";
import { checkMethod, type PatchOptions } from "./patch.ts";
import { lastPosition } from "./patch-run.ts";
import type { Patched } from "./patched.ts";
import { meanWrites, preparePair } from "./prepared.ts";
import type { PatchSetting } from "./setting.ts";
import { patchWork, workChunks, workTargets } from "./work.ts";

/** What `patchEffects` would take, from shapes alone; with `circuits`, as many circuit runs on top. */
export function patchCost(
  outline: Model<Priced>,
  pairs: readonly PromptPair[],
  setting: PatchSetting,
  options: PatchOptions & { readonly precision?: Precision; readonly circuits?: number } = {},
): Cost {
  const { method = "exact", steps = 5, compare = false, positions = false } = options;
  const { precision = "f32", memory = STACK_MEMORY, circuits = 0 } = options;
  const { reference, measure } = setting;
  checkPairs(pairs, reference.kind === "run");
  checkMethod(setting, { method, steps, positions }, pairs);
  const graph = patchGraph(outline.architecture, setting.level);
  const work = patchWork(graph, setting.kind, positions ? (pairs[0]?.clean.length ?? 0) : 0);
  const target = { a: 0, b: outline.architecture.vocab > 1 ? 1 : null };
  const ops = cost({ precision });
  ops.scope(() => {
    const means =
      reference.kind === "mean" ? meanWrites(ops, outline, graph, reference.prompts) : undefined;
    for (const pair of pairs) {
      ops.scope(() => {
        const prepared = preparePair(ops, outline, graph, pair, setting, means);
        const { run, deltas, clean } = prepared;
        const asked = askedOf(ops, outline, { measure, target, clean });
        const patched: Patched<Priced> = { model: outline, graph, run, deltas, ...asked };
        const final = lastPosition(ops, run.streams[graph.stages] as Priced); // after all stages
        ops.scope(() => measureAt(ops, outline, final, asked));
        if (method !== "exact") {
          const how = { method, steps };
          ops.scope(() => gradientEffects(ops, patched, how));
        }
        if (method === "exact" || compare) {
          const limits = { memory, precision };
          for (const cells of workChunks(outline, patched, work, limits)) {
            ops.scope(() => workTargets(ops, patched, work, cells));
          }
        }
        for (let circuit = 0; circuit < circuits; circuit++) {
          const whole: Circuit = () => true;
          const [x0] = clean.streams as [Priced]; // what the first stage reads
          const subject = { model: outline, graph, x0, reference: prepared.reference, ...asked };
          ops.scope(() => circuitTargets(ops, subject, [whole]));
        }
      });
    }
  });
  return ops.total();
}
