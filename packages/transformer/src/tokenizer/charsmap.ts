import { textOf, utf8 } from "./bytes.ts";
import { WHITE_SPACE } from "./characters.ts";
import { badTokenizer } from "./part.ts";
import type { Report } from "./piece.ts";

/**
 * SentencePiece's `precompiled_charsmap`, base64: the size in bytes of a double array (Darts), the double array, and
 * the texts that it points into, each ended by a zero byte. Applied to each grapheme below 6 bytes, else to its characters, as
 * the original does.
 */
export function charsmap(base64: string, path: string): (text: string, report?: Report) => string {
  const bytes = bytesOf(base64, path);
  const view = new DataView(bytes.buffer);
  const size = bytes.length < 4 ? 0 : view.getUint32(0, true);
  if (bytes.length < 4 || size % 4 !== 0 || 4 + size > bytes.length) {
    throw badTokenizer(`${path}.precompiled_charsmap is damaged`, { field: path });
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, at) => view.getUint32(4 + 4 * at, true));
  const texts = bytes.subarray(4 + size);
  const known = new Map<string, string | undefined>();

  /** What the shortest key at the start of `chunk` becomes, for all of the chunk; undefined where there is none. */
  const look = (chunk: string): string | undefined => {
    let at = offsetOf(units[0] ?? 0);
    for (const byte of utf8(chunk)) {
      if (byte === 0) return undefined;
      at ^= byte;
      const unit = units[at] ?? 0;
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      at ^= offsetOf(unit);
      if (((unit >>> 8) & 1) === 1) {
        const start = (units[at] ?? 0) & 0x7fffffff;
        const end = texts.indexOf(0, start);
        return textOf(texts.subarray(start, end === -1 ? texts.length : end));
      }
    }
    return undefined;
  };
  const transform = (chunk: string): string | undefined => {
    if (!known.has(chunk)) known.set(chunk, look(chunk));
    return known.get(chunk);
  };
  return (text, report) => {
    let all = "";
    const put = (old: string, fresh: string): void => {
      if (fresh === "") report?.({ kind: "vanished", text: old.replace(WHITE_SPACE, "") });
      all += fresh;
    };
    for (const grapheme of graphemes(text)) {
      const whole = utf8(grapheme).length < 6 ? transform(grapheme) : undefined;
      if (whole !== undefined) put(grapheme, whole);
      else for (const char of grapheme) put(char, transform(char) ?? char);
    }
    return all;
  };
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function* graphemes(text: string): Iterable<string> {
  // Printable ASCII never joins with more of its kind.
  if (/^[\x20-\x7e]*$/.test(text)) yield* text;
  else for (const { segment } of new Intl.Segmenter("und").segment(text)) yield segment;
}

function bytesOf(base64: string, path: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    throw badTokenizer(`${path}.precompiled_charsmap is no base64`, { field: path });
  }
}
