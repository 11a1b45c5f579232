import type { Engine, Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Config, configOf, shown } from "../config.ts";
import type { Activation, Dictionary, Normalization } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed } from "../options.ts";
import { badConfig } from "../refuse.ts";
import { siteOfHook } from "../site.ts";
import { storedSafetensors, type Taking, taking } from "../stored.ts";
import { needFile } from "./files.ts";
import { scaledBy } from "./normalization.ts";

/**
 * A folder of Llama Scope: `hyperparams.json` and `checkpoints/final.safetensors`, or, of the R1 distill, `config.json`
 * and `sae_weights.safetensors`.
 */
export async function loadLlamaScope<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const first = await readJson(folder, "hyperparams.json", options);
  const fields = first ?? (await readJson(folder, "config.json", options)) ?? {};
  const config = configOf(
    fields,
    `${folder.name}/${first === undefined ? "config" : "hyperparams"}.json`,
  );
  const d = config.needed("d_model");
  const features = config.size("d_sae") ?? d * (config.number("expansion_factor") ?? Number.NaN);
  if (!Number.isInteger(features)) {
    throw badConfig(
      config.name,
      "expansion_factor",
      `makes ${features} features of a width of ${d}.`,
    );
  }
  const file =
    first === undefined
      ? await needFile(folder, "sae_weights.safetensors", options)
      : await needFile(folder.inside?.("checkpoints") ?? folder, "final.safetensors", options);
  const from = taking(engine, await storedSafetensors(file, options), options);
  const W_enc = await from.take("encoder.weight", { feature: features, d_in: d });
  const b_enc = await from.take("encoder.bias", { feature: features });
  const W_dec = await from.take("decoder.weight", { d_out: d, feature: features });
  const b_dec = await from.take("decoder.bias", { d_out: d });
  const { normalization, warnings } = scaledBy(factorOf(config, d, options), config.name);
  const activation =
    first === undefined
      ? await ownThresholds(config, from, features)
      : oneThreshold(engine, config, normalization, features);
  from.finish();
  const hook = config.text("hook_point_in");
  const hookOut = config.text("hook_point_out") ?? hook;
  const transcoder = hookOut !== hook;
  return {
    name: folder.name,
    layout: "llama-scope",
    architecture: "jumprelu",
    features,
    d_in: d,
    d_out: d,
    W_enc,
    b_enc,
    activation,
    normalization,
    W_dec,
    b_dec,
    transcoder,
    ...placed(
      options,
      { input: hook && siteOfHook(hook), output: hookOut && siteOfHook(hookOut), warnings },
      transcoder,
    ),
    trainedOn: { ...(hook !== undefined && { hook }), ...(hookOut !== undefined && { hookOut }) },
  };
}

/** `√d / mean norm`; of the R1 distill it stands in a list of releases only. */
function factorOf(config: Config, d: number, options: LoadDictionaryOptions): number | undefined {
  if (options.normScalingFactor !== undefined) return options.normScalingFactor;
  const norm = config.inside("dataset_average_activation_norm").number("in");
  return norm === undefined ? undefined : Math.sqrt(d) / norm;
}

async function ownThresholds<T>(
  config: Config,
  from: Taking<T>,
  features: number,
): Promise<Activation<T>> {
  const act = config.text("act_fn");
  if (act !== "jumprelu") {
    throw badConfig(config.name, "activation", `act_fn is ${shown(act)}; known is jumprelu.`, {
      got: act,
    });
  }
  const threshold = await from.mapped("log_jumprelu_threshold", { feature: features }, Math.exp);
  return { kind: "jumprelu", threshold, rectified: true };
}

/** One threshold for all features, of inputs before they are scaled. */
function oneThreshold<T extends Shaped>(
  engine: Engine<T>,
  config: Config,
  normalization: Normalization,
  features: number,
): Activation<T> {
  const threshold = config.number("jump_relu_threshold");
  if (threshold === undefined) throw badConfig(config.name, "jump_relu_threshold", "is missing.");
  const factor = "factor" in normalization ? normalization.factor : 1;
  const scaled = engine.fill({ feature: features }, threshold * factor);
  return { kind: "jumprelu", threshold: scaled, rectified: true };
}
