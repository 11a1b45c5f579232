import { bpe } from "./bpe.ts";
import { byType, type Part } from "./part.ts";
import { unigram } from "./unigram.ts";
import type { Model } from "./vocab.ts";
import { wordLevel } from "./word-level.ts";
import { wordPiece } from "./word-piece.ts";

export function modelOf(part: Part): Model {
  if (part.raw("type") !== undefined) return byType(part, MODELS);
  // Files from before version 1.0 of the format have no type.
  if (Array.isArray(part.raw("vocab"))) return unigram(part);
  if (part.raw("merges") !== undefined) return bpe(part);
  if (part.raw("max_input_chars_per_word") !== undefined) return wordPiece(part);
  if (part.raw("unk_token") !== undefined) return wordLevel(part);
  return byType(part, MODELS);
}

const MODELS: Readonly<Record<string, (part: Part) => Model>> = {
  BPE: bpe,
  Unigram: unigram,
  WordPiece: wordPiece,
  WordLevel: wordLevel,
};
