import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFolder } from "../replaced-folder.ts";
import { targetFolder } from "../target.ts";
import type { MadeDictionaries } from "./all.ts";
import { type MeasuredDictionaries, talesDictionariesCard } from "./card.ts";
import type { DictionariesRecipe } from "./recipe.ts";

/** The files of a dictionary: all that making it anew replaces. */
const OWN: ReadonlySet<string> = new Set(["cfg.json", "sae_weights.safetensors"]);

/**
 * The absolute path of the folder that dictionaries are written to, which is replaced as a whole: there is none yet, it
 * is empty, or, with `overwrite`, it holds dictionaries of this recipe, their card and nothing else.
 *
 * @throws InputError `train/exists`, `train/other-files`
 */
export async function dictionariesFolder(
  out: string,
  { dictionaries }: DictionariesRecipe,
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): Promise<string> {
  const names = dictionaries.map(({ name }) => name);
  const own = new Set(["README.md", "card.json", ...names]);
  const folder = await targetFolder(out, { overwrite, own, of: "these dictionaries" });
  for (const name of names) {
    await targetFolder(join(folder, name), { overwrite: true, own: OWN, of: "a dictionary" });
  }
  return folder;
}

/** Writes dictionaries with their card in place of the folder `out`, as a whole. */
export async function writeDictionaries(
  out: string,
  recipe: DictionariesRecipe,
  { folders, measured }: MadeDictionaries,
  by: Pick<MeasuredDictionaries, "minutes" | "machine">,
): Promise<void> {
  const all = { ...measured, ...by };
  const card = { recipe, measured: all };
  await replaceFolder(out, async (fresh) => {
    for (const [name, files] of folders) {
      await mkdir(join(fresh, name), { recursive: true });
      for (const [file, bytes] of files) await writeFile(join(fresh, name, file), bytes);
    }
    await writeFile(join(fresh, "card.json"), `${JSON.stringify(card, undefined, 1)}\n`);
    await writeFile(join(fresh, "README.md"), talesDictionariesCard(recipe, all));
  });
}
