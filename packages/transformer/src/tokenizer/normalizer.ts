import { toByteChars } from "./bytes.ts";
import { lowercase, WHITE_SPACE } from "./characters.ts";
import { charsmap } from "./charsmap.ts";
import { byType, type Part } from "./part.ts";
import { patternOf, stretches } from "./pattern.ts";
import { mapPiece, type Piece, type Report, slicePiece } from "./piece.ts";

/** Rewrites a text before it is split into words. */
export type Normalizer = (piece: Piece, report?: Report) => Piece;

export function normalizerOf(part: Part | undefined): Normalizer {
  return part === undefined ? (piece) => piece : byType(part, NORMALIZERS);
}

const NORMALIZERS: Readonly<Record<string, (part: Part) => Normalizer>> = {
  NFC: (part) => form(part, "NFC"),
  NFD: (part) => form(part, "NFD"),
  NFKC: (part) => form(part, "NFKC"),
  NFKD: (part) => form(part, "NFKD"),
  Lowercase: (part) => plain(part, lowercase),
  ByteLevel: (part) => plain(part, toByteChars),
  StripAccents: (part) => plain(part, (text) => text.replace(/\p{M}/gu, "")),
  Nmt: (part) => {
    part.only();
    return (piece, report) => mapPiece(dropping(piece, NMT_DROPPED, report), nmtSpaces);
  },
  Strip: (part) => {
    part.only("strip_left", "strip_right");
    const left = part.flag("strip_left");
    const right = part.flag("strip_right");
    return (piece) => strip(piece, left, right);
  },
  Prepend: (part) => {
    part.only("prepend");
    return prepending(part.text("prepend"));
  },
  Replace: (part) => {
    part.only("pattern", "content");
    const pattern = patternOf(part);
    const content = part.text("content");
    return (piece, report) => replace(piece, pattern, content, report);
  },
  BertNormalizer: bert,
  Precompiled: (part) => {
    part.only("precompiled_charsmap");
    const map = charsmap(part.text("precompiled_charsmap"), part.path);
    return (piece, report) => mapPiece(piece, (text) => map(text, report));
  },
  Sequence: (part) => {
    part.only("normalizers");
    const steps = part.list("normalizers").map(normalizerOf);
    return (piece, report) => steps.reduce((now, step) => step(now, report), piece);
  },
};

function plain(part: Part, change: (text: string) => string): Normalizer {
  part.only();
  return (piece) => mapPiece(piece, change);
}

function form(part: Part, name: "NFC" | "NFD" | "NFKC" | "NFKD"): Normalizer {
  return plain(part, (text) => text.normalize(name));
}

/** Puts a text before another that is not empty; both halves are then of the first character. */
export function prepending(prefix: string): (piece: Piece) => Piece {
  return ({ text, first }) =>
    text === ""
      ? { text, first }
      : { text: prefix + text, first: first === 0 ? 0 : first + prefix.length };
}

function strip(piece: Piece, left: boolean, right: boolean): Piece {
  const { text } = piece;
  const start = left ? (/^\p{White_Space}*/u.exec(text)?.[0].length ?? 0) : 0;
  const end = right ? text.length - trailingSpaces(text) : text.length;
  return slicePiece(piece, start, Math.max(start, end));
}

function trailingSpaces(text: string): number {
  let at = text.length;
  while (at > 0 && /\p{White_Space}/u.test(text.charAt(at - 1))) at--;
  return text.length - at;
}

/** What stands for a match is of the match's last character. */
function replace(piece: Piece, pattern: RegExp, content: string, report?: Report): Piece {
  let text = "";
  let first = 0;
  for (const { start, end, match } of stretches(piece.text, pattern)) {
    const old = piece.text.slice(start, end);
    if (!match) {
      if (start < piece.first) first = text.length + Math.min(end, piece.first) - start;
      text += old;
      continue;
    }
    if (content === "") report?.({ kind: "vanished", text: old.replace(WHITE_SPACE, "") });
    text += content;
    if (end <= piece.first) first = text.length;
  }
  return { text, first };
}

function dropping(piece: Piece, dropped: RegExp, report: Report | undefined): Piece {
  if (report !== undefined) {
    for (const [char] of piece.text.matchAll(dropped)) report({ kind: "vanished", text: char });
  }
  return mapPiece(piece, (text) => text.replace(dropped, ""));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: SentencePiece's NMT rules are about them
const NMT_DROPPED = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g;

function nmtSpaces(text: string): string {
  return text.replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");
}

/** Zero, U+FFFD, and control, format and private characters. */
const BERT_DROPPED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function bert(part: Part): Normalizer {
  part.only("clean_text", "handle_chinese_chars", "strip_accents", "lowercase");
  const clean = part.flag("clean_text");
  const chinese = part.flag("handle_chinese_chars");
  const lower = part.flag("lowercase");
  const accents = part.flag("strip_accents", lower);
  return (piece, report) => {
    let now = piece;
    if (clean) {
      now = dropping(now, BERT_DROPPED, report);
      now = mapPiece(now, (text) => text.replace(/\p{White_Space}/gu, " "));
    }
    if (chinese) now = mapPiece(now, (text) => text.replace(CHINESE, " $& "));
    if (accents) now = mapPiece(now, (text) => text.normalize("NFD").replace(/\p{Mn}/gu, ""));
    if (lower) now = mapPiece(now, lowercase);
    return now;
  };
}
