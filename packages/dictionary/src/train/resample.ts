import { axesOf, type Engine, type Shaped, using } from "@resolvent/tensor";
import { affineEncoded } from "./pre-activations.ts";
import { drawingFor } from "./seed.ts";
import { sizesOf } from "./start-weights.ts";
import type { TrainingState } from "./step.ts";
import { mapTrained, type TrainedWeights, type TrainingRows } from "./weights.ts";

/** The encoder's rows of features that begin anew, as a share of the mean of the others'. */
const ENCODER_SHARE = 0.2;

/**
 * Dead features begin anew (Bricken et al. 2023, "neuron resampling"): at inputs that are drawn in proportion to the
 * square of their loss. The decoder row is the input over its norm, the encoder row the same times 0.2 times the mean
 * norm of the others', the bias 0, Adam's moments 0. The state that was given is freed.
 *
 * @param dead features, rising
 */
export async function resample<T extends Shaped>(
  engine: Engine<T>,
  state: TrainingState<T>,
  subtractsBias: boolean,
  rows: TrainingRows<T>,
  dead: Int32Array,
  seed: number,
): Promise<TrainingState<T>> {
  const { features, d_in } = sizesOf(state.weights);
  const errors = await using(
    engine,
    () => squaredErrors(engine, state.weights, subtractsBias, rows),
    async (each) => (await engine.read(each)).data,
  );
  const inputs = await using(
    engine,
    () => engine.arrange(rows.input, ["row", "d_in"]),
    async (x) => (await engine.read(x)).data,
  );
  const numbers = async (weight: T): Promise<Float64Array> =>
    Float64Array.from((await engine.read(weight)).data);
  const W_enc = await numbers(state.weights.W_enc);
  const isDead = new Set(dead);
  const norm = (values: ArrayLike<number>, row: number): number => {
    let sum = 0;
    for (let i = 0; i < d_in; i++) sum += (values[row * d_in + i] as number) ** 2; // within
    return Math.sqrt(sum);
  };
  let total = 0;
  for (let f = 0; f < features; f++) if (!isDead.has(f)) total += norm(W_enc, f);
  const length = ENCODER_SHARE * (isDead.size === features ? 1 : total / (features - isDead.size));

  const draw = drawingFor(seed, "resample", state.step);
  const fresh = new Float64Array(dead.length * d_in);
  dead.forEach((_, i) => {
    const row = drawn(errors, draw);
    const size = norm(inputs, row) || 1;
    for (let j = 0; j < d_in; j++) fresh[i * d_in + j] = (inputs[row * d_in + j] as number) / size; // within
  });
  /** A weight with rows of dead features put in place of its own. */
  const changed = async (weight: T, scale: number): Promise<T> => {
    const values = await numbers(weight);
    const width = values.length / features;
    dead.forEach((f, i) => {
      for (let j = 0; j < width; j++)
        values[f * width + j] = scale === 0 ? 0 : scale * (fresh[i * d_in + j] as number); // rows are as wide
    });
    return engine.constant(weight.shape, values);
  };
  const made: T[] = [];
  const remade = async (
    weights: TrainedWeights<T>,
    scales: { readonly W_enc: number; readonly W_dec: number },
  ): Promise<TrainedWeights<T>> => {
    const by = new Map<string, T>();
    for (const name of ["W_enc", "b_enc", "W_dec"] as const) {
      const weight = weights[name];
      if (weight === undefined || axesOf(weight.shape)[0] !== "feature") continue;
      const one = await changed(weight, name === "b_enc" ? 0 : scales[name]);
      made.push(one);
      by.set(name, one);
    }
    return mapTrained(weights, (weight, name) => by.get(name) ?? weight);
  };
  try {
    const next = {
      weights: await remade(state.weights, { W_enc: length, W_dec: 1 }),
      first: await remade(state.first, { W_enc: 0, W_dec: 0 }),
      second: await remade(state.second, { W_enc: 0, W_dec: 0 }),
    };
    for (const old of [state.weights, state.first, state.second])
      engine.free([old.W_enc, old.b_enc, old.W_dec]);
    return { ...state, ...next };
  } catch (error) {
    engine.free(made);
    throw error;
  }
}

/** `‖y − x^‖²` of each row, of a ReLU dictionary. */
function squaredErrors<T extends Shaped>(
  engine: Engine<T>,
  weights: TrainedWeights<T>,
  subtractsBias: boolean,
  { input, target }: TrainingRows<T>,
): T {
  const z = affineEncoded(engine, weights, weights.b_enc, subtractsBias, input);
  const a = engine.mul(z, engine.gate(z, "relu"));
  const output = engine.add(engine.matmul(a, weights.W_dec, ["feature"]), weights.b_dec);
  const error = engine.sub(target, output);
  return engine.sum(engine.mul(error, error), ["d_out"]);
}

/** A row, drawn in proportion to the square of its loss. */
function drawn(losses: ArrayLike<number>, draw: () => number): number {
  let total = 0;
  for (let i = 0; i < losses.length; i++) total += (losses[i] as number) ** 2; // within
  let left = draw() * total;
  for (let i = 0; i < losses.length; i++) {
    left -= (losses[i] as number) ** 2;
    if (left < 0) return i;
  }
  return losses.length - 1;
}
