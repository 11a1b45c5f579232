import { byteToken, utf8 } from "./bytes.ts";
import { type PairTable, pairTable } from "./pair-table.ts";
import { badTokenizer, isCount, isText, type Part, wrong } from "./part.ts";
import { type Model, vocabFrom } from "./vocab.ts";

/** How much less than the least likely piece an unknown character counts, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

/** The likeliest pieces by their log probabilities (Kudo 2018), found by Viterbi's algorithm. */
export function unigram(part: Part): Model {
  part.only("unk_id", "vocab", "byte_fallback");
  const pieces = readPieces(part);
  const { ids, tokens, unknown } = pieces;
  const fallback = part.flag("byte_fallback", false);
  const byteIds = Array.from({ length: 256 }, (_, byte) => ids.get(byteToken(byte)));
  return {
    vocab: vocabFrom(ids, tokens),
    encode: (word, out, report) => {
      for (const text of likeliest(word, pieces)) {
        const id = ids.get(text);
        if (id !== undefined) {
          out.push(id);
          continue;
        }
        const bytes = fallback ? Array.from(utf8(text), (byte) => byteIds[byte]) : [];
        if (fallback && bytes.every(isCount)) {
          out.push(...bytes);
          continue;
        }
        if (unknown !== undefined) out.push(unknown); // what is not in the vocabulary came by unk_id
        for (const char of text) report?.({ kind: "unknown", text: char });
      }
    },
  };
}

/** The vocabulary, and its trie of UTF-16 units: the child of a node by `edges`, the token that ends there by `ends`. */
interface Pieces {
  readonly ids: Map<string, number>;
  readonly tokens: string[];
  readonly scores: Float64Array;
  readonly edges: PairTable;
  readonly ends: number[];
  /** The id of what is not in the vocabulary, and its score. */
  readonly unknown: number | undefined;
  readonly unknownScore: number;
}

function readPieces(part: Part): Pieces {
  const listed = part.raw("vocab");
  if (!Array.isArray(listed)) throw wrong(`${part.path}.vocab`, "a list", listed);
  const unknown = part.raw("unk_id") === undefined ? undefined : part.count("unk_id");
  if (unknown !== undefined && unknown >= listed.length) {
    throw badTokenizer(
      `${part.path}.unk_id is ${unknown}, and the vocabulary has ${listed.length} entries`,
    );
  }
  const ids = new Map<string, number>();
  const tokens: string[] = [];
  const scores = new Float64Array(listed.length);
  const edges = pairTable(listed.length * 2);
  const ends: number[] = [-1];
  for (const [id, entry] of listed.entries()) {
    const [token, score, ...more] = Array.isArray(entry) ? entry : [];
    if (!isText(token) || typeof score !== "number" || more.length > 0) {
      throw wrong(`${part.path}.vocab[${id}]`, "a token and its log probability", entry);
    }
    ids.set(token, id);
    tokens.push(token);
    scores[id] = score;
    let node = 0;
    for (let at = 0; at < token.length; at++) {
      const unit = token.charCodeAt(at);
      let child = edges.get(node, unit);
      if (child === -1) {
        child = ends.length;
        ends.push(-1);
        edges.set(node, unit, child);
      }
      node = child;
    }
    if (token !== "") ends[node] = id;
  }
  const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
  return { ids, tokens, scores, edges, ends, unknown, unknownScore: least - UNKNOWN_PENALTY };
}

/** The pieces of a word, unknown ones that follow each other as one. */
function likeliest(word: string, pieces: Pieces): string[] {
  const { scores, edges, ends, unknown, unknownScore } = pieces;
  const best = new Float64Array(word.length + 1);
  const from = new Int32Array(word.length + 1).fill(-1);
  const by = new Int32Array(word.length + 1);
  const offer = (start: number, end: number, id: number, score: number): void => {
    const total = score + (best[start] ?? 0);
    if (from[end] !== -1 && total <= (best[end] ?? 0)) return;
    best[end] = total;
    from[end] = start;
    by[end] = id;
  };
  for (let start = 0; start < word.length; ) {
    const single = (word.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
    let found = false;
    let node = 0;
    for (let end = start; end < word.length; ) {
      node = edges.get(node, word.charCodeAt(end));
      if (node === -1) break;
      end++;
      const id = ends[node] ?? -1;
      if (id === -1) continue;
      offer(start, end, id, scores[id] ?? 0);
      found ||= end === start + single;
    }
    if (!found) {
      if (unknown === undefined) {
        const char = word.slice(start, start + single);
        throw badTokenizer(
          `the tokenizer has no token for ${JSON.stringify(char)}, and it has no unk_id`,
        );
      }
      offer(start, start + single, unknown, unknownScore);
    }
    start += single;
  }
  const reversed: string[] = [];
  let knownBefore = true;
  for (let end = word.length; end > 0; ) {
    const start = from[end] ?? 0;
    const known = by[end] !== unknown;
    const text = word.slice(start, end);
    if (known || knownBefore) reversed.push(text);
    else reversed.push(text + (reversed.pop() ?? ""));
    knownBefore = known;
    end = start;
  }
  return reversed.reverse();
}
