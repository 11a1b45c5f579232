import { byteOfToken, fromByteChars, textOf } from "./bytes.ts";
import type { Report } from "./piece.ts";
import type { TextLosses } from "./tokenizer.ts";

void byteOfToken;
void fromByteChars;
void textOf;
/** Collects what the steps report, and keeps what is of the text. */
export function lossesOf(
  text: string,
  encode: (report: Report) => void,
  _options: { readonly byteLevel: boolean },
): TextLosses {
  const vanished = new Set<string>();
  const unknown = new Set<string>();
  encode(({ kind, text: lost }) => {
    (kind === "vanished" ? vanished : unknown).add(lost);
  });
  void text;
  return { vanished: [...vanished], unknown: [...unknown] };
}
