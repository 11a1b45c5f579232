import { WORD_CHAR } from "./characters.ts";
import type { Normalizer } from "./normalizer.ts";
import type { Part } from "./part.ts";
import { type Piece, slicePiece } from "./piece.ts";
import type { Vocab } from "./vocab.ts";

/** A token that is looked for in the text before the model sees it. */
export interface AddedToken {
  readonly content: string;
  /** Left out where text is decoded. */
  readonly special: boolean;
  /** Found only where no word character touches it. */
  readonly singleWord: boolean;
  /** Takes the white space before it, or after it, along. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in the normalized text, itself normalized. */
  readonly normalized: boolean;
}

export interface AddedTokens {
  id(token: string): number | undefined;
  /** A token as decoders see it: where it is looked for in the normalized text, it is normalized itself. */
  token(id: number): string | undefined;
  isSpecial(token: string): boolean;
  /** One above the largest id, 0 where there are none. */
  readonly size: number;
  /** A text as stretches, and ids of the tokens that are looked for before it is normalized, or after. */
  split(piece: Piece, normalized: boolean): readonly (Piece | number)[];
}

export function addedToken(part: Part): AddedToken {
  part.only("id", "content", "special", "single_word", "lstrip", "rstrip", "normalized");
  const special = part.flag("special", false);
  return {
    content: part.text("content"),
    special,
    singleWord: part.flag("single_word", false),
    lstrip: part.flag("lstrip", false),
    rstrip: part.flag("rstrip", false),
    normalized: part.flag("normalized", !special),
  };
}

/**
 * Ids are those of the vocabulary where a token is in it, else those that follow it, in the order of the list: so the
 * original numbers them, whatever the file says.
 */
export function addedTokens(
  listed: readonly AddedToken[],
  vocab: Vocab,
  normalize: Normalizer,
): AddedTokens {
  const ids = new Map<string, number>();
  const byId = new Map<number, AddedToken>();
  const special = new Set<string>();
  let largest = -1;
  for (const token of listed) {
    if (token.content === "") continue;
    if (token.special) special.add(token.content);
    const next = largest >= vocab.count || vocab.count === 0 ? largest + 1 : vocab.count;
    const id = ids.get(token.content) ?? vocab.id(token.content) ?? next;
    ids.set(token.content, id);
    byId.set(id, token);
    largest = Math.max(largest, id);
  }
  const spelled = new Map(
    [...byId].map(([id, { content, normalized }]) => {
      const text = normalized ? normalize({ text: content, first: 0 }).text : content;
      return [id, text] as const;
    }),
  );
  const found = (normalized: boolean): Finder => {
    const some = [...byId].filter(([, token]) => token.normalized === normalized);
    return finder(some.map(([id, token]) => ({ id, token, pattern: spelled.get(id) ?? "" })));
  };
  const before = found(false);
  const after = found(true);
  return {
    id: (token) => ids.get(token),
    token: (id) => spelled.get(id),
    isSpecial: (token) => special.has(token),
    size: largest + 1,
    split: (piece, normalized) => (normalized ? after : before)(piece),
  };
}

type Finder = (piece: Piece) => readonly (Piece | number)[];

interface Wanted {
  readonly id: number;
  readonly token: AddedToken;
  /** What is looked for. */
  readonly pattern: string;
}

/** The leftmost token, of those the longest, then on from its end. */
function finder(wanted: readonly Wanted[]): Finder {
  const byStart = new Map<number, Wanted[]>();
  for (const one of wanted) {
    if (one.pattern === "") continue;
    const start = one.pattern.charCodeAt(0);
    byStart.set(start, [...(byStart.get(start) ?? []), one]);
  }
  for (const list of byStart.values()) list.sort((a, b) => b.pattern.length - a.pattern.length);
  return (piece) => {
    const { text } = piece;
    const parts: (Piece | number)[] = [];
    let done = 0;
    for (let at = 0; byStart.size > 0 && at < text.length; ) {
      const one = byStart
        .get(text.charCodeAt(at))
        ?.find(({ pattern }) => text.startsWith(pattern, at));
      if (one === undefined) {
        at++;
        continue;
      }
      let start = at;
      let end = at + one.pattern.length;
      at = end;
      if (one.token.singleWord && (wordBefore(text, start) || wordAt(text, end))) continue;
      if (one.token.lstrip) {
        while (start > done && isSpace(text, start - 1)) start--;
        start = Math.max(start, done);
      }
      if (one.token.rstrip) while (isSpace(text, end)) end++;
      if (done < start) parts.push(slicePiece(piece, done, start));
      parts.push(one.id);
      done = end;
    }
    if (done < text.length) parts.push(done === 0 ? piece : slicePiece(piece, done, text.length));
    return parts;
  };
}

function isSpace(text: string, at: number): boolean {
  return /^\p{White_Space}$/u.test(text.charAt(at));
}

function wordAt(text: string, at: number): boolean {
  return at < text.length && WORD_CHAR.test(String.fromCodePoint(text.codePointAt(at) ?? 0));
}

function wordBefore(text: string, at: number): boolean {
  const low = /[\udc00-\udfff]/.test(text.charAt(at - 1));
  return at > 0 && wordAt(text, at - (low ? 2 : 1));
}
