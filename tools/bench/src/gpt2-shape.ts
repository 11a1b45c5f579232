/** A model of GPT-2 small's shape with random weights: for benchmarks, where only time is measured. */
import type { Cpu } from "@resolvent/cpu";
import { type Shape, sizeOf } from "@resolvent/tensor";
import { assembleModel, type Model } from "@resolvent/transformer";
import { randomNumbers } from "./random.ts";

const CONTEXT = 1024;
export const VOCAB = 50_257;

/** 12 layers, 24 blocks. */
export const config: Readonly<Record<string, string | number>> = {
  model_type: "gpt2",
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: CONTEXT,
  vocab_size: VOCAB,
};

export function randomModel(engine: Cpu): Model<ReturnType<Cpu["fill"]>> {
  const weights = randomWeights();
  return assembleModel(engine, config, (name, shape) =>
    engine.constant(shape, weights(name, shape)),
  );
}

/** Numbers for the weights of the model, the same every time. */
export function randomWeights(): (name: string, shape: Shape) => Float32Array {
  const random = randomNumbers();
  return (name, shape) => {
    const scale = /ln_.*weight$/.test(name);
    return Float32Array.from({ length: sizeOf(shape) }, () => (scale ? 1 : 0.07 * random()));
  };
}
