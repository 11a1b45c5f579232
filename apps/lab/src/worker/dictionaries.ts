import type { DictionaryFiles } from "@resolvent/analysis";
import type { DictionarySummary } from "@resolvent/analysis/remote";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { InputError } from "@resolvent/tensor";
import { urlFolder } from "@resolvent/weights";

/** The dictionaries that the lab has, in a list. */
export const dictionaryList: readonly DictionarySummary[] = Object.values(bundledDictionaries).map(
  ({ name, summary, model }) => ({ name, summary, model }),
);

/**
 * The files of dictionaries by their names; of the model's first where none is named, and none where it has none.
 *
 * @throws InputError `lab/no-dictionary`
 */
export function dictionaryFiles(
  model: string,
  names: readonly string[] | undefined,
): readonly DictionaryFiles[] {
  const [own] = dictionaryList.filter((one) => one.model === model);
  return (names ?? (own === undefined ? [] : [own.name])).flatMap((name) => {
    const found = Object.hasOwn(bundledDictionaries, name) ? bundledDictionaries[name] : undefined;
    if (found === undefined) {
      throw new InputError({
        code: "lab/no-dictionary",
        message: `There is no dictionary "${name}" here.`,
        remedy: `There are ${dictionaryList.map((one) => one.name).join(", ")}.`,
        details: { name },
      });
    }
    return found.folders.map((folder) => {
      const own = found.folders.length === 1 ? name : `${name}/${folder.name}`;
      return { name: own, folder: { ...urlFolder(folder.files), name: own } }; // what results call it
    });
  });
}
