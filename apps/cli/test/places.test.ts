import fc from "fast-check";
import { expect, test } from "vitest";
import { places, shortened, wrapped } from "../src/places.ts";

test.each([
  ["abc", 3],
  ["\u001b[1mab\u001b[22m", 2],
  ["e\u0301e", 2],
  ["日本", 4],
  ["ｱｲ", 2],
  ["Ａ", 2],
  ["🙂", 2],
  ["👨‍👩‍👧‍👦", 2],
  ["❤️", 2],
  ["👍🏽", 2],
  ["\u200b", 0],
  ["한", 2],
  ["ก็", 1],
])("places of %j: %i", (text, count) => {
  expect(places(text)).toBe(count);
});

test("shortened in the middle, never within a letter", () => {
  expect(shortened("abcdefghij", 10)).toBe("abcdefghij");
  expect(shortened("abcdefghij", 7)).toBe("abcd…ij");
  expect(shortened("日本日本日本", 7)).toBe("日本…本");
  expect(shortened("e\u0301".repeat(9), 4)).toBe("e\u0301e\u0301…e\u0301");
  expect(shortened("abc", 1)).toBe("…");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, most) => {
      const short = shortened(text, most);
      expect(places(short)).toBeLessThanOrEqual(Math.max(1, most));
      if (places(text) <= most) expect(short).toBe(text);
    }),
  );
});

test("of a list of tokens, whole ones are left out", () => {
  expect(shortened('" Mary" "\\"" " John" "a b"', 20)).toBe('" Mary" "\\"" …');
  expect(shortened('" Mary" " John"', 9)).toBe('" Mary" …');
  expect(shortened('" Mary" " John"', 8)).toBe('" Mar…n"');
  expect(shortened('" Mary and John went"', 9)).toBe('" Mary…t"');
});

test("wrapped beside tokens in quotes, not within them", () => {
  expect(wrapped('"a" id:1, " to" id:2', 11)).toBe('"a" id:1,\n" to" id:2');
  expect(wrapped('" " id:1, "  b" id:2', 10)).toBe('" " id:1,\n"  b" id:2');
  expect(wrapped('"When Mary went"', 12)).toBe('"When Mary\nwent"');
});

test("wrapped at spaces; without a width as it is", () => {
  expect(wrapped("one two three", 7)).toBe("one two\nthree");
  expect(wrapped("one two three", undefined)).toBe("one two three");
  expect(wrapped("a\n\nb", 5)).toBe("a\n\nb");
  expect(wrapped("abcdefgh i", 3)).toBe("abc\ndef\ngh\ni");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 30 }), (text, most) => {
      const lines = wrapped(text, most);
      for (const line of lines.split("\n")) expect(places(line)).toBeLessThanOrEqual(most);
      const letters = (all: string): string => all.replace(/[ \n]/g, "");
      expect(letters(lines)).toBe(letters(text));
    }),
  );
});
