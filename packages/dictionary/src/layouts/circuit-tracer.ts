import type { Engine, Shaped } from "@resolvent/tensor";
import type { ByteSource, Folder } from "@resolvent/weights";
import { type Config, checkedK, shown } from "../config.ts";
import type { Activation, CrossLayer, CrossLayerTranscoder, Dictionary } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed } from "../options.ts";
import { badConfig, badShape } from "../refuse.ts";
import { storedSafetensors, type Taking, taking } from "../stored.ts";
import { MAX_LAYERS, sitesOf, trainedOn } from "./circuit-tracer-config.ts";
import { needFile } from "./files.ts";

/** The transcoder of one layer: `W_enc` `[F, d]`, and what goes with it. */
export async function loadLayer<T extends Shaped>(
  engine: Engine<T>,
  file: ByteSource,
  config: Config,
  layer: number,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const stored = await storedSafetensors(file, options);
  const from = taking(engine, stored, options);
  const sizes = from.sizes("W_enc");
  const [features = 0, d_in = 0] = sizes;
  if (sizes.length !== 2) throw badShape(file.name, "W_enc", [features, d_in], sizes);
  const [d_out = 0] = from.sizes("b_dec");
  const W_enc = await from.take("W_enc", { feature: features, d_in });
  // Older files for Llama had it the other way; of a square one the layout holds.
  const turned = features !== d_out && from.sizes("W_dec").join() === [d_out, features].join();
  const W_dec = await from.take(
    "W_dec",
    turned ? { d_out, feature: features } : { feature: features, d_out },
  );
  const b_enc = await from.take("b_enc", { feature: features });
  const b_dec = await from.take("b_dec", { d_out });
  const W_skip = from.has("W_skip") ? await from.take("W_skip", { d_out, d_in }) : undefined;
  const activation = await activationOf(config, from, features, "activation_function.threshold");
  from.finish();
  return {
    name: file.name,
    layout: "circuit-tracer",
    architecture: activation.kind,
    features,
    d_in,
    d_out,
    W_enc,
    b_enc,
    activation,
    normalization: { kind: "none" },
    W_dec,
    b_dec,
    ...(W_skip !== undefined && { W_skip }),
    transcoder: true,
    ...placed(options, sitesOf(config, layer), true),
    trainedOn: trainedOn(config),
  };
}

async function activationOf<T>(
  config: Config,
  from: Taking<T>,
  features: number,
  threshold: string,
): Promise<Activation<T>> {
  const named = config.text("activation");
  if (named !== undefined && named !== "relu" && named !== "topk") {
    throw badConfig(config.name, "activation", `is ${shown(named)}; known are relu, topk.`, {
      got: named,
    });
  }
  const [stored] = from.has("k") ? await from.numbers("k", []) : [];
  if (named === "topk") {
    const k = checkedK(config.name, config.get("k") ?? stored, features);
    if (stored === undefined || stored === k) return { kind: "topk", k, rectified: false };
    throw badConfig(config.name, "k", `is ${k} here and ${stored} among the tensors.`, {
      said: k,
      stored,
    });
  }
  if (!from.has(threshold)) return { kind: "relu" };
  // Without an inner maximum: features whose threshold is below 0 may have negative activations.
  return {
    kind: "jumprelu",
    threshold: await from.take(threshold, { feature: features }),
    rectified: false,
  };
}

/** A cross-layer transcoder: `W_enc_<i>.safetensors` and `W_dec_<i>.safetensors` of every layer. */
export async function loadCrossLayer<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  config: Config,
  options: LoadDictionaryOptions,
): Promise<CrossLayerTranscoder<T>> {
  const encoders: ByteSource[] = [];
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const file = await folder.open(`W_enc_${layer}.safetensors`, options);
    if (file === undefined) break;
    encoders.push(file);
  }
  if (encoders.length === 0) await needFile(folder, "W_enc_0.safetensors", options);
  const layers: CrossLayer<T>[] = [];
  let d_model = 0;
  for (const [i, file] of encoders.entries()) {
    const from = taking(engine, await storedSafetensors(file, options), options);
    const sizes = from.sizes(`W_enc_${i}`);
    const [features = 0, width = 0] = i === 0 ? sizes : [layers[0]?.features, d_model];
    if (sizes.length !== 2) throw badShape(file.name, `W_enc_${i}`, [features, width], sizes);
    d_model = width;
    const W_enc = await from.take(`W_enc_${i}`, { feature: features, d_in: width });
    const b_enc = await from.take(`b_enc_${i}`, { feature: features });
    const b_dec = await from.take(`b_dec_${i}`, { d_out: width });
    const activation = await activationOf<T>(config, from, features, `threshold_${i}`);
    from.finish();
    const decoder = await needFile(folder, `W_dec_${i}.safetensors`, options);
    const own = taking(engine, await storedSafetensors(decoder, options), options);
    const target = encoders.length - i;
    const W_dec = await own.take(`W_dec_${i}`, { feature: features, target, d_out: width });
    own.finish();
    const { input, output } = placed(options, sitesOf(config, i), true);
    layers.push({
      features,
      d_in: width,
      W_enc,
      b_enc,
      activation,
      normalization: { kind: "none" },
      W_dec,
      b_dec,
      ...(input !== undefined && { input }),
      ...(output !== undefined && { output }),
    });
  }
  return {
    name: folder.name,
    layout: "circuit-tracer",
    features: layers[0]?.features ?? 0,
    d_out: d_model,
    layers,
    zeroPositions: options.zeroPositions ?? [],
    trainedOn: trainedOn(config),
    warnings: [],
  };
}
