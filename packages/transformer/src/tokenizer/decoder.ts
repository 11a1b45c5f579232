import { byteOfToken, fromByteChars, textOf, utf8, wholeTextOf } from "./bytes.ts";
import { byType, type Part } from "./part.ts";
import { patternOf, stretches } from "./pattern.ts";
import { metaspaceFields } from "./pre-tokenizer.ts";

/** Tokens to the pieces of a text. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

export function decoderOf(part: Part | undefined): Decoder {
  // Without a decoder, tokens are words.
  return part === undefined ? (tokens) => [tokens.join(" ")] : byType(part, DECODERS);
}

const DECODERS: Readonly<Record<string, (part: Part) => Decoder>> = {
  ByteLevel: (part) => {
    part.only("add_prefix_space", "trim_offsets", "use_regex");
    return (tokens) => [textOf(joined(tokens.map((token) => fromByteChars(token) ?? utf8(token))))];
  },
  ByteFallback: (part) => {
    part.only();
    return byteFallback;
  },
  Metaspace: (part) => {
    const { replacement, scheme } = metaspaceFields(part);
    return (tokens) =>
      tokens.map((token, index) =>
        token.replaceAll(replacement, index === 0 && scheme !== "never" ? "" : " "),
      );
  },
  WordPiece: (part) => {
    part.only("prefix", "cleanup");
    const prefix = part.text("prefix");
    const clean = part.flag("cleanup");
    return (tokens) =>
      tokens.map((token, index) => {
        const inside = index > 0 && token.startsWith(prefix);
        const text = inside ? token.slice(prefix.length) : index > 0 ? ` ${token}` : token;
        return clean ? cleanup(text) : text;
      });
  },
  BPEDecoder: (part) => {
    part.only("suffix");
    const suffix = part.text("suffix");
    return (tokens) =>
      tokens.map((token, index) =>
        token.replaceAll(suffix, index === tokens.length - 1 ? "" : " "),
      );
  },
  CTC: ctc,
  Fuse: (part) => {
    part.only();
    return (tokens) => [tokens.join("")];
  },
  Strip: (part) => {
    part.only("content", "start", "stop");
    const content = part.char("content");
    const start = part.count("start");
    const stop = part.count("stop");
    return (tokens) => tokens.map((token) => strip(token, content, start, stop));
  },
  Replace: (part) => {
    part.only("pattern", "content");
    const pattern = patternOf(part);
    const content = part.text("content");
    return (tokens) =>
      tokens.map((token) =>
        stretches(token, pattern)
          .map(({ start, end, match }) => (match ? content : token.slice(start, end)))
          .join(""),
      );
  },
  Sequence: (part) => {
    part.only("decoders");
    const steps = part.list("decoders").map(decoderOf);
    return (tokens) => steps.reduce((now, step) => step(now), tokens);
  },
};

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Runs of byte tokens as text, or one U+FFFD for each byte of a run that is not UTF-8. */
function byteFallback(tokens: readonly string[]): readonly string[] {
  const texts: string[] = [];
  let run: number[] = [];
  const end = (): void => {
    if (run.length === 0) return;
    const whole = wholeTextOf(Uint8Array.from(run));
    if (whole === undefined) texts.push(...run.map(() => "\ufffd"));
    else texts.push(whole);
    run = [];
  };
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte !== undefined) {
      run.push(byte);
      continue;
    }
    end();
    texts.push(token);
  }
  end();
  return texts;
}

function ctc(part: Part): Decoder {
  part.only("pad_token", "word_delimiter_token", "cleanup");
  const pad = part.text("pad_token");
  const delimiter = part.text("word_delimiter_token");
  const clean = part.flag("cleanup");
  return (tokens) =>
    tokens
      .filter((token, index) => token !== tokens[index - 1])
      .map((token) => {
        const text = token.replaceAll(pad, "");
        return clean ? cleanup(text).replaceAll(delimiter, " ") : text;
      })
      .filter((text) => text !== "");
}

/** At most so many of a character from the start and from the end. */
function strip(token: string, content: string, start: number, stop: number): string {
  const chars = [...token];
  let from = 0;
  while (from < start && chars[from] === content) from++;
  let to = chars.length;
  while (chars.length - to < stop && to > from && chars[to - 1] === content) to--;
  return chars.slice(from, to).join("");
}

/** Takes away the spaces that WordPiece puts before punctuation and English contractions. */
function cleanup(text: string): string {
  return CLEANED.reduce((now, [old, fresh]) => now.replaceAll(old, fresh), text);
}

const CLEANED: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];
