import type { Engine, Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Config, configOf, shown } from "../config.ts";
import type { Dictionary } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed } from "../options.ts";
import { badConfig, badShape } from "../refuse.ts";
import { siteOfHook } from "../site.ts";
import { storedSafetensors, taking } from "../stored.ts";
import { needFile } from "./files.ts";

/** The config of a folder of Gemma Scope 2, its kind checked. */
export async function gemmaScope2Config(
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Config> {
  const fields = (await readJson(folder, "config.json", options)) ?? {};
  const config = configOf(fields, `${folder.name}/config.json`);
  const type = config.text("type");
  if (type !== "sae" && type !== "transcoder" && type !== "clt") {
    throw badConfig(config.name, "type", `is ${shown(type)}; known are sae, transcoder, clt.`, {
      got: type,
    });
  }
  const architecture = config.text("architecture");
  if (architecture === "jump_relu") return config;
  throw badConfig(config.name, "architecture", `is ${shown(architecture)}; known is jump_relu.`, {
    got: architecture,
  });
}

/** A folder of Gemma Scope 2: `config.json` and `params.safetensors`. */
export async function loadGemmaScope2<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const config = await gemmaScope2Config(folder, options);
  const type = config.text("type");
  const features = config.needed("width");
  const affine = config.boolean("affine_connection") ?? false;
  const file = await needFile(folder, "params.safetensors", options);
  const from = taking(engine, await storedSafetensors(file, options), options);
  const sizes = from.sizes("w_enc");
  const [d_in = 0] = sizes;
  if (sizes.length !== 2) throw badShape(file.name, "w_enc", [d_in, features], sizes);
  const [d_out = 0] = from.sizes("b_dec");
  const W_enc = await from.take("w_enc", { d_in, feature: features });
  const W_dec = await from.take("w_dec", { feature: features, d_out });
  const b_enc = await from.take("b_enc", { feature: features });
  const b_dec = await from.take("b_dec", { d_out });
  const threshold = await from.take("threshold", { feature: features });
  // Untransposed, other than the skips of all others.
  const W_skip = affine ? await from.take("affine_skip_connection", { d_in, d_out }) : undefined;
  from.finish();
  const transcoder = type === "transcoder";
  const hook = config.text("hf_hook_point_in");
  const hookOut = config.text("hf_hook_point_out");
  const model = config.text("model_name");
  return {
    name: folder.name,
    layout: "gemma-scope-2",
    architecture: "jump_relu",
    features,
    d_in,
    d_out,
    W_enc,
    b_enc,
    activation: { kind: "jumprelu", threshold, rectified: true },
    normalization: { kind: "none" },
    W_dec,
    b_dec,
    ...(W_skip !== undefined && { W_skip }),
    transcoder,
    ...placed(
      options,
      { input: hook && siteOfHook(hook), output: hookOut && siteOfHook(hookOut) },
      transcoder,
    ),
    trainedOn: {
      ...(model !== undefined && { model }),
      ...(hook !== undefined && { hook }),
      ...(hookOut !== undefined && { hookOut }),
    },
  };
}
