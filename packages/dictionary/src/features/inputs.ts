import { type Engine, type Shaped, using } from "@resolvent/tensor";
import {
  type Model,
  plainSites,
  recording,
  residualStream,
  run,
  type Site,
  tokenIds,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { upTo } from "../part.ts";
import { checkWidth, positionsFor, vectorsAt } from "../place.ts";
import { type DictionarySite, siteText } from "../site.ts";
import { type EncodeOptions, encode, type SparseActivations } from "../sparse.ts";

/** Activations of a dictionary on a text, at the positions that it is for. */
export interface TextActivations {
  readonly positions: readonly number[];
  readonly activations: SparseActivations;
}

/**
 * The activations of a dictionary on one text after the other; no layer after the one where it reads is computed.
 * Undefined for a text without a position that it is for.
 *
 * @param input where it reads in the model
 */
export function textActivations<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  dictionary: Dictionary<T>,
  input: DictionarySite,
): (text: readonly number[], options: EncodeOptions) => Promise<TextActivations | undefined> {
  const part = upTo(model, [input.site]);
  return async (text, options) => {
    const positions = positionsFor(dictionary, text.length);
    if (positions.length === 0) return undefined;
    const vectors = (): T => {
      const trace = new Map<Site, T>();
      const sites = recording(plainSites<T>(), (site) => site === input.site, trace);
      residualStream(engine, part, tokenIds(text), sites);
      const value =
        trace.get(input.site) ?? // a site that the part does not have: the whole model names what is wrong
        (run(engine, model, text, { sites: [input.site] }).trace.get(input.site) as T); // asked for
      const x = vectorsAt(engine, model, input, value, positions, "d_in");
      checkWidth(dictionary, siteText(input), "d_in", x.shape.d_in, dictionary.d_in);
      return dictionary.centred ? engine.center(x, "d_in") : x;
    };
    return await using(engine, vectors, async (x) => ({
      positions,
      activations: await encode(engine, dictionary, x, options),
    }));
  };
}
