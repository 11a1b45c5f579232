import type { Engine, Shaped } from "@resolvent/tensor";
import type { ByteSource, Folder } from "@resolvent/weights";
import type { Config } from "../config.ts";
import type { CrossLayer, CrossLayerTranscoder } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed } from "../options.ts";
import { badConfig, badShape } from "../refuse.ts";
import { siteOfHook } from "../site.ts";
import { storedSafetensors, taking } from "../stored.ts";
import { MAX_LAYERS } from "./circuit-tracer-config.ts";
import { needFile } from "./files.ts";

/**
 * A transcoder across layers of Gemma Scope 2: `params_layer_<l>.safetensors`, each with decoders for all layers, of
 * which those before its own are not used.
 */
export async function loadGemmaScope2Clt<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  config: Config,
  options: LoadDictionaryOptions,
): Promise<CrossLayerTranscoder<T>> {
  if (config.boolean("affine_connection") === true) {
    throw badConfig(config.name, "affine_connection", "is true of a transcoder across layers.");
  }
  const features = config.needed("width");
  const files: ByteSource[] = [];
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const file = await folder.open(`params_layer_${layer}.safetensors`, options);
    if (file === undefined) break;
    files.push(file);
  }
  if (files.length === 0) await needFile(folder, "params_layer_0.safetensors", options);
  const [hook, hookOut] = [config.text("hf_hook_point_in"), config.text("hf_hook_point_out")];
  const siteAt = (name: string | undefined, layer: number): string | undefined =>
    name && siteOfHook(name.replace("{all}", String(layer)));
  const layers: CrossLayer<T>[] = [];
  let d_model = 0;
  for (const [layer, file] of files.entries()) {
    const from = taking(engine, await storedSafetensors(file, options), options);
    const sizes = from.sizes("w_enc");
    if (layer === 0) [d_model = 0] = sizes;
    if (sizes.length !== 2) throw badShape(file.name, "w_enc", [d_model, features], sizes);
    const W_enc = await from.take("w_enc", { d_in: d_model, feature: features });
    const b_enc = await from.take("b_enc", { feature: features });
    const b_dec = await from.take("b_dec", { d_out: d_model });
    const threshold = await from.take("threshold", { feature: features });
    const whole = await from.take("w_dec", {
      feature: features,
      target: files.length,
      d_out: d_model,
    });
    const W_dec = layer === 0 ? whole : engine.slice(whole, "target", layer, files.length);
    if (W_dec !== whole) engine.free(whole);
    from.finish();
    const { input, output } = placed(
      options,
      { input: siteAt(hook, layer), output: siteAt(hookOut, layer) },
      true,
    );
    layers.push({
      features,
      d_in: d_model,
      W_enc,
      b_enc,
      activation: { kind: "jumprelu", threshold, rectified: true },
      normalization: { kind: "none" },
      W_dec,
      b_dec,
      ...(input !== undefined && { input }),
      ...(output !== undefined && { output }),
    });
  }
  const model = config.text("model_name");
  return {
    name: folder.name,
    layout: "gemma-scope-2",
    features,
    d_out: d_model,
    layers,
    zeroPositions: options.zeroPositions ?? [],
    trainedOn: {
      ...(model !== undefined && { model }),
      ...(hook !== undefined && { hook }),
      ...(hookOut !== undefined && { hookOut }),
    },
    warnings: [],
  };
}
