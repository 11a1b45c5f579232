import { toRegExp } from "oniguruma-to-es";
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
  if (isObject(pattern) && isText(pattern.Regex)) return oniguruma(pattern.Regex, part.path);
  throw badTokenizer(`${part.path}.pattern should be {"String": …} or {"Regex": …}`, {
    field: `${part.path}.pattern`,
  });
}

export function literal(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gu");
}

/** A pattern of Oniguruma, the dialect of tokenizer.json, as one of JavaScript. */
export function oniguruma(pattern: string, path: string): RegExp {
  try {
    // Without subclasses of RegExp, ES2024 patterns run on Node 20 and in browsers as they are.
    return toRegExp(pattern, { target: "ES2024", avoidSubclass: true, global: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badTokenizer(`${path} has a regular expression that is not supported (${reason})`, {
      field: path,
      pattern,
    });
  }
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
