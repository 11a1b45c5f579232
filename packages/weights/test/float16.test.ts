import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { narrowBF16, narrowF16, widenBF16, widenF16 } from "../src/index.ts";

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** The value by the definition in IEEE 754, in float64. */
function byDefinition(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa ? Number.NaN : sign * Infinity;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

const formats = [
  { name: "F16", widen: widenF16, narrow: narrowF16, exponent: 5, mantissa: 10 },
  { name: "BF16", widen: widenBF16, narrow: narrowBF16, exponent: 8, mantissa: 7 },
] as const;

describe.each(formats)("$name", ({ widen, narrow, exponent, mantissa }) => {
  const wide = widen(all);
  const top = 0x8000 >> 0;
  const infinity = (2 ** exponent - 1) << mantissa;

  test("each of the 65536 widens to its value, zeros with their sign", () => {
    const wrong = [...all].filter(
      (bits) => !Object.is(wide[bits], byDefinition(bits, exponent, mantissa)),
    );
    expect(wrong).toEqual([]);
  });

  test("NaNs keep sign and payload", () => {
    const bits = new Uint32Array(wide.buffer);
    for (let half = infinity + 1; half < top; half++) {
      const payload = (half & (2 ** mantissa - 1)) << (23 - mantissa);
      expect(bits[half]).toBe((0x7f800000 | payload) >>> 0);
      expect(bits[half + 0x8000]).toBe((0xff800000 | payload) >>> 0);
    }
  });

  test("each narrows back to itself, NaNs made quiet", () => {
    const back = narrow(wide);
    const quiet = 1 << (mantissa - 1);
    const wrong = [...all].filter((bits) => {
      const nan = (bits & 0x7fff) > infinity;
      return back[bits] !== (nan ? bits | quiet : bits);
    });
    expect(wrong).toEqual([]);
  });

  test("between neighbours: the nearer one, the even one at the middle, one float64 step beside it too", () => {
    const wrong: string[] = [];
    for (let low = 0; low < infinity; low++) {
      const a = byDefinition(low, exponent, mantissa);
      // The largest rounds to infinity as if the next power of two were a number.
      const b =
        low + 1 === infinity
          ? 2 * a - byDefinition(low - 1, exponent, mantissa)
          : byDefinition(low + 1, exponent, mantissa);
      const middle = (a + b) / 2;
      const step = middle * 2 ** -52;
      const even = low % 2 === 0 ? low : low + 1;
      const got = narrow([middle, middle - step, middle + step, -middle, -middle + step]);
      const want = [even, low, low + 1, even + 0x8000, low + 0x8000];
      if (want.some((bits, i) => got[i] !== bits)) wrong.push(`${low}: ${got} instead of ${want}`);
    }
    expect(wrong).toEqual([]);
  });

  test("no other number of the format is nearer (property)", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const bits = narrow([x])[0] ?? Number.NaN;
        const error = (b: number) => Math.abs(byDefinition(b, exponent, mantissa) - x);
        const size = bits & 0x7fff;
        if (size < infinity && size > 0) expect(error(bits)).toBeLessThanOrEqual(error(bits - 1));
        if (size + 1 < infinity) expect(error(bits)).toBeLessThanOrEqual(error(bits + 1));
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  test("what is far too large is infinite, what is far too small is zero, with the sign", () => {
    expect([...narrow([1e300, -1e300, 1e-300, -1e-300])]).toEqual([
      infinity,
      infinity + 0x8000,
      0,
      0x8000,
    ]);
  });
});

test("by hand", () => {
  expect([...narrowF16([1, -2, 65504, 65519.99, 65520, 2 ** -24, 2 ** -25, 0.1])]).toEqual([
    0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 1, 0, 0x2e66,
  ]);
  expect([...narrowBF16([1, -2, Math.PI, 2 ** -133])]).toEqual([0x3f80, 0xc000, 0x4049, 1]);
  // A float32 step off the middle: rounding twice would give the even neighbour.
  expect([...narrowF16([1 + 2 ** -11 + 2 ** -40])]).toEqual([0x3c01]);
});
