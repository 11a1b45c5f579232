/** Pixels of the text in drawings. */
export const FONT = 12;

/** Widths of characters in parts of the font's size: of a sans-serif font, rather too wide than too narrow. */
const NARROW = /[ijlI.,:;'|!()[\]{}tfr ]/;
const WIDE = /[mwMW@%×←→—…␣⏎⇥]/;
const CAPITAL = /[A-Z0-9_&#<>+=−∂Σ‖–]/;
/** What takes two places: Chinese, Japanese, Korean, emoji. */
const DOUBLE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Extended_Pictographic}/u;

export interface TextOptions {
  readonly mono?: boolean;
  /** Heavy letters are wider. */
  readonly strong?: boolean;
}

/** About how wide a text is, in pixels. */
export function textWidth(text: string, options: TextOptions = {}): number {
  let width = 0;
  for (const char of text) {
    if (DOUBLE.test(char)) width += 1.1;
    else if (options.mono === true) width += 0.62;
    else if (NARROW.test(char)) width += 0.36;
    else if (WIDE.test(char)) width += 0.95;
    else width += CAPITAL.test(char) ? 0.68 : 0.58;
  }
  return width * FONT * (options.strong === true ? 1.12 : 1);
}

/** A text that takes at most so many pixels, its end replaced by an ellipsis where it is longer. */
export function cut(text: string, most: number, options: TextOptions = {}): string {
  if (textWidth(text, options) <= most) return text;
  const chars = [...text];
  while (chars.length > 0 && textWidth(`${chars.join("")}…`, options) > most) chars.pop();
  return `${chars.join("")}…`;
}

/** A text in lines of at most so many pixels, broken at spaces; what does not fit into `lines` of them is cut. */
export function wrap(
  text: string,
  most: number,
  { lines, ...options }: TextOptions & { readonly lines: number },
): readonly string[] {
  if (textWidth(text, options) <= most) return [text];
  const made: string[] = [];
  let line = "";
  // A quoted token keeps the space that it starts with.
  const words = text.match(/" [^"\s]*"|\S+/g) ?? [];
  for (const [i, word] of words.entries()) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer, options) > most) {
      made.push(line);
      line = word;
      if (made.length === lines - 1) {
        line = words.slice(i).join(" ");
        break;
      }
    } else line = longer;
  }
  return [...made, line].map((one) => cut(one, most, options));
}

/** A whole number of any length as people read it; `toLocaleString` looks up how for tens of milliseconds. */
export function counted(decimal: string): string {
  return decimal.replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A token's text with its white space to be seen: ` Mary` as `␣Mary`, a line end as `⏎`, a tab as `⇥`. */
export function visible(token: string): string {
  return token.replaceAll(" ", "␣").replaceAll(/\r?\n/g, "⏎").replaceAll("\t", "⇥");
}

/** A text as people read it: with − before its negative numbers, but for those in quotes. */
export function minuses(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|(^|[\s(])-(?=\d|Infinity)/g, (found, before?: string) =>
    before === undefined ? found : `${before}−`,
  );
}
