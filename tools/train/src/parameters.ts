import type { Engine, Shape, Shaped } from "@resolvent/tensor";
import { assembleModel } from "@resolvent/transformer";
import { type Random, seededRandom } from "./random.ts";

/** The numbers that are learned, by the names they have in a checkpoint. */
export type Parameters<T> = ReadonlyMap<string, T>;

/** Standard deviation of fresh matrices, near 1/√d_model (Radford et al. 2019 use 0.02 at width 768, where that is 0.036). */
const SPREAD = 0.08;

/** Size of fresh embeddings. */
const EMBEDDING = 0.05;

/**
 * Fresh parameters of a GPT-2 config: matrices normal, those that write to the residual stream smaller by
 * √(number of blocks), norm scales 1, biases 0. Positions begin as the sinusoids of Vaswani et al. 2017, so that
 * "the token before" is a linear map from the start. What the model's own definition asks for is the list.
 */
export function freshParameters<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
  seed: number,
): Parameters<T> {
  const parameters = new Map<string, T>();
  const random = seededRandom(seed);
  const blocks = 2 * Number(config.n_layer);
  const { wanted } = shapesOf(engine, config);
  for (const [name, shape] of wanted) {
    const size = Object.values(shape).reduce((product, n) => product * n, 1);
    if (name.endsWith("wpe.weight")) {
      parameters.set(name, engine.constant(shape, sinusoids(shape)));
      continue;
    }
    const spread = name.endsWith("wte.weight")
      ? EMBEDDING
      : name.endsWith("c_proj.weight")
        ? SPREAD / Math.sqrt(blocks)
        : SPREAD;
    const value = name.endsWith(".bias") ? 0 : /(^|\.)ln_/.test(name) ? 1 : undefined;
    const normal = normals(random.fork(name));
    const numbers = Float64Array.from({ length: size }, () => value ?? spread * normal());
    parameters.set(name, engine.constant(shape, numbers));
  }
  return parameters;
}

/** Names and shapes of a config's parameters, in the order they are asked for. */
function shapesOf<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
): { wanted: ReadonlyMap<string, Shape> } {
  const wanted = new Map<string, Shape>();
  engine.scope(() => {
    assembleModel(engine, config, (name, shape) => {
      wanted.set(name, shape);
      return engine.fill(shape, 0);
    });
  });
  return { wanted };
}

/** Standard normal numbers, by Box and Muller. */
function normals(random: Random): () => number {
  const uniform = (): number => (random.next() + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** `sin` and `cos` of the position at wavelengths from 2π to 2π·1000, side by side: `context, d_model`. */
function sinusoids(shape: Shape): Float64Array {
  const width = shape.d_model ?? 0;
  const size = (shape.context ?? 0) * width;
  return Float64Array.from({ length: size }, (_, i) => {
    const [pos, entry] = [Math.floor(i / width), i % width];
    const angle = pos * 1000 ** (-(entry - (entry % 2)) / width);
    return EMBEDDING * Math.SQRT2 * (entry % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
}
