import { entries, folderWith, safetensors, type TinyFolder } from "./tiny.ts";

export interface TinyDictionaryOptions {
  /** Where it reads, as TransformerLens names it; default `blocks.1.hook_resid_post`. */
  readonly hook?: string;
  /** What it predicts, where it is a transcoder. */
  readonly hookOut?: string;
  /** Numbers at a position; default 16, as tiny models mostly have. */
  readonly width?: number;
  /** Default 24. */
  readonly features?: number;
  readonly seed?: number;
}

/**
 * A folder in memory as SAELens writes it: a ReLU autoencoder, or, with `hookOut`, a transcoder, of random weights whose
 * features are active on about a third of the tokens.
 */
export function tinyDictionary({
  hook = "blocks.1.hook_resid_post",
  hookOut,
  width = 16,
  features = 24,
  seed = 0,
}: TinyDictionaryOptions = {}): TinyFolder {
  const transcoder = hookOut !== undefined;
  const config = {
    ...{ architecture: transcoder ? "transcoder" : "standard", d_in: width, d_sae: features },
    ...(transcoder && { d_out: width }),
    ...{ dtype: "float32", device: "cpu", apply_b_dec_to_input: !transcoder },
    ...{ normalize_activations: "none", reshape_activations: "none" },
    metadata: {
      ...{ sae_lens_version: "6.18.0", model_name: "tiny", hook_name: hook },
      ...(transcoder && { hook_name_out: hookOut }),
      ...{ prepend_bos: false, context_size: 16 },
    },
  };
  const weights = safetensors(
    [
      ["W_enc", [width, features], "matrix"],
      ["b_enc", [features], "offset"],
      ["W_dec", [features, width], "matrix"],
      ["b_dec", [width], "bias"],
    ],
    entries(seed, config),
  );
  return folderWith("dictionary", {
    "cfg.json": new TextEncoder().encode(JSON.stringify(config)),
    "sae_weights.safetensors": weights,
  });
}
