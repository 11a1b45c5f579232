/** Bytes that have broken readers: borders of signed and unsigned numbers. */
const ODD = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/**
 * A file with something changed: a few bytes, a bit, a number set to a border, a piece left out, doubled, or copied over
 * another, or the end cut off.
 *
 * @param draw numbers from 0 to below 1
 */
export function mutated(bytes: Uint8Array, draw: () => number): Uint8Array {
  const pick = (below: number): number => Math.floor(draw() * below);
  const out = bytes.slice();
  const at = pick(out.length);
  const length = 1 + pick(Math.min(64, out.length - at));
  switch (pick(8)) {
    case 0:
      out[at] = pick(256);
      return out;
    case 1:
      out[at] = (out[at] ?? 0) ^ (1 << pick(8));
      return out;
    case 2:
      for (let i = 0; i < 1 + pick(4); i++) out[pick(out.length)] = pick(256);
      return out;
    case 3: // a number of two, four or eight bytes
      out.fill(ODD[pick(ODD.length)] ?? 0, at, at + 2 ** (1 + pick(3)));
      return out;
    case 4:
      return Uint8Array.of(...out.subarray(0, at), ...out.subarray(at + length));
    case 5:
      return Uint8Array.of(...out.subarray(0, at + length), ...out.subarray(at));
    case 6:
      out.copyWithin(pick(out.length), at, at + length);
      return out;
    default:
      return out.slice(0, at);
  }
}
