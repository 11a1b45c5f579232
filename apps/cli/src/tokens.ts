import { parseTokenIds } from "@resolvent/analysis";
import type { InputError } from "@resolvent/tensor";
import { usageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** The text on standard input, without its last newline. */
export async function readPrompt(terminal: Terminal): Promise<string> {
  const prompt = (await terminal.input())?.replace(/\r?\n$/, "");
  if (prompt === undefined || prompt === "") throw noInput();
  return prompt;
}

/** The text on standard input, for a file named `-`. */
export async function readStandardInput(terminal: Terminal): Promise<string> {
  const text = await terminal.input();
  if (text !== undefined) return text;
  throw usageError("There is nothing on standard input.", "Pipe a text in, or name a file.");
}

export function noInput(): InputError {
  return usageError(
    "There is no input.",
    "Give --prompt TEXT, --tokens 1,2,3, or a text on standard input.",
  );
}

/** `1,2,3` or `1 2 3` as token ids. */
export function parseTokens(list: string, flag = "--tokens"): number[] {
  const refuse = (got: string): InputError =>
    usageError(
      `${flag} takes whole numbers, got "${got}".`,
      `Separate them with commas: ${flag} 1,2,3.`,
    );
  const ids = parseTokenIds(list, refuse);
  if (ids.length === 0) throw refuse(list);
  return ids;
}
