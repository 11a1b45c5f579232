import { fromByteChars, textOf, toByteChars } from "./bytes.ts";
import type { Report } from "./piece.ts";
import type { TextLosses } from "./tokenizer.ts";

/** Collects what the steps of a tokenizer report of a text. */
export function lossesOf(text: string, encode: (report: Report) => void): TextLosses {
  const vanished = new Set<string>();
  const unknown = new Set<string>();
  encode(({ kind, text: lost }) => {
    // A mark of SentencePiece's stands for a space, which may be of the tokenizer's own making.
    const read = text.includes("▁") ? lost : lost.replaceAll("▁", " ");
    if (read.trim() === "" && !text.includes(read)) return;
    if (kind === "unknown") unknown.add(read);
    else for (const char of read) vanished.add(char);
  });
  return { vanished: [...vanished], unknown: [...unknown] };
}

/** Reports the characters of a word of byte characters instead of those that stand for their bytes. */
export function inCharacters(word: string, report: Report, encode: (report: Report) => void): void {
  const lost = new Map<string, "vanished" | "unknown">();
  encode(({ kind, text }) => {
    for (const byteChar of text) lost.set(byteChar, kind);
  });
  const bytes = lost.size === 0 ? undefined : fromByteChars(word);
  if (bytes === undefined) return;
  for (const char of textOf(bytes)) {
    const kind = [...toByteChars(char)]
      .map((one) => lost.get(one))
      .find((one) => one !== undefined);
    if (kind !== undefined) report({ kind, text: char });
  }
}
