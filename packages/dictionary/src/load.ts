import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { shown } from "./config.ts";
import type { CrossLayerTranscoder, Dictionary, Layout } from "./dictionary.ts";
import { loadCrossLayer, loadLayer } from "./layouts/circuit-tracer.ts";
import { circuitTracerConfig, layerFiles, modelKind } from "./layouts/circuit-tracer-config.ts";
import { loadDictionaryLearning } from "./layouts/dictionary-learning.ts";
import { loadGemmaScope } from "./layouts/gemma-scope.ts";
import { gemmaScope2Config, loadGemmaScope2 } from "./layouts/gemma-scope-2.ts";
import { loadGemmaScope2Clt } from "./layouts/gemma-scope-2-clt.ts";
import { loadLlamaScope } from "./layouts/llama-scope.ts";
import { loadSaelens } from "./layouts/saelens.ts";
import { loadSparsify } from "./layouts/sparsify.ts";
import type { LoadDictionaryOptions } from "./options.ts";
import { badConfig } from "./refuse.ts";
import type { TakeOptions } from "./stored.ts";

/** What a folder holds. */
export type Dictionaries<T extends Shaped> =
  | { readonly kind: "one"; readonly dictionary: Dictionary<T> }
  | { readonly kind: "per-layer"; readonly layers: readonly Dictionary<T>[] }
  | { readonly kind: "cross-layer"; readonly transcoder: CrossLayerTranscoder<T> };

/**
 * A sparse autoencoder or transcoder from a folder of SAELens (5 and 6), sparsify, dictionary_learning, Gemma Scope (1
 * and 2), Llama Scope or circuit-tracer; of a set for every layer that of `layer`.
 *
 * ```ts
 * const dictionary = await loadDictionary(cpu, folderOf("gpt2-small-res-jb/blocks.8.hook_resid_pre"));
 * ```
 *
 * Nothing is guessed: what is unknown, misshapen or not finite is refused by name, and no pickle is run.
 *
 * @throws InputError `dictionary/no-layout`, `dictionary/no-file`, `dictionary/bad-config`, `dictionary/shape`,
 * `dictionary/missing-tensor`, `dictionary/unexpected-tensor`, `dictionary/not-finite`, `dictionary/no-site`,
 * `dictionary/elsewhere`, `dictionary/several`, `dictionary/no-layer`, `weights/pickle-global`, and what the readers of files throw
 */
export async function loadDictionary<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions = {},
): Promise<Dictionary<T>> {
  const found = await loadDictionaries(engine, folder, options);
  if (found.kind === "one") return found.dictionary;
  const { layer } = options;
  if (found.kind === "per-layer") {
    const [only, ...others] = found.layers;
    if (only !== undefined && others.length === 0) return only;
  }
  engine.free(found);
  throw new InputError({
    code: "dictionary/several",
    message: `${folder.name} holds ${found.kind === "per-layer" ? `${found.layers.length} transcoders, one for each layer` : "a transcoder across layers"}.`,
    remedy:
      found.kind === "per-layer" && layer === undefined
        ? "Pass `layer`, or load all of them with loadDictionaries."
        : "Load it with loadDictionaries.",
    details: { folder: folder.name, kind: found.kind },
  });
}

/**
 * All that a folder holds: one dictionary, one for each layer, or a transcoder across layers.
 *
 * @throws InputError what `loadDictionary` throws
 */
export async function loadDictionaries<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions = {},
): Promise<Dictionaries<T>> {
  const taken: unknown[] = [];
  const heard: TakeOptions = { taken: (tensor) => taken.push(tensor) };
  try {
    return await load(engine, folder, { ...options, ...heard });
  } catch (error) {
    engine.free(taken); // what is refused leaves nothing in the engine
    throw error;
  }
}

type Loader = <T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
) => Promise<Dictionary<T>>;

const LOADERS: Readonly<Record<Exclude<Layout, "circuit-tracer">, Loader>> = {
  saelens: loadSaelens,
  sparsify: loadSparsify,
  dictionary_learning: loadDictionaryLearning,
  "gemma-scope": loadGemmaScope,
  "gemma-scope-2": loadGemmaScope2,
  "llama-scope": loadLlamaScope,
};

async function load<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionaries<T>> {
  const layout = options.layout ?? (await layoutOf(folder, options));
  if (layout === "circuit-tracer") return await loadSet(engine, folder, options);
  if (layout === "gemma-scope-2") {
    const config = await gemmaScope2Config(folder, options);
    if (config.text("type") === "clt") {
      const transcoder = await loadGemmaScope2Clt(engine, folder, config, options);
      return { kind: "cross-layer", transcoder };
    }
  }
  return { kind: "one", dictionary: await LOADERS[layout](engine, folder, options) };
}

async function loadSet<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionaries<T>> {
  const config = await circuitTracerConfig(folder, options);
  if (modelKind(config) === "cross_layer_transcoder") {
    return {
      kind: "cross-layer",
      transcoder: await loadCrossLayer(engine, folder, config, options),
    };
  }
  const files = await layerFiles(folder, config, options);
  const { layer } = options;
  if (layer !== undefined && files[layer] === undefined) {
    throw new InputError({
      code: "dictionary/no-layer",
      message: `${folder.name} has layers 0 to ${files.length - 1}, got ${shown(layer)}.`,
      remedy: "Name one of them, or none for all.",
      details: { folder: folder.name, layers: files.length, got: layer },
    });
  }
  const layers: Dictionary<T>[] = [];
  for (const [i, file] of files.entries()) {
    if (layer === undefined || i === layer)
      layers.push(await loadLayer(engine, file, config, i, options));
  }
  const [first] = layers;
  for (const one of layers) {
    if (first === undefined || one.features === first.features) continue;
    throw badConfig(
      one.name,
      "W_enc",
      `has ${one.features} features, and ${first.name} ${first.features}.`,
    );
  }
  return { kind: "per-layer", layers };
}

/** Whose layout a folder has, by the names of its files and what their configs say. */
async function layoutOf(folder: Folder, options: LoadDictionaryOptions): Promise<Layout> {
  const has = async (file: string): Promise<boolean> =>
    (await folder.open(file, options)) !== undefined;
  if (await has("cfg.json")) return (await has("sae.safetensors")) ? "sparsify" : "saelens";
  if (await has("config.yaml")) return "circuit-tracer";
  if (await has("hyperparams.json")) return "llama-scope";
  if (await has("params.npz")) return "gemma-scope";
  const config = await readJson(folder, "config.json", options);
  if (config !== undefined && "trainer" in config) return "dictionary_learning";
  if (config !== undefined && "hf_hook_point_in" in config) return "gemma-scope-2";
  if (config !== undefined && "sae_type" in config) return "llama-scope";
  throw new InputError({
    code: "dictionary/no-layout",
    message: `${folder.name} has no dictionary: none of cfg.json, config.yaml, hyperparams.json, params.npz, and no config.json that is one's.`,
    remedy:
      "Name the folder that holds its files. Pickles alone (.pt with cfg and state_dict, Qwen Scope) are not read: convert them with SAELens.",
    details: { folder: folder.name },
  });
}
