import {
  type CostOps,
  cost,
  type Engine,
  InputError,
  type Precision,
  type Priced,
} from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import { type Dictionaries, loadDictionaries } from "./load.ts";
import type { LoadDictionaryOptions } from "./options.ts";

/**
 * The shapes of all that a folder holds, without its numbers: to know what work with it takes before anything large is
 * read. Configs, headers and single vectors are.
 *
 * @throws InputError what `loadDictionaries` throws, but for numbers that are not finite
 */
export async function outlineDictionaries(
  folder: Folder,
  options: LoadDictionaryOptions = {},
): Promise<Dictionaries<Priced>> {
  return await loadDictionaries(shapesOnly(cost()), folder, { ...options, ...{ shapes: true } });
}

/** The interpreter of costs, as an engine that has no numbers. */
function shapesOnly(ops: CostOps, precision: Precision = "f32"): Engine<Priced> {
  const none = (what: string): never => {
    throw new InputError({
      code: "dictionary/no-numbers",
      message: `Shapes alone were asked for, and ${what} needs numbers.`,
    });
  };
  return {
    ...ops,
    ...{ name: "shapes", precision },
    written: (shape) => ops.given(shape),
    writtenHalf: (shape) => ops.given(shape),
    read: () => none("reading"),
    top: async () => none("top"),
    free: () => {},
  };
}
