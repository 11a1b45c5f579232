/** A model that ships with this package. */
export interface BundledModel {
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** Its folder: config.json, model.safetensors, tokenizer.json, tokenizer_config.json, README.md (its card). */
  readonly url: URL;
}

/** The models that ship with this package, by name. */
export const bundledModels: Readonly<Record<string, BundledModel>> = {
  tales: {
    name: "tales",
    summary: "GPT-2 architecture, 4 layers, d_model 128, trained on short English tales.",
    url: new URL("../tales/", import.meta.url),
  },
  "attn-only-2l": {
    name: "attn-only-2l",
    summary: "Two layers of attention and nothing else, d_model 128, with induction heads.",
    url: new URL("../attn-only-2l/", import.meta.url),
  },
};
