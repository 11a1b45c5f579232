import type { Engine, Shaped } from "@resolvent/tensor";
import type { HeadPlace, Model } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { virtualWeights } from "../expansion/virtual-weights.ts";
import { inputOf, placesOf } from "../place.ts";
import type { DictionarySite } from "../site.ts";
import {
  allOf,
  checkAll,
  type FeaturesOptions,
  isOfStream,
  readers,
  readsStream,
} from "./promoted.ts";
import { largestOf, type TopRow, topEnds } from "./top-rows.ts";

/**
 * Whether what `from` writes is in the stream before `to` reads it, so that its features can feed those of `to`.
 *
 * @throws InputError `dictionary/no-site`
 */
export function comesBefore<T extends Shaped>(
  model: Model<T>,
  from: Dictionary<T>,
  to: Dictionary<T>,
): boolean {
  const [writes, reads] = [placesOf(model, from).output, inputOf(model, to)];
  return isOfStream(writes) && readsStream(reads) && placeOf(model, writes) < placeOf(model, reads);
}

/** Where in a forward pass a site is: later ones are larger. */
export function placeOf<T extends Shaped>(model: Model<T>, { site }: DictionarySite): number {
  const [, layer, kind, part] = /^L(\d+)\.(attn|mlp)\.(\w+)$/.exec(site) ?? [];
  if (layer === undefined) return -1; // an embedding
  // Blocks that read at once read the same.
  const block = kind === "mlp" && !model.architecture.parallel ? 4 : 0;
  const parts: Readonly<Record<string, number>> = { read: 0, write: 2, after: 3 };
  return 8 * Number(layer) + block + (parts[part ?? ""] ?? 1);
}

export interface ConnectionOptions extends FeaturesOptions {
  /** A head between the two: `W_dec · W_V W_O · W_enc`; default none, straight along the stream. */
  readonly through?: HeadPlace;
}

/**
 * The features of `to` that features of `from` feed most, by the size of their virtual weight, either sign: what one
 * writes along what the other reads, an activation of 1 each, without data and without σ.
 *
 * @param options `features`: of `from`, default all; `top`: default 5
 * @throws InputError `dictionary/no-site`, `dictionary/no-feature`, `transformer/no-head`
 */
export async function featuresFed<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  from: Dictionary<T>,
  to: Dictionary<T>,
  { features = allOf(from), through, top = 5, ...options }: ConnectionOptions = {},
): Promise<TopRow[][]> {
  checkAll(from, features);
  const make = (some: readonly number[]): T =>
    virtualWeights(engine, model, from, to, {
      features: some,
      ...(through !== undefined && { through }),
    });
  const ends = await topEnds(
    engine,
    features,
    { axis: "to", size: to.features, make },
    { ...options, top },
  );
  return ends.map((one) => largestOf(one, top));
}

/**
 * The features of `from` that feed features of `to` most, likewise.
 *
 * @param options `features`: of `to`, default all; `top`: default 5
 * @throws InputError `dictionary/no-site`, `dictionary/no-feature`, `transformer/no-head`
 */
export async function featuresFeeding<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  from: Dictionary<T>,
  to: Dictionary<T>,
  { features = allOf(to), through, top = 5, ...options }: ConnectionOptions = {},
): Promise<TopRow[][]> {
  checkAll(to, features);
  const make = (some: readonly number[]): T =>
    engine.scope(() => {
      const weights = virtualWeights(engine, model, from, readers(engine, to, some), {
        ...(through !== undefined && { through }),
      });
      return engine.rename(weights, { from: "writer", to: "from" });
    });
  const ends = await topEnds(
    engine,
    features,
    { axis: "writer", size: from.features, make },
    { ...options, top },
  );
  return ends.map((one) => largestOf(one, top));
}
