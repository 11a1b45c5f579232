/** The 256 characters that byte-level tokenizers write for bytes: printable ones as they are, others from U+0100 on. */
export const BYTE_CHARS: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : next++),
  );
})();

const BYTE_OF: ReadonlyMap<string, number> = new Map(
  BYTE_CHARS.map((char, byte) => [char, byte] as const),
);

const encoder = new TextEncoder();
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes as text, U+FFFD for what is not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return lossy.decode(bytes);
}

/** Bytes as text, or undefined where they are not UTF-8. */
export function wholeTextOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Each byte of a text's UTF-8 as the character that stands for it: ` é` is `ĠÃ©`. */
export function toByteChars(text: string): string {
  if (/^[\x21-\x7e]*$/.test(text)) return text;
  let chars = "";
  for (const byte of utf8(text)) chars += BYTE_CHARS[byte];
  return chars;
}

/** The bytes that characters stand for; undefined where one of them stands for none. */
export function fromByteChars(chars: string): Uint8Array | undefined {
  const bytes = new Uint8Array(chars.length);
  for (let at = 0; at < chars.length; at++) {
    const byte = BYTE_OF.get(chars.charAt(at));
    if (byte === undefined) return undefined;
    bytes[at] = byte;
  }
  return bytes;
}

/** The byte of a token such as `<0x0A>`, as the library reads them. */
export function byteOfToken(token: string): number | undefined {
  const digits = /^<0x(\+?[0-9A-Fa-f]|[0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return digits === undefined || token.length !== 6 ? undefined : Number.parseInt(digits, 16);
}

/** `<0x0A>` */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** Bytes as text: characters where they are UTF-8, else `<0xC3>`. */
export function showBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0; // below the length
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const whole = wholeTextOf(bytes.subarray(at, at + length));
    text += whole ?? byteToken(first);
    at += whole === undefined ? 1 : length;
  }
  return text;
}
