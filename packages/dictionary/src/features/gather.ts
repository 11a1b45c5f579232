import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { inputOf } from "../place.ts";
import { noTokens } from "../refuse.ts";
import type { EncodeOptions } from "../sparse.ts";
import { textActivations } from "./inputs.ts";
import { type FeatureStatistics, type FeatureSummary, tallyOf } from "./tally.ts";

/** What the features of a dictionary do on a corpus. */
export interface GatheredFeatures {
  /** Tokens read: positions that the dictionary is for. */
  readonly tokens: number;
  readonly texts: number;
  readonly features: number;
  /** Features that were never active. */
  readonly dead: number;
  /** What one feature does; made when it is asked for. */
  of(feature: number): FeatureStatistics;
  /** The same without its histogram and its examples: for a look at all of them. */
  summary(feature: number): FeatureSummary;
}

export interface GatherOptions extends EncodeOptions {
  /** Examples of a feature at most; default 10. */
  readonly examples?: number;
  /** Tokens before and after the strongest one that an example has; default 10 and 5. */
  readonly before?: number;
  readonly after?: number;
  /** Called after each text. */
  readonly onProgress?: (progress: { readonly texts: number; readonly tokens: number }) => void;
}

/**
 * What all features of a dictionary do on a corpus, in one pass: how often and how strongly each is active, with a
 * histogram, and where it is strongest, with the tokens around. Texts come one by one, as token ids; what is kept does
 * not grow with them, but with features × examples × tokens of a window.
 *
 * ```ts
 * const gathered = await gatherFeatures(cpu, model, dictionary, texts, { examples: 5 });
 * gathered.of(52).examples[0]?.tokens;
 * ```
 *
 * @throws InputError `dictionary/no-site`, `dictionary/width`, `dictionary/no-tokens`, `dictionary/no-feature`, and what
 * `run` throws
 */
export async function gatherFeatures<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  texts: Iterable<readonly number[]> | AsyncIterable<readonly number[]>,
  { examples = 10, before = 10, after = 5, onProgress, ...options }: GatherOptions = {},
): Promise<GatheredFeatures> {
  const { features } = dictionary;
  const { precision } = engine;
  const activationsOf = textActivations(engine, model, dictionary, inputOf(model, dictionary));
  const tally = tallyOf(features, { examples, before, after, precision });
  for await (const text of texts) {
    options.signal?.throwIfAborted();
    const found = await activationsOf(text, options);
    if (found === undefined) tally.skip();
    else tally.add(text, found);
    onProgress?.({ texts: tally.texts, tokens: tally.tokens });
  }
  const { tokens, texts: read } = tally;
  if (tokens === 0) {
    throw noTokens(dictionary, read);
  }
  let dead = 0;
  for (let feature = 0; feature < features; feature++)
    if (tally.summary(feature).active === 0) dead++;
  return {
    ...{ tokens, texts: read, features, dead },
    of: (feature) => {
      checkFeature(dictionary, feature);
      return tally.of(feature);
    },
    summary: (feature) => {
      checkFeature(dictionary, feature);
      return tally.summary(feature);
    },
  };
}

/** @throws InputError `dictionary/no-feature` */
export function checkFeature(
  { name, features }: Pick<Dictionary<Shaped>, "name" | "features">,
  feature: number,
): void {
  if (Number.isInteger(feature) && feature >= 0 && feature < features) return;
  throw new InputError({
    code: "dictionary/no-feature",
    message: `${name} has features 0 to ${features - 1}, got ${feature}.`,
    remedy: "Name one of them.",
    details: { features, got: feature },
  });
}
