import { type Engine, type Shaped, using } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import type { RangeFacts, WeightFacts } from "./dictionary-result.ts";

/** What its weights say of a dictionary. */
export async function weightFacts<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
): Promise<WeightFacts> {
  const { W_enc, W_dec, b_enc, b_dec, activation, d_in, d_out } = dictionary;
  const numbers = async (make: () => T): Promise<ArrayLike<number>> =>
    await using(engine, make, async (made) => (await engine.read(made)).data);
  const norms = (matrix: T, axis: "d_in" | "d_out", size: number): Promise<ArrayLike<number>> =>
    numbers(() => engine.scope(() => engine.scale(engine.rms(matrix, axis, 0), Math.sqrt(size))));
  const [bias] = Array.from(await norms(b_dec, "d_out", d_out));
  return {
    encoderNorm: rangeOf(await norms(W_enc, "d_in", d_in)),
    decoderNorm: rangeOf(await norms(W_dec, "d_out", d_out)),
    encoderBias: b_enc === undefined ? null : rangeOf((await engine.read(b_enc)).data),
    decoderBiasNorm: bias ?? 0,
    threshold:
      activation.kind === "jumprelu"
        ? rangeOf((await engine.read(activation.threshold)).data)
        : null,
  };
}

function rangeOf(values: ArrayLike<number>): RangeFacts {
  let [least, most, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number; // within
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
  }
  return { least, mean: sum / values.length, most };
}
