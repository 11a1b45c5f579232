import { InputError, InternalError } from "@resolvent/tensor";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Allocator } from "../src/allocator.ts";

test("blocks never overlap, are aligned, and all memory comes back", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5000), fc.nat())), (steps) => {
      const begin = 8192;
      const limit = begin + 200_000;
      const allocator = new Allocator(begin, limit, (end) => Math.ceil(end / 4096) * 4096);
      const live: { start: number; size: number }[] = [];
      const release = (at: number): void => {
        for (const { start, size } of live.splice(at, 1)) allocator.free(start, size);
      };
      for (const [size, choice] of steps) {
        if (choice % 3 === 0 && live.length > 0) release(choice % live.length);
        const start = allocator.allocate(size);
        expect(start % 64).toBe(0);
        expect(start).toBeGreaterThanOrEqual(begin);
        expect(start + size).toBeLessThanOrEqual(limit);
        for (const other of live) {
          expect(
            start + Math.max(1, size) <= other.start ||
              other.start + Math.max(1, other.size) <= start,
          ).toBe(true);
        }
        live.push({ start, size });
        const used = live.reduce((sum, block) => sum + Allocator.rounded(block.size), 0);
        expect(allocator.use.used).toBe(used);
        if (live.length > 30) release(0);
      }
      while (live.length > 0) release(live.length >> 1);
      expect(allocator.use.used).toBe(0);
      // Everything in one piece again: all of it can be had at once.
      expect(allocator.allocate(limit - begin - 64)).toBe(begin);
    }),
  );
});

test("at the limit it says what was wanted, what is used, and what to do", () => {
  const allocator = new Allocator(0, 1024, (end) => end);
  allocator.allocate(512);
  const wanted = (): number => allocator.allocate(1000);
  expect(wanted).toThrow(InputError);
  expect(wanted).toThrow(/1024 more bytes, with 512 of 1024 in use.*scope/);
  expect(allocator.allocate(512)).toBe(512);
});

test("what was not in use cannot be freed", () => {
  const allocator = new Allocator(0, 4096, (end) => end);
  const start = allocator.allocate(100);
  allocator.free(start, 100);
  expect(() => allocator.free(start, 100)).toThrow(InternalError);
  expect(() => allocator.free(8192, 64)).toThrow(InternalError);
});
