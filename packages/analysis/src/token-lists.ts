import { InputError } from "@resolvent/tensor";
import type { TextFile } from "./file.ts";

/** Characters of a JSON list of lists at most: it is read whole, where a file of lines passes by. */
const LONGEST_LIST = 2 ** 26;

/** Whether a file that begins with this line is one JSON list of lists, and no list a line. */
export function beginsLists(line: string): boolean {
  return /^\s*\[\s*(?:\[|$)/.test(line);
}

/**
 * The lists of token ids of one JSON list of lists, empty ones too.
 *
 * @param parts its text, in pieces
 * @throws InputError `analysis/bad-tokens`
 */
export async function tokenLists(
  file: Pick<TextFile, "name">,
  parts: AsyncIterable<string>,
): Promise<readonly (readonly number[])[]> {
  let text = "";
  for await (const part of parts) {
    text += part;
    if (text.length > LONGEST_LIST) {
      throw bad(
        file,
        "a JSON list of more than 2²⁶ characters",
        "Give one list a line: lines are read one by one.",
      );
    }
  }
  let lists: unknown;
  try {
    lists = JSON.parse(text);
  } catch (cause) {
    throw bad(file, `text that begins as a JSON list of lists and is none (${cause})`);
  }
  if (!Array.isArray(lists)) throw bad(file, "no JSON list of lists");
  for (const [i, list] of lists.entries()) {
    if (!Array.isArray(list)) throw bad(file, `${said(list)} as list ${i + 1}`);
    const odd = list.findIndex((id) => !Number.isSafeInteger(id) || id < 0);
    if (odd >= 0) throw bad(file, `${said(list[odd])} in list ${i + 1}`);
  }
  return lists;
}

function said(value: unknown): string {
  return JSON.stringify(value).slice(0, 40);
}

function bad(
  { name }: Pick<TextFile, "name">,
  got: string,
  remedy = "Give lists of whole numbers: [[1,403,407],[5,6]].",
): InputError {
  return new InputError({
    code: "analysis/bad-tokens",
    message: `${name}: expected lists of token ids, got ${got}.`,
    remedy,
    details: { file: name, got },
  });
}
