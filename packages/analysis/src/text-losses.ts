import type { Tokenizer, Warning } from "@resolvent/transformer";

/** How many lost characters a warning names. */
const NAMED = 12;

/** What of the texts that a host has read is in no token. */
export interface TextLossNotes {
  /** Takes note of one more text. */
  read(text: string): void;
  warnings(): readonly Warning[];
}

/**
 * Notes of what is lost of texts, of one run or one command: `read` is for `vocabularyOf`, `warnings` for `textWarnings`
 * of a `FoundModel`. Without a tokenizer nothing is.
 */
export function textLossNotes(tokenizer: Tokenizer | undefined): TextLossNotes {
  const seen = new Set<string>();
  const vanished = new Set<string>();
  const unknown = new Set<string>();
  return {
    read: (text) => {
      if (tokenizer === undefined || seen.has(text)) return;
      if (seen.size < 100) seen.add(text); // a prompt is read more than once, a corpus is not
      const losses = tokenizer.losses(text);
      for (const char of losses.vanished) vanished.add(char);
      for (const piece of losses.unknown) unknown.add(piece);
    },
    warnings: () => [
      ...warning("text-vanished", vanished, "vanished: no token stands for"),
      ...warning("text-unknown", unknown, "became the unknown token:"),
    ],
  };
}

function warning(code: string, lost: ReadonlySet<string>, what: string): readonly Warning[] {
  if (lost.size === 0) return [];
  const named = [...lost].slice(0, NAMED).map(quote).join(", ");
  const more = lost.size > NAMED ? ` and ${lost.size - NAMED} more` : "";
  return [{ code, message: `part of the text ${what} ${named}${more}.` }];
}

/** `"x"`, with the code point where it is one character that is not plain. */
function quote(text: string): string {
  const [char, ...more] = text;
  const quoted = JSON.stringify(text);
  if (char === undefined || more.length > 0 || /^[!-~]$/.test(char)) return quoted;
  const point = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `${quoted} (U+${point})`;
}
