import type { Engine, Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { decoderNorms } from "../norms.ts";
import { allOf, checkAll, type FeaturesOptions } from "./promoted.ts";
import { type TopRow, topEnds } from "./top-rows.ts";

/**
 * The features whose decoder rows point the same way most, by cosine, the nearest first, without the feature itself.
 * What a feature is near to it is often confused with, or a part of.
 *
 * @param options `features`: default all; `top`: default 5
 * @throws InputError `dictionary/no-feature`
 */
export async function nearestFeatures<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  { features = allOf(dictionary), top = 5, ...options }: FeaturesOptions = {},
): Promise<TopRow[][]> {
  checkAll(dictionary, features);
  const { W_dec } = dictionary;
  const size = dictionary.features;
  const norms = await decoderNorms(engine, W_dec);
  try {
    const { data } = await engine.read(norms);
    // A feature that writes nothing is near to none.
    const inverse = Float64Array.from(data, (norm) => (norm > 0 ? 1 / norm : 0));
    const make = (some: readonly number[]): T =>
      engine.scope(() => {
        const ids = { shape: { feature: some.length }, data: Int32Array.from(some) };
        const own = engine.rename(engine.take(W_dec, "feature", ids), { feature: "from" });
        const ownScale = engine.constant(
          { from: some.length },
          some.map((feature) => inverse[feature] as number), // checked
        );
        const products = engine.matmul(engine.mul(own, ownScale), W_dec, ["d_out"]);
        return engine.mul(products, engine.constant({ feature: size }, inverse));
      });
    // One more than asked for: itself is among them, or as near as it is.
    const ends = await topEnds(
      engine,
      features,
      { axis: "feature", size, make },
      { ...options, top: top + 1 },
    );
    return ends.map(({ most }, i) =>
      most.filter(({ index }) => index !== features[i]).slice(0, top),
    );
  } finally {
    engine.free(norms);
  }
}
