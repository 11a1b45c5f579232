import type { TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";

/** Characters of a line at most: more than any context holds. */
const LONGEST = 2 ** 24;

/** The lines of a file as they come by, without their ends, numbered from 1. @throws InputError `sweep/not-text` */
export async function* lines(
  file: TextFile,
): AsyncGenerator<{ readonly text: string; readonly line: number }> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [rest, line] = ["", 0];
  const decoded = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw notText(file, "it is not UTF-8", cause);
    }
  };
  for await (const bytes of file.stream()) {
    const parts = (rest + decoded(bytes)).split("\n");
    rest = parts.pop() ?? "";
    for (const text of parts) yield { text: text.replace(/\r$/, ""), line: ++line };
    if (rest.length > LONGEST)
      throw notText(file, `line ${line + 1} has over ${LONGEST} characters`);
  }
  rest += decoded();
  if (rest !== "") yield { text: rest.replace(/\r$/, ""), line: ++line };
}

function notText(file: TextFile, why: string, cause?: unknown): InputError {
  return new InputError({
    code: "sweep/not-text",
    message: `${file.name} cannot be read as lines of text: ${why}.`,
    remedy: "Is it the right file?",
    details: { file: file.name },
    ...(cause !== undefined && { cause }),
  });
}
