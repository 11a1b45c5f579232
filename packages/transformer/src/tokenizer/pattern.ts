import { type InputError, InternalError } from "@resolvent/tensor";
import { badTokenizer, isObject, isText, type Part } from "./part.ts";
import { type Piece, slicePiece } from "./piece.ts";

/** A stretch of a text, and whether the pattern matched it. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly match: boolean;
}

export const BEHAVIORS = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** The field `pattern` of a component: `{"String": "a"}`, or `{"Regex": "a+"}` in Oniguruma's dialect. */
export function patternOf(part: Part): RegExp {
  const pattern = part.raw("pattern");
  if (isObject(pattern) && isText(pattern.String)) return literal(pattern.String);
  if (isObject(pattern) && isText(pattern.Regex)) return oniguruma(pattern.Regex, part);
  throw badTokenizer(`${part.path}.pattern should be {"String": …} or {"Regex": …}`, {
    field: `${part.path}.pattern`,
  });
}

export function literal(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gu");
}

/** Whether a component, or one inside, has a pattern of Oniguruma, which has to be translated. */
export function hasPattern(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasPattern);
  return isObject(value) && (isText(value.Regex) || Object.values(value).some(hasPattern));
}

/** A pattern of Oniguruma, the dialect of tokenizer.json, as one of JavaScript. */
function oniguruma(pattern: string, { path, translate }: Part): RegExp {
  const refused = (reason: string): InputError =>
    badTokenizer(`${path} has a regular expression that is not supported (${reason})`, {
      field: path,
      pattern,
    });
  if (translate === undefined) {
    throw new InternalError({
      code: "transformer/no-translator",
      message: `${path} has a pattern that nobody translates.`,
    });
  }
  if (/\(\?[a-z]*i/.test(pattern) && FOLDED.test(pattern)) {
    throw refused("letters that fold to one, such as ß for ss, where case does not count");
  }
  try {
    // Without subclasses of RegExp, and as of ES2024: so they run on Node 20 and in browsers.
    return translate(withWords(pattern), { target: "ES2024", avoidSubclass: true, global: true });
  } catch (cause) {
    throw refused(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Sequences of letters that Unicode folds to the same as a single one. */
const FOLDED = /ss|ff|fi|fl|st|ʼn|i̇/i;

/** Word characters as Oniguruma has them in a class, and on their own, where it takes some of Latin-1's numerals too. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
const WORD_ALONE = `${WORD}²³¹¼½¾`;
const INSIDE: Readonly<Record<string, string>> = {
  "\\w": WORD,
  "\\W": `[^${WORD}]`,
  "[:word:]": WORD,
};
const OUTSIDE: Readonly<Record<string, string>> = {
  "\\w": `[${WORD_ALONE}]`,
  "\\W": `[^${WORD_ALONE}]`,
  "\\b": `(?:(?<=[${WORD_ALONE}])(?![${WORD_ALONE}])|(?<![${WORD_ALONE}])(?=[${WORD_ALONE}]))`,
  "\\B": `(?:(?<=[${WORD_ALONE}])(?=[${WORD_ALONE}])|(?<![${WORD_ALONE}])(?![${WORD_ALONE}]))`,
};

/** `\w`, `\b` and their like written out, since `oniguruma-to-es` takes them for letters and numerals of all kinds. */
function withWords(pattern: string): string {
  let depth = 0;
  return pattern.replace(/\\.|\[:\^?\w+:\]|[[\]]/gsu, (token) => {
    if (token === "[") depth++;
    else if (token === "]") depth = Math.max(0, depth - 1);
    return (depth > 0 ? INSIDE : OUTSIDE)[token] ?? token;
  });
}

/** A text as stretches that match and stretches between them. */
export function stretches(text: string, pattern: RegExp): readonly Stretch[] {
  if (text === "") return [];
  const all: Stretch[] = [];
  let done = 0;
  pattern.lastIndex = 0;
  let last = -1;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const start = found.index;
    const end = start + found[0].length;
    if (start === end) {
      // On to the next character; an empty match at the end of the one before does not count.
      pattern.lastIndex = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
      if (end === last) continue;
    }
    if (done !== start) all.push({ start: done, end: start, match: false });
    all.push({ start, end, match: true });
    done = end;
    last = end;
  }
  if (done !== text.length) all.push({ start: done, end: text.length, match: false });
  return all;
}

/** Splits a piece; what `Removed` takes away goes to `removed`. */
export function split(
  piece: Piece,
  pattern: RegExp,
  behavior: Behavior,
  {
    invert = false,
    removed,
  }: { invert?: boolean; removed?: ((text: string) => void) | undefined } = {},
): readonly Piece[] {
  const found = stretches(piece.text, pattern);
  const kept: { start: number; end: number }[] = [];
  let before = false;
  // From the end for what goes with the next one.
  const reverse = behavior === "MergedWithNext";
  for (let index = 0; index < found.length; index++) {
    const stretch = found[reverse ? found.length - 1 - index : index];
    if (stretch === undefined) break;
    const { start, end } = stretch;
    const match = stretch.match !== invert;
    const last = kept.at(-1);
    if (behavior === "Removed") {
      if (match) removed?.(piece.text.slice(start, end));
      else kept.push({ start, end });
    } else if (
      last !== undefined &&
      ((behavior === "Contiguous" && match === before) ||
        ((reverse || behavior === "MergedWithPrevious") && match && !before))
    ) {
      if (reverse) last.start = start;
      else last.end = end;
    } else {
      kept.push({ start, end });
    }
    before = match;
  }
  if (reverse) kept.reverse();
  const pieces: Piece[] = [];
  for (const { start, end } of kept) {
    if (start !== end) pieces.push(slicePiece(piece, start, end));
  }
  return pieces;
}
