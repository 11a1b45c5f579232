/** The folder of a dictionary that ships with this package, as SAELens reads it. */
export interface DictionaryFolder {
  /** `transcoder-0` */
  readonly name: string;
  /** Where it is, on disk or on a server that has the package as it is; a bundle keeps no folders: there, `files`. */
  readonly url: URL;
  /** Its files by name, each with the address that it has in a bundle too. */
  readonly files: Readonly<Record<"cfg.json" | "sae_weights.safetensors", URL>>;
}

/** A dictionary, or a set of them, that ships with this package. */
export interface BundledDictionary {
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** The bundled model that it belongs to. */
  readonly model: string;
  /** A folder for each dictionary, those of a set in the order of their layers. */
  readonly folders: readonly DictionaryFolder[];
}

/** Where this module is: read once, so that bundlers do not take a folder for a file. */
const here = import.meta.url;

/** The dictionaries that ship with this package, by name; what was measured of them is in `tales-dictionaries/README.md`. */
export const bundledDictionaries: Readonly<Record<string, BundledDictionary>> &
  Readonly<Record<"tales-transcoders" | "tales-sae", BundledDictionary>> = {
  "tales-transcoders": {
    name: "tales-transcoders",
    summary: "A transcoder for each of the four MLPs of tales.",
    model: "tales",
    folders: [
      {
        name: "transcoder-0",
        url: new URL("../tales-dictionaries/transcoder-0/", here),
        // Bundlers find files by exactly these words, and copy them into what they make.
        files: {
          "cfg.json": new URL("../tales-dictionaries/transcoder-0/cfg.json", import.meta.url),
          "sae_weights.safetensors": new URL(
            "../tales-dictionaries/transcoder-0/sae_weights.safetensors",
            import.meta.url,
          ),
        },
      },
      {
        name: "transcoder-1",
        url: new URL("../tales-dictionaries/transcoder-1/", here),
        files: {
          "cfg.json": new URL("../tales-dictionaries/transcoder-1/cfg.json", import.meta.url),
          "sae_weights.safetensors": new URL(
            "../tales-dictionaries/transcoder-1/sae_weights.safetensors",
            import.meta.url,
          ),
        },
      },
      {
        name: "transcoder-2",
        url: new URL("../tales-dictionaries/transcoder-2/", here),
        files: {
          "cfg.json": new URL("../tales-dictionaries/transcoder-2/cfg.json", import.meta.url),
          "sae_weights.safetensors": new URL(
            "../tales-dictionaries/transcoder-2/sae_weights.safetensors",
            import.meta.url,
          ),
        },
      },
      {
        name: "transcoder-3",
        url: new URL("../tales-dictionaries/transcoder-3/", here),
        files: {
          "cfg.json": new URL("../tales-dictionaries/transcoder-3/cfg.json", import.meta.url),
          "sae_weights.safetensors": new URL(
            "../tales-dictionaries/transcoder-3/sae_weights.safetensors",
            import.meta.url,
          ),
        },
      },
    ],
  },
  "tales-sae": {
    name: "tales-sae",
    summary: "A sparse autoencoder of the stream in the middle of tales.",
    model: "tales",
    folders: [
      {
        name: "sae-1",
        url: new URL("../tales-dictionaries/sae-1/", here),
        files: {
          "cfg.json": new URL("../tales-dictionaries/sae-1/cfg.json", import.meta.url),
          "sae_weights.safetensors": new URL(
            "../tales-dictionaries/sae-1/sae_weights.safetensors",
            import.meta.url,
          ),
        },
      },
    ],
  },
};
