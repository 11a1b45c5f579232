/** A variant of a bundled model whose own weights ship packed: `unpackedFolder` of `@resolvent/weights/packed` opens them. */
export interface PackedVariant {
  readonly kind: "packed";
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** The bundled model whose config and tokenizer it has. */
  readonly of: "tales";
  /** Its folder, on disk or on a server that has the package as it is; a bundle keeps no folders: there, `files`. */
  readonly url: URL;
  /** Its files by name, each with the address that it has in a bundle too. */
  readonly files: Readonly<Record<"packed.safetensors", URL>>;
}

/** A bundled model in another order: `permutedFolder` of `@resolvent/merge/align` makes it. */
export interface PermutedVariant {
  readonly kind: "permuted";
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** The bundled model that it computes the same as. */
  readonly of: "tales";
  readonly seed: number;
}

/** Where this module is: read once, so that bundlers do not take a folder for a file. */
const here = import.meta.url;

/** Models of the shape of `tales`, to compare and to merge, by name; what was measured of them is in `tales-variants/README.md`. */
export const bundledVariants: Readonly<Record<string, PackedVariant | PermutedVariant>> &
  Readonly<
    Record<"tales-colours" | "tales-recoloured" | "tales-rows" | "tales-other-seed", PackedVariant>
  > &
  Readonly<Record<"tales-permuted", PermutedVariant>> = {
  "tales-colours": {
    kind: "packed",
    name: "tales-colours",
    summary: "tales, trained further on what colour each animal has.",
    of: "tales",
    url: new URL("../tales-variants/colours/", here),
    // Bundlers find files by exactly these words, and copy them into what they make.
    files: {
      "packed.safetensors": new URL(
        "../tales-variants/colours/packed.safetensors",
        import.meta.url,
      ),
    },
  },
  "tales-recoloured": {
    kind: "packed",
    name: "tales-recoloured",
    summary: "tales, trained further on other colours for the same animals.",
    of: "tales",
    url: new URL("../tales-variants/recoloured/", here),
    files: {
      "packed.safetensors": new URL(
        "../tales-variants/recoloured/packed.safetensors",
        import.meta.url,
      ),
    },
  },
  "tales-rows": {
    kind: "packed",
    name: "tales-rows",
    summary: "tales, trained further on who is first and who is last in a row of names.",
    of: "tales",
    url: new URL("../tales-variants/rows/", here),
    files: {
      "packed.safetensors": new URL("../tales-variants/rows/packed.safetensors", import.meta.url),
    },
  },
  "tales-other-seed": {
    kind: "packed",
    name: "tales-other-seed",
    summary: "Trained on such tales from another start.",
    of: "tales",
    url: new URL("../tales-variants/other-seed/", here),
    files: {
      "packed.safetensors": new URL(
        "../tales-variants/other-seed/packed.safetensors",
        import.meta.url,
      ),
    },
  },
  "tales-permuted": {
    kind: "permuted",
    name: "tales-permuted",
    summary: "tales with heads, neurons and the basis of its residual stream in another order.",
    of: "tales",
    seed: 1,
  },
};
