import { type Engine, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { type Reads, virtualLogits, virtualWeights } from "../expansion/virtual-weights.ts";
import { inputOf, placesOf } from "../place.ts";
import type { DictionarySite } from "../site.ts";
import { checkFeature } from "./gather.ts";
import { type TopEnds, type TopOptions, topEnds } from "./top-rows.ts";

/** Whether what a site has is added to the stream, or is the stream: vectors of `d_model` whose sum goes on. */
export function isOfStream({ site, form }: DictionarySite): boolean {
  return form === "value" && /^embed|\.(?:read|write|after)$/.test(site);
}

/** Whether a site is the stream itself, or what a norm makes of it. */
export function readsStream({ site }: DictionarySite): boolean {
  return site === "embed" || /\.(?:read|after)$/.test(site);
}

/**
 * The tokens whose logits features raise and lower most by what they write, without data: `W_dec[f]` through the final
 * norm's scale and the unembedding, less its mean over the vocabulary; no σ, which is a run's. Undefined where features
 * do not write into the stream, as those of heads' values.
 *
 * @param features default all
 * @throws InputError `dictionary/no-site`, `dictionary/no-feature`
 */
export async function promotedTokens<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  { features = allOf(dictionary), ...options }: FeaturesOptions = {},
): Promise<TopEnds[] | undefined> {
  checkAll(dictionary, features);
  if (!isOfStream(placesOf(model, dictionary).output)) return undefined;
  const size = model.architecture.vocab;
  const make = (some: readonly number[]): T =>
    virtualLogits(engine, model, dictionary, { features: some });
  return await topEnds(engine, features, { axis: "vocab", size, make }, options);
}

export interface FeaturesOptions extends TopOptions {
  /** Which features; default all. */
  readonly features?: readonly number[];
}

/**
 * The tokens whose embeddings features read most and least, straight along the stream and without data: `W_E`, as it
 * enters the stream, through the scale of the norm that the dictionary reads through, times `W_enc[:, f]`. Undefined
 * where it does not read the stream, but what a block writes.
 *
 * @throws InputError `dictionary/no-site`, `dictionary/no-feature`
 */
export async function tokensRead<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  { features = allOf(dictionary), ...options }: FeaturesOptions = {},
): Promise<TopEnds[] | undefined> {
  checkAll(dictionary, features);
  if (!readsStream(inputOf(model, dictionary))) return undefined;
  const { W_E, scale } = model.embed;
  const size = sizeAlong(W_E.shape, "vocab", "tokensRead");
  const make = (some: readonly number[]): T =>
    engine.scope(() => {
      // Tokens write their embeddings as features write their directions.
      const embedded = engine.rename(W_E, { vocab: "feature", d_model: "d_out" });
      const W_dec = scale === undefined ? embedded : engine.scale(embedded, scale);
      const weights = virtualWeights(engine, model, { W_dec }, readers(engine, dictionary, some));
      return engine.rename(weights, { from: "token", to: "from" });
    });
  return await topEnds(engine, features, { axis: "token", size, make }, options);
}

/** As much of a dictionary as some of its features read with. */
export function readers<T extends Shaped>(
  engine: Engine<T>,
  { name, input, W_enc }: Dictionary<T>,
  features: readonly number[],
): Reads<T> {
  const ids = { shape: { feature: features.length }, data: Int32Array.from(features) };
  return { name, ...(input !== undefined && { input }), W_enc: engine.take(W_enc, "feature", ids) };
}

export function allOf({ features }: Pick<Dictionary<Shaped>, "features">): number[] {
  return Array.from({ length: features }, (_, feature) => feature);
}

/** @throws InputError `dictionary/no-feature` */
export function checkAll(dictionary: Dictionary<Shaped>, features: readonly number[]): void {
  for (const feature of features) checkFeature(dictionary, feature);
}
