import { InputError } from "@resolvent/tensor";
import { showBytes } from "@resolvent/transformer";

/** A token as it is asked for: a number is its id, a string its text in the middle of a text, `" Mary"`. */
export type TokenName = string | number;

/** One token and what ends it: in quotes, or up to the next comma. */
const ITEM = /(?:"((?:[^"\\]|\\.|"")*)"|((?!")(?:[^,\\]|\\.)*))(,|$)/suy;

const ESCAPE = /((?:\\x[\dA-Fa-f]{2})+)|\\u([\dA-Fa-f]{4})|\\u\{([\dA-Fa-f]{1,6})\}|\\(.)|("")/gsu;

const SHORT: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" },
  ...{ "\\": "\\", '"': '"', "/": "/", ",": "," },
};

/**
 * Tokens as people write them in one line, separated by commas:
 *
 * | written | is |
 * |---|---|
 * | `id:346` | the token of that id |
 * | ` Mary`, `5` | the token of that text; spaces count, digits are text |
 * | `" Mary"`, `"a,b"`, `"say ""hi"""` | the same in quotes, as in CSV, and as outputs print tokens; never an id |
 * | `\n` `\t` `\\` `\"` `\,` | as in JSON, in quotes or not; `\,` is a comma |
 * | `\x20`, `\u2581`, `\u{1F600}` | bytes, code points; bytes that are no text by themselves are byte tokens, `\xC3` |
 *
 * @throws InputError `analysis/bad-token-name`
 */
export function parseTokenNames(line: string): TokenName[] {
  const names: TokenName[] = [];
  for (let at = 0; ; ) {
    ITEM.lastIndex = at;
    const [found, quoted, bare = "", end] = ITEM.exec(line) ?? [];
    const text = unescaped(line, quoted ?? bare, quoted !== undefined);
    if (found === undefined || text === "") throw bad(line, found);
    const id = quoted === undefined ? /^id:(\d{1,9})$/.exec(bare)?.[1] : undefined;
    names.push(id === undefined ? text : Number(id));
    if (end === "") return names;
    at += found.length;
  }
}

function unescaped(line: string, text: string, quoted: boolean): string {
  return text.replace(ESCAPE, (whole, ...groups) => {
    const [bytes, code, point, short, doubled] = groups;
    if (doubled !== undefined) return quoted ? '"' : whole;
    if (bytes !== undefined) return textOfBytes(bytes);
    const number = Number.parseInt(code ?? point, 16);
    const is = number <= 0x10ffff ? String.fromCodePoint(number) : SHORT[short];
    if (is === undefined) throw bad(line, undefined, `${whole} is no escape`);
    return is;
  });
}

/** `\xC3\xA9` as the text that it is in UTF-8; bytes that are none as `<0xC3>`, as tokens of bytes read. */
function textOfBytes(escapes: string): string {
  const bytes = escapes.split("\\x").slice(1);
  return showBytes(Uint8Array.from(bytes, (hex) => Number.parseInt(hex, 16)));
}

/** Token ids in a line, separated by commas or spaces; `refuse` makes the error for a word that is none. */
export function parseTokenIds(line: string, refuse: (word: string) => InputError): number[] {
  const words = line.split(/[\s,]+/).filter((word) => word !== "");
  const odd = words.find((word) => !/^\d{1,9}$/.test(word));
  if (odd !== undefined) throw refuse(odd);
  return words.map(Number);
}

/** What people read of a token, and can type back: its text in quotes; `id:5` where a token has no text. */
export function tokenNotation(text: string): string {
  return /^id:\d+$/.test(text) ? text : JSON.stringify(text);
}

function bad(line: string, item: string | undefined, why?: string): InputError {
  const unread = item === undefined ? "a quote or a backslash stands alone" : "a token is empty";
  return new InputError({
    code: "analysis/bad-token-name",
    message: line === "" ? "No token is named." : `${line}: ${why ?? unread}.`,
    remedy:
      'Tokens are texts ( Mary), texts in quotes (" Mary","a,b"), or ids (id:346), separated by commas; \\" is a quote, \\\\ a backslash.',
    details: { got: line },
  });
}
