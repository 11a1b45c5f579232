import { type Engine, InputError, type Shaped, using } from "@resolvent/tensor";
import {
  type Model,
  plainSites,
  recording,
  residualStream,
  run,
  type Site,
  tokenIds,
} from "@resolvent/transformer";
import type { PositionSlice } from "../dictionary.ts";
import { upTo } from "../part.ts";
import { positionsFor, vectorsAt } from "../place.ts";
import { type DictionarySite, parseSite, siteIn, siteText } from "../site.ts";

/** Vectors of a text at the sites of a dictionary. */
interface TextVectors {
  readonly positions: readonly number[];
  /** `position, d_in` and, of a transcoder, `position, d_out`, row by row. */
  readonly input: Float64Array | Float32Array;
  readonly target: Float64Array | Float32Array | undefined;
}

/** Where the vectors come from. */
export interface VectorSource {
  readonly input: DictionarySite;
  readonly output: DictionarySite;
  readonly transcoder: boolean;
  readonly texts: readonly (readonly number[])[];
  of(text: number, signal: AbortSignal | undefined): Promise<TextVectors>;
}

/**
 * Vectors of a model's runs on texts, one text at a time, so that they do not depend on which others were read. No
 * further than the sites is anything computed.
 *
 * @throws InputError `dictionary/no-site`, and what `run` throws
 */
export function vectorSource<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  texts: readonly (readonly number[])[],
  {
    site,
    target = site,
    positions,
  }: {
    readonly site: string;
    readonly target?: string | undefined;
    readonly positions?: PositionSlice | undefined;
  },
): VectorSource {
  const input = siteIn(model, parseSite(site));
  const output = siteIn(model, parseSite(target));
  const transcoder = siteText(input) !== siteText(output);
  const wanted: Site[] = [...new Set([input.site, output.site])];
  const part = upTo(model, wanted);
  const slice = positions === undefined ? { zeroPositions: [] } : { positions, zeroPositions: [] };
  return {
    input,
    output,
    transcoder,
    texts,
    of: async (index, signal) => {
      signal?.throwIfAborted();
      const text = texts[index] ?? [];
      const at = positionsFor(slice, text.length);
      if (at.length === 0) return { positions: at, input: new Float64Array(0), target: undefined };
      return await using(
        engine,
        () => {
          const trace = new Map<Site, T>();
          const ids = tokenIds(text);
          const sites = recording(plainSites<T>(), (one) => wanted.includes(one), trace);
          residualStream(engine, part, ids, sites);
          const missing = wanted.some((one) => !trace.has(one));
          const found = missing ? run(engine, model, text, { sites: wanted }).trace : trace; // refuses it by name
          const vectors = (place: DictionarySite, axis: "d_in" | "d_out"): T =>
            vectorsAt(engine, model, place, found.get(place.site) as T, at, axis); // wanted
          return {
            x: vectors(input, "d_in"),
            y: transcoder ? vectors(output, "d_out") : undefined,
          };
        },
        async ({ x, y }) => {
          const [ofInput, ofTarget] = await Promise.all([engine.read(x), y && engine.read(y)]);
          return { positions: at, input: ofInput.data, target: ofTarget?.data };
        },
      );
    },
  };
}

export function noTokens(texts: number): InputError {
  return new InputError({
    code: "dictionary/no-tokens",
    message: `None of the ${texts} texts has a position to train on.`,
    remedy: "Give texts as token ids, which reach into the positions that were asked for.",
    details: { texts },
  });
}
