import { type Engine, type Shaped, sizeOf } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import type { Sample } from "../src/index.ts";

/** Token ids of several sequences, drawn with a seed. */
export function sequences(count: number, length: number, seed = 1): number[][] {
  let state = seed;
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) % 28;
    }),
  );
}

export function sampleOf(rows: readonly (readonly number[])[]): Sample {
  const tokens = rows.reduce((sum, row) => sum + row.length, 0);
  return { sequences: rows, tokens, found: rows.length, cut: 0, short: 0 };
}

/**
 * A model of affine blocks: no norms, every head attends evenly (queries are 0), and every neuron of a ReLU MLP is
 * far on its linear side.
 */
export async function affineModel<T extends Shaped>(engine: Engine<T>): Promise<Model<T>> {
  const model = await loadModel(engine, tinyModel("transformer_lens-relu"), { hash: false });
  const all = (like: T, value: number): T =>
    engine.constant(like.shape, new Float64Array(sizeOf(like.shape)).fill(value));
  return mapWeights(model, (weight, name) => {
    if (/\.(W_Q|b_Q)$/.test(name)) return all(weight, 0);
    return name.endsWith(".b_in") ? all(weight, name.startsWith("L0.") ? 60 : 1000) : weight;
  });
}
