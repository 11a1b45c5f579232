import { type Engine, type Shape, type Shaped, sizeOf } from "@resolvent/tensor";
import { assembleModel } from "@resolvent/transformer";
import { type Random, seededRandom } from "./random.ts";

/** The numbers that are learned, by the names they have in a checkpoint. */
export type Parameters<T> = ReadonlyMap<string, T>;

/** How the entries of a parameter begin: normal with this standard deviation, all alike, or as sinusoids. */
type Start =
  | { readonly normal: number }
  | { readonly value: number }
  | { readonly sinusoids: Sinusoids };

interface Sinusoids {
  readonly size: number;
  /** Radians per position; `at` goes from 0 to 1 over the pairs of entries. */
  readonly frequency: (at: number) => number;
}

/** How the parameters of a family begin, by name; undefined for those that its models go without. */
type Starts = (config: Readonly<Record<string, unknown>>) => (name: string) => Start | undefined;

/** Standard deviation of fresh matrices, near 1/√d_model (Radford et al. 2019 use 0.02 at width 768, where that is 0.036). */
const SPREAD = 0.08;

/** Size of fresh embeddings. */
const EMBEDDING = 0.05;

const gpt2Starts: Starts = (config) => {
  const blocks = 2 * Number(config.n_layer);
  return (name) => {
    if (name.endsWith("wpe.weight")) {
      // wavelengths from 2π to 2π·1000 (Vaswani et al. 2017)
      return { sinusoids: { size: EMBEDDING, frequency: (at) => 1000 ** -at } };
    }
    if (name.endsWith("wte.weight")) return { normal: EMBEDDING };
    if (name.endsWith(".bias")) return { value: 0 };
    if (/(^|\.)ln_/.test(name)) return { value: 1 };
    return { normal: name.endsWith("c_proj.weight") ? SPREAD / Math.sqrt(blocks) : SPREAD };
  };
};

/** Sizes of fresh embeddings, of tokens and of positions, that are read without a norm. */
const UNNORMED_EMBEDDING = 0.5;
const UNNORMED_POSITION = 1;

/**
 * Of an attention-only model without norms and without biases: its embeddings begin larger, since nothing scales
 * them up to be read. Frequencies of positions are spread evenly up to π, so that a head of a few entries can
 * tell a position from both its neighbours; over powers of 1000 most of them are too slow for that. Positions are
 * the larger part at first, so that heads that look at the token before form soon, and sharply.
 */
const lensStarts: Starts = (config) => {
  const spread = 1 / Math.sqrt(Number(config.d_model));
  const blocks = Number(config.n_layers);
  return (name) => {
    if (/(^|\.)b_\w$/.test(name)) return undefined;
    if (name.endsWith("W_pos")) {
      return { sinusoids: { size: UNNORMED_POSITION, frequency: (at) => Math.PI * at } };
    }
    if (name.endsWith("W_E")) return { normal: UNNORMED_EMBEDDING };
    return { normal: name.endsWith("W_O") ? spread / Math.sqrt(blocks) : spread };
  };
};

/**
 * Fresh parameters of a config of GPT-2 or of an attention-only TransformerLens model: matrices normal, those that
 * write to the residual stream smaller by √(number of blocks), norm scales 1, biases 0. Positions begin as the
 * sinusoids of Vaswani et al. 2017, so that "the token before" is a linear map from the start. What the model's own
 * definition asks for is the list.
 */
export function freshParameters<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
  seed: number,
): Parameters<T> {
  const parameters = new Map<string, T>();
  const random = seededRandom(seed);
  const starts = config.model_type === "transformer_lens" ? lensStarts : gpt2Starts;
  const startOf = starts(config);
  const wanted = shapesOf(engine, config, (name) => startOf(name) !== undefined);
  for (const [name, shape] of wanted) {
    const start = startOf(name) ?? { value: 0 }; // one that is always there begins somewhere
    parameters.set(name, engine.constant(shape, numbersFrom(start, shape, random.fork(name))));
  }
  return parameters;
}

function numbersFrom(start: Start, shape: Shape, random: Random): Float64Array {
  if ("sinusoids" in start) return sinusoids(shape, start.sinusoids);
  const normal = normals(random);
  return Float64Array.from({ length: sizeOf(shape) }, () =>
    "value" in start ? start.value : start.normal * normal(),
  );
}

/** Names and shapes of a config's parameters, in the order they are asked for. */
function shapesOf<T extends Shaped>(
  engine: Engine<T>,
  config: Readonly<Record<string, unknown>>,
  has: (name: string) => boolean,
): ReadonlyMap<string, Shape> {
  const wanted = new Map<string, Shape>();
  engine.scope(() => {
    const tensor = (name: string, shape: Shape): T => {
      wanted.set(name, shape);
      return engine.fill(shape, 0);
    };
    assembleModel(engine, config, tensor, { has });
  });
  return wanted;
}

/** Standard normal numbers, by Box and Muller. */
function normals(random: Random): () => number {
  const uniform = (): number => (random.next() + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** `sin` and `cos` of the position, one pair of entries for each frequency: `context, d_model`. */
function sinusoids(shape: Shape, { size, frequency }: Sinusoids): Float64Array {
  const width = shape.d_model ?? 0;
  const length = (shape.context ?? 0) * width;
  return Float64Array.from({ length }, (_, i) => {
    const [pos, entry] = [Math.floor(i / width), i % width];
    const angle = pos * frequency((entry - (entry % 2)) / width);
    return size * Math.SQRT2 * (entry % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
}
