import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
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

/**
 * Writes variants with their card in place of the folder `out`. Everything is written beside it first, so that a run
 * that ends early leaves no half of them.
 */
export async function writeVariants(
  out: string,
  recipe: VariantsRecipe,
  packed: PackedVariants,
  measured: MeasuredVariants,
): Promise<void> {
  const temporary = `${out}.partial`;
  await rm(temporary, { recursive: true, force: true });
  for (const [name, bytes] of packed) {
    await mkdir(join(temporary, name), { recursive: true });
    await writeFile(join(temporary, name, FILE), bytes);
  }
  const card = { recipe, measured };
  await writeFile(join(temporary, "card.json"), `${JSON.stringify(card, undefined, 1)}\n`);
  await writeFile(join(temporary, "README.md"), talesVariantsCard(recipe, measured));
  await rm(out, { recursive: true, force: true });
  await rename(temporary, out);
}
