declare global {
  /** For readers of our types without TypeScript's library "DOM" and @types/node; adds nothing where they are. */
  interface URL {}
}

/** A model that ships with this package. */
export interface BundledModel {
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /**
   * Its folder: config.json, model.safetensors, tokenizer.json, tokenizer_config.json, README.md (its card). On disk, or
   * on a server that has the package as it is; a bundle keeps no folders: there, `files`.
   */
  readonly url: URL;
  /** Its files by name, each with the address that it has in a bundle too: `urlFolder(bundledModels.tales.files)`. */
  readonly files: Readonly<Record<string, URL>>;
}

/** Where this module is: read once, so that bundlers do not take a folder for a file. */
const here = import.meta.url;

/** The models that ship with this package, by name. */
export const bundledModels: Readonly<Record<string, BundledModel>> &
  Readonly<Record<"tales" | "attn-only-2l", BundledModel>> = {
  tales: {
    name: "tales",
    summary: "GPT-2 architecture, 4 layers, d_model 128, trained on short English tales.",
    url: new URL("../tales/", here),
    // Bundlers find files by exactly these words, and copy them into what they make.
    files: {
      "config.json": new URL("../tales/config.json", import.meta.url),
      "model.safetensors": new URL("../tales/model.safetensors", import.meta.url),
      "tokenizer.json": new URL("../tales/tokenizer.json", import.meta.url),
      "tokenizer_config.json": new URL("../tales/tokenizer_config.json", import.meta.url),
    },
  },
  "attn-only-2l": {
    name: "attn-only-2l",
    summary: "Two layers of attention and nothing else, d_model 128, with induction heads.",
    url: new URL("../attn-only-2l/", here),
    files: {
      "config.json": new URL("../attn-only-2l/config.json", import.meta.url),
      "model.safetensors": new URL("../attn-only-2l/model.safetensors", import.meta.url),
      "tokenizer.json": new URL("../attn-only-2l/tokenizer.json", import.meta.url),
      "tokenizer_config.json": new URL("../attn-only-2l/tokenizer_config.json", import.meta.url),
    },
  },
};
