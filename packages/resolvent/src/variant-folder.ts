import type { PackedVariant, PermutedVariant } from "@resolvent/models/variants";
import type { Folder } from "@resolvent/weights";

/** The folders of this platform that a variant is made of. */
export interface VariantParts {
  /** That of the bundled model that it is a variant of. */
  readonly base: Folder;
  /** That of its own files. */
  readonly packed: (variant: PackedVariant) => Folder;
}

/** The folder of a variant of a bundled model, whose weights are made in memory when they are first opened. */
export async function variantFolder(
  variant: PackedVariant | PermutedVariant,
  { base, packed }: VariantParts,
): Promise<Folder> {
  const { name } = variant;
  // What makes them is for those only who use it.
  if (variant.kind === "permuted") {
    const { permutedFolder } = await import("@resolvent/merge/align");
    return permutedFolder(base, { seed: variant.seed, name });
  }
  const { unpackedFolder } = await import("@resolvent/weights/packed");
  return unpackedFolder(packed(variant), { base, name });
}
