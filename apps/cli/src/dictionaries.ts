import type { DictionaryFiles } from "@resolvent/analysis";
import { InputError, isInputError } from "@resolvent/tensor";
import { findDictionaries as foundBy } from "resolvent";
import { usageError } from "./failure.ts";
import { saysFetching } from "./fetching.ts";
import type { ModelOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Places of dictionaries at most, one for each layer of the deepest models and more. */
const MOST = 512;

/** The dictionaries that places name, in their order. */
export async function findDictionaries(
  places: readonly string[],
  { offline }: Pick<ModelOptions, "offline">,
  terminal: Terminal,
): Promise<readonly DictionaryFiles[]> {
  const found: DictionaryFiles[] = [];
  if (places.length > MOST) {
    throw usageError(
      `There are ${places.length} dictionaries; at most ${MOST} are taken.`,
      "Name a set of them as one folder.",
    );
  }
  for (const place of places) found.push(...(await foundIn(place, offline, terminal)));
  return found;
}

async function foundIn(
  place: string,
  offline: boolean | undefined,
  terminal: Terminal,
): Promise<readonly DictionaryFiles[]> {
  try {
    return await foundBy(place, { offline, ...saysFetching(place, terminal) });
  } catch (error) {
    if (!isInputError(error)) throw error;
    const { code, remedy = "", details, cause } = error;
    const message = error.message.slice(0, -remedy.length).trimEnd();
    if (code === "resolvent/no-dictionary") throw usageError(message, remedy);
    if (code !== "resolvent/unreadable") throw error;
    throw new InputError({ code: "cli/unreadable", message, remedy, details, cause });
  }
}
