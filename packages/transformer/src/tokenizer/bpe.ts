import { byteToken, utf8 } from "./bytes.ts";
import { pairTable } from "./pair-table.ts";
import { badTokenizer, isText, type Part, wrong } from "./part.ts";
import type { Report } from "./piece.ts";
import { type Model, unknownId, type Vocab, vocabOf } from "./vocab.ts";

/** Words that are remembered with their ids, and how long they may be. */
const CACHE_WORDS = 50_000;
const CACHE_LENGTH = 256;

/** Byte-pair encoding (Sennrich et al. 2016): the earliest merge first, its leftmost place first. */
export function bpe(part: Part): Model {
  part.only(
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
    "vocab",
    "merges",
  );
  const dropout = part.raw("dropout");
  if (dropout !== undefined && dropout !== 0) {
    throw badTokenizer(
      `${part.path}.dropout is ${JSON.stringify(dropout)}: random merges are not supported`,
      {
        field: `${part.path}.dropout`,
      },
    );
  }
  const vocab = vocabOf(part);
  const prefix = part.text("continuing_subword_prefix", "");
  const suffix = part.text("end_of_word_suffix", "");
  const unknown = part.raw("unk_token") === undefined ? undefined : part.text("unk_token");
  const fuse = part.flag("fuse_unk", false);
  const fallback = part.flag("byte_fallback", false);
  const whole = part.flag("ignore_merges", false);
  const merge = mergesOf(part, vocab, prefix);
  const byteIds = fallback
    ? Array.from({ length: 256 }, (_, byte) => vocab.id(byteToken(byte)))
    : [];

  const symbolsOf = (word: string, report?: Report): number[] => {
    const symbols: number[] = [];
    // What is unknown waits for the next symbol that is known, also past bytes, as in the original.
    let waiting: number | undefined;
    let at = 0;
    for (const char of word) {
      const end = at + char.length;
      const symbol = (at > 0 ? prefix : "") + char + (end === word.length ? suffix : "");
      at = end;
      const id = vocab.id(symbol);
      if (id !== undefined) {
        if (waiting !== undefined) symbols.push(waiting);
        waiting = undefined;
        symbols.push(id);
        continue;
      }
      if (fallback) {
        const bytes = Array.from(utf8(symbol), (byte) => byteIds[byte]);
        if (bytes.every((byte) => byte !== undefined)) {
          symbols.push(...bytes);
          continue;
        }
      }
      report?.({ kind: unknown === undefined ? "vanished" : "unknown", text: char });
      if (unknown === undefined) continue;
      if (waiting !== undefined && !fuse) symbols.push(waiting);
      waiting = unknownId(vocab, unknown, char);
    }
    if (waiting !== undefined) symbols.push(waiting);
    return symbols;
  };

  const cache = new Map<string, readonly number[]>();
  return {
    vocab,
    encode: (word, ids, report) => {
      const entry = whole ? vocab.id(word) : undefined;
      if (entry !== undefined) {
        ids.push(entry);
        return;
      }
      let made = report === undefined ? cache.get(word) : undefined;
      if (made === undefined) {
        made = merge(symbolsOf(word, report));
        if (report === undefined && word.length <= CACHE_LENGTH) {
          if (cache.size >= CACHE_WORDS) cache.clear();
          cache.set(word, made);
        }
      }
      for (const id of made) ids.push(id);
    },
  };
}

/** The field `merges` as a function that merges symbols. */
function mergesOf(
  part: Part,
  vocab: Vocab,
  prefix: string,
): (symbols: readonly number[]) => readonly number[] {
  const listed = part.raw("merges");
  if (!Array.isArray(listed)) throw wrong(`${part.path}.merges`, "a list", listed);
  const ranks = pairTable(listed.length);
  const results = new Int32Array(listed.length);
  const idOf = (token: string, rank: number): number => {
    const id = vocab.id(token);
    if (id !== undefined) return id;
    throw badTokenizer(
      `${part.path}.merges[${rank}] needs ${JSON.stringify(token)}, which is not in the vocabulary`,
      { rank, token },
    );
  };
  for (let rank = 0; rank < listed.length; rank++) {
    const entry: unknown = listed[rank];
    if (isText(entry) && entry.startsWith("#version")) continue;
    const [left, right] = halves(entry, part.path);
    ranks.set(idOf(left, rank), idOf(right, rank), rank);
    results[rank] = idOf(left + right.slice(prefix.length), rank);
  }
  return (symbols) => (symbols.length < 2 ? symbols : mergeAll(symbols, ranks.get, results));
}

function halves(entry: unknown, path: string): readonly [string, string] {
  if (isText(entry)) {
    const at = entry.indexOf(" ");
    if (at !== -1 && !entry.includes(" ", at + 1)) return [entry.slice(0, at), entry.slice(at + 1)];
  } else if (Array.isArray(entry) && entry.length === 2) {
    const [left, right] = entry;
    if (isText(left) && isText(right)) return [left, right];
  }
  throw wrong(`each of ${path}.merges`, 'two tokens, "a b" or ["a", "b"]', entry);
}

/** Positions are below this, so that a rank and a position make one whole number that sorts. */
const PLACES = 2 ** 31;

function mergeAll(
  word: readonly number[],
  rankOf: (left: number, right: number) => number,
  results: Int32Array,
): number[] {
  const count = word.length;
  const ids = Int32Array.from(word);
  const next = Int32Array.from(word, (_, at) => at + 1);
  const previous = Int32Array.from(word, (_, at) => at - 1);
  const queue: number[] = [];
  const offer = (at: number): void => {
    const right = next[at] ?? count;
    if (right >= count) return;
    const rank = rankOf(ids[at] ?? 0, ids[right] ?? 0);
    if (rank !== -1) push(queue, rank * PLACES + at);
  };
  for (let at = 0; at < count; at++) offer(at);
  while (queue.length > 0) {
    const top = pop(queue);
    const at = top % PLACES;
    const right = next[at] ?? count;
    const left = ids[at] ?? -1;
    if (left === -1 || right >= count) continue; // merged into another, or last
    const result = results[(top - at) / PLACES] ?? 0;
    const rank = rankOf(left, ids[right] ?? 0);
    if (rank === -1 || results[rank] !== result) continue; // its pair is no longer there
    ids[at] = result;
    ids[right] = -1;
    const after = next[right] ?? count;
    next[at] = after;
    if (after < count) previous[after] = at;
    const before = previous[at] ?? -1;
    if (before >= 0) offer(before);
    offer(at);
  }
  const merged: number[] = [];
  for (let at = 0; at < count; at = next[at] ?? count) merged.push(ids[at] ?? 0);
  return merged;
}

/** A binary heap, the smallest number first. */
function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const above = heap[up] ?? 0;
    if (above <= value) break;
    heap[at] = above;
    at = up;
  }
  heap[at] = value;
}

function pop(heap: number[]): number {
  const top = heap[0] ?? 0;
  const last = heap.pop() ?? 0;
  const count = heap.length;
  if (count === 0) return top;
  let at = 0;
  for (let down = 1; down < count; down = 2 * at + 1) {
    if (down + 1 < count && (heap[down + 1] ?? 0) < (heap[down] ?? 0)) down++;
    const below = heap[down] ?? 0;
    if (below >= last) break;
    heap[at] = below;
    at = down;
  }
  heap[at] = last;
  return top;
}
