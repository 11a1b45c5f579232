import { type Engine, type Shaped, using } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { virtualWeights } from "../expansion/virtual-weights.ts";
import { inputOf } from "../place.ts";
import { placeOf } from "./connections.ts";
import { allOf, checkAll, type FeaturesOptions, readers, readsStream } from "./promoted.ts";

/** A head and how strongly it can write along what a feature reads. */
export interface FeedingHead {
  readonly layer: number;
  readonly head: number;
  /** `‖γ' W_V W_O γ · W_enc[:, f]‖`: what one unit of the stream that the head reads is at most, in the pre-activation. */
  readonly gain: number;
}

/**
 * The heads through which a feature can read most of earlier positions, without data, patterns and σ: by the norm of what
 * the head's value and output make of `W_enc[:, f]`, γ' of the head's norm and γ of the dictionary's. Undefined where the
 * dictionary does not read the stream.
 *
 * @param options `features`: default all; `top`: default 5
 * @throws InputError `dictionary/no-site`, `dictionary/no-feature`
 */
export async function headsFeeding<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  { features = allOf(dictionary), top = 5, signal }: Omit<FeaturesOptions, "memory"> = {},
): Promise<FeedingHead[][] | undefined> {
  checkAll(dictionary, features);
  const input = inputOf(model, dictionary);
  if (!readsStream(input)) return undefined;
  const { layers, heads, d_model } = model.architecture;
  const found: FeedingHead[][] = features.map(() => []);
  if (features.length === 0) return found;
  const unit = engine.constant(
    { feature: d_model, d_out: d_model },
    Float64Array.from({ length: d_model ** 2 }, (_, i) => (i % (d_model + 1) === 0 ? 1 : 0)),
  );
  try {
    for (let layer = 0; layer < layers; layer++) {
      const wrote = placeOf(model, { site: `L${layer}.attn.write`, form: "value" });
      if (wrote >= placeOf(model, input)) break;
      for (let head = 0; head < heads; head++) {
        signal?.throwIfAborted();
        const gains = (): T =>
          engine.scope(() => {
            const to = readers(engine, dictionary, features);
            const weights = virtualWeights(engine, model, { W_dec: unit }, to, {
              through: { layer, head },
            });
            return engine.scale(engine.rms(weights, "from", 0), Math.sqrt(d_model));
          });
        const { data } = await using(engine, gains, async (made) => await engine.read(made));
        for (const [row, own] of found.entries()) {
          own.push({ layer, head, gain: data[row] as number }); // one for each
        }
      }
    }
  } finally {
    engine.free(unit);
  }
  // Sorting keeps the order of equal ones: the first layer, the first head.
  return found.map((own) => own.toSorted((a, b) => b.gain - a.gain).slice(0, top));
}
