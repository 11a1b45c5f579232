import type { DictionaryFiles, Provided } from "@resolvent/analysis";
import {
  type Field,
  flagParameter,
  layerParameter,
  numberParameter,
  numbersParameter,
  textsParameter,
} from "@resolvent/analysis/parameters";
import { type Engine, InputError, type Priced, type Shaped } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { type Dictionaries, loadDictionaries } from "../load.ts";
import type { LoadDictionaryOptions } from "../options.ts";
import { outlineDictionaries } from "../outline.ts";

/** What analyses ask about the dictionaries that they are given. */
export interface GivenParameters {
  readonly site: readonly string[];
  readonly outputSite: readonly string[];
  readonly layer?: number | undefined;
  readonly centred?: boolean | undefined;
  readonly normScalingFactor?: number | undefined;
  readonly zeroPositions: readonly number[];
}

/** They as fields. */
export const givenParameters = (): {
  readonly [P in keyof GivenParameters]-?: Field<GivenParameters[P], unknown>;
} => ({
  site: textsParameter(
    "where each dictionary reads, such as L1.mlp.after, in their order; default: as its files say",
    { title: "sites" },
  ),
  outputSite: textsParameter(
    "what each stands for, where that is another site than it reads; default: as its files say",
    { title: "sites" },
  ),
  layer: layerParameter("which layer, where there is a dictionary for each"),
  centred: flagParameter(
    "the stream was that of weights with centred writing: centre inputs; default: as its files say",
    { optional: true },
  ),
  normScalingFactor: numberParameter(
    "what inputs are multiplied with where a config asks for it and no file has it",
    { optional: true, above: 0, title: "s" },
  ),
  zeroPositions: numbersParameter(
    "positions whose activations are none, from 0, or from the end: −1",
    { whole: true, title: "positions" },
  ),
});

/** What a host provides, as an analysis' subject has it; hosts without dictionaries were refused before. */
function filesOf(provided: Provided | undefined): readonly DictionaryFiles[] {
  return provided?.dictionary ?? [];
}

/** All that the given folders hold, in their order, on an engine; what is loaded is the caller's to free. */
export async function loadGiven<T extends Shaped>(
  engine: Engine<T>,
  provided: Provided | undefined,
  params: GivenParameters,
  signal?: AbortSignal,
): Promise<readonly Dictionaries<T>[]> {
  const loaded: Dictionaries<T>[] = [];
  try {
    for (const [files, options] of optionsOf(filesOf(provided), params)) {
      signal?.throwIfAborted();
      const found = await loadDictionaries(engine, files.folder, {
        ...options,
        ...(signal !== undefined && { signal }),
      });
      loaded.push(found);
      checkSite(found, files, options);
    }
    const chosen = ofLayer(loaded, params);
    engine.free(loaded.filter((one) => !chosen.includes(one)));
    return chosen;
  } catch (error) {
    engine.free(loaded);
    throw error;
  }
}

/** The same without numbers. */
export async function outlineGiven(
  provided: Provided,
  params: GivenParameters,
): Promise<readonly Dictionaries<Priced>[]> {
  const outlines: Dictionaries<Priced>[] = [];
  for (const [files, options] of optionsOf(filesOf(provided), params)) {
    const found = await outlineDictionaries(files.folder, options);
    outlines.push(found);
    checkSite(found, files, options);
  }
  return ofLayer(outlines, params);
}

/**
 * The single dictionaries among what was found, those of sets one by one.
 *
 * @throws InputError `dictionary/several` for a transcoder across layers, which is no dictionary of one site
 */
export function singlesOf<T extends Shaped>(
  found: readonly Dictionaries<T>[],
): readonly Dictionary<T>[] {
  return found.flatMap((one) => {
    if (one.kind === "one") return [one.dictionary];
    if (one.kind === "per-layer") return [...one.layers];
    throw new InputError({
      code: "dictionary/several",
      message: `${one.transcoder.name} holds a transcoder across layers, whose features are of no one layer's output.`,
      remedy: "Name a dictionary of one site.",
      details: { name: one.transcoder.name },
    });
  });
}

/** The bytes that the numbers of dictionaries take on an engine. */
export function weightBytes(found: readonly Dictionaries<Priced>[], bytesEach: number): number {
  let numbers = 0;
  const count = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("shape" in value && "bytes" in value) {
      numbers += Object.values((value as Priced).shape).reduce((all, size) => all * size, 1); // of an outline
      return;
    }
    for (const part of Object.values(value)) count(part);
  };
  count(found);
  return numbers * bytesEach;
}

function optionsOf(
  all: readonly DictionaryFiles[],
  params: GivenParameters,
): (readonly [DictionaryFiles, LoadDictionaryOptions])[] {
  const { site, outputSite, layer, centred, normScalingFactor, zeroPositions } = params;
  for (const [flag, sites] of [
    ["--site", site],
    ["--output-site", outputSite],
  ] as const) {
    if (sites.length === 0 || sites.length === all.length) continue;
    throw new InputError({
      code: "dictionary/sites",
      message: `${flag} names ${sites.length} sites, and there ${all.length === 1 ? "is 1 dictionary" : `are ${all.length} dictionaries`}.`,
      remedy: "Name a site for each, in their order.",
      details: { sites: sites.length, dictionaries: all.length },
    });
  }
  return all.map((files, i) => {
    const [from, to] = [site[i], outputSite[i]];
    return [
      files,
      {
        ...(from !== undefined && { site: from }),
        ...(to !== undefined && { output: to }),
        ...(layer !== undefined && { layer }),
        ...(centred !== undefined && { centred }),
        ...(normScalingFactor !== undefined && { normScalingFactor }),
        ...(zeroPositions.length > 0 && { zeroPositions }),
        ...(files.elsewhere !== undefined && { elsewhere: files.elsewhere }),
      },
    ] as const;
  });
}

/** What is meant where a layer is named: a set has heard it, and of several dictionaries it chooses; else it would go unheard. */
function ofLayer<T extends Shaped>(
  found: readonly Dictionaries<T>[],
  { layer }: Pick<GivenParameters, "layer">,
): readonly Dictionaries<T>[] {
  const singles = found.flatMap((one) => (one.kind === "one" ? [one] : []));
  if (layer === undefined || singles.length < found.length) return found;
  const sites = singles.map(({ dictionary }) => dictionary.input?.site ?? "no site");
  const chosen = singles.filter((_, i) => sites[i]?.startsWith(`L${layer}.`));
  if (singles.length > 1 && chosen.length > 0) return chosen;
  throw new InputError({
    code: "dictionary/no-layer",
    message:
      singles.length === 1
        ? `--layer ${layer} chooses among dictionaries of several layers, and there is one, of ${sites[0]}.`
        : `None of the ${singles.length} dictionaries reads in layer ${layer}: they read at ${sites.slice(0, 12).join(", ")}.`,
    remedy: "Leave --layer out, or name one of theirs. Where a dictionary reads is --site.",
    details: { layer, sites },
  });
}

/** One site would be that of all layers. */
function checkSite(
  found: Dictionaries<Shaped>,
  { name }: DictionaryFiles,
  { site, output }: LoadDictionaryOptions,
): void {
  const single = found.kind === "one" || (found.kind === "per-layer" && found.layers.length === 1);
  if (single || (site === undefined && output === undefined)) return;
  throw new InputError({
    code: "dictionary/site-of-set",
    message: `${name} holds dictionaries of several layers, and one site is named for it.`,
    remedy: "Leave --site out, or choose one of them (--layer).",
    details: { name },
  });
}
