import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFolder } from "../replaced-folder.ts";
import { targetFolder } from "../target.ts";
import { foldersOf, type PackedVariants } from "./all.ts";
import { type MeasuredVariants, talesVariantsCard } from "./card.ts";
import type { VariantsRecipe } from "./recipe.ts";

/** The file of a variant. */
const FILE = "packed.safetensors";

/**
 * The absolute path of the folder that variants are written to, which is replaced as a whole: there is none yet, it is
 * empty, or, with `overwrite`, it holds variants of this recipe, their card and nothing else.
 *
 * @throws InputError `train/exists`, `train/other-files`
 */
export async function variantsFolder(
  out: string,
  recipe: VariantsRecipe,
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): Promise<string> {
  const names = foldersOf(recipe);
  const own = new Set(["README.md", "card.json", ...names]);
  const folder = await targetFolder(out, { overwrite, own, of: "these variants" });
  for (const name of names) {
    const files = { own: new Set([FILE]), of: "a variant" };
    await targetFolder(join(folder, name), { overwrite: true, ...files });
  }
  return folder;
}

/** The variants that a folder holds. */
export async function variantsIn(folder: string, recipe: VariantsRecipe): Promise<PackedVariants> {
  const found = new Map<string, Uint8Array>();
  for (const name of foldersOf(recipe)) {
    const bytes = await readFile(join(folder, name, FILE)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (bytes !== undefined) found.set(name, bytes);
  }
  return found;
}

/** Writes variants with their card in place of the folder `out`, as a whole. */
export async function writeVariants(
  out: string,
  recipe: VariantsRecipe,
  packed: PackedVariants,
  measured: MeasuredVariants,
): Promise<void> {
  const card = { recipe, measured };
  await replaceFolder(out, async (fresh) => {
    for (const [name, bytes] of packed) {
      await mkdir(join(fresh, name), { recursive: true });
      await writeFile(join(fresh, name, FILE), bytes);
    }
    await writeFile(join(fresh, "card.json"), `${JSON.stringify(card, undefined, 1)}\n`);
    await writeFile(join(fresh, "README.md"), talesVariantsCard(recipe, measured));
  });
}
