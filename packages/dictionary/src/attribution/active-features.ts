import type { Engine, Shaped } from "@resolvent/tensor";
import { blockWrite, frozenAt, type MlpBlock, recording, type Site } from "@resolvent/transformer";
import type { FeaturePlace } from "../expansion/feature-readout.ts";
import type { ReplacedRun, Replacement } from "./replaced-run.ts";

/** A feature that is active at a position of a run. */
export interface ActiveFeature extends FeaturePlace {
  readonly activation: number;
}

/**
 * The features of replaced MLPs that are active in a run, by layer, position and feature. Dense activations are made for
 * a layer at a time.
 */
export async function activeFeatures<T extends Shaped>(
  engine: Engine<T>,
  replaced: ReplacedRun<T>,
): Promise<ActiveFeature[]> {
  const found: ActiveFeature[] = [];
  for (const one of replaced.replacements) {
    const made = engine.scope(() => activationsOf(engine, replaced, one));
    try {
      const { data } = await engine.read(made);
      const units = data.length / replaced.run.positions;
      for (let position = 0; position < replaced.run.positions; position++) {
        for (let feature = 0; feature < one.features; feature++) {
          const activation = data[position * units + feature] ?? 0;
          if (activation !== 0) found.push({ layer: one.layer, position, feature, activation });
        }
      }
    } finally {
      engine.free(made);
    }
  }
  return found;
}

/** What the units of a replaced MLP do in the run: `pos, d_mlp`. */
function activationsOf<T extends Shaped>(
  engine: Engine<T>,
  { run, model }: ReplacedRun<T>,
  { block, stage }: Replacement<T>,
): T {
  let stream = run.embedding;
  for (const blocks of [...model.stages].slice(0, stage)) {
    for (const { name } of blocks) stream = engine.add(stream, run.writes.get(name) as T); // every block writes
  }
  return unitsAt(engine, block, stream, run.gates);
}

function unitsAt<T extends Shaped>(
  engine: Engine<T>,
  block: MlpBlock<T>,
  stream: T,
  gates: ReadonlyMap<Site, T>,
): T {
  const post = `${block.name}.post`;
  const trace = new Map<Site, T>();
  const sites = recording(frozenAt(gates), (site) => site === post, trace);
  blockWrite(engine, block, stream, sites);
  return engine.arrange(trace.get(post) as T, ["pos", "d_mlp"]); // every MLP passes it
}
