import { expect, test } from "vitest";
import { handlesIn, Scopes } from "../src/rules/index.ts";

class Handle {
  alive = true;
}
const isHandle = (value: object): value is Handle => value instanceof Handle;

test("handles are found in arrays, maps, sets and plain objects, each once, and in nothing else", () => {
  const [a, b, c, d, hidden] = Array.from({ length: 5 }, () => new Handle()) as [
    ...[Handle, Handle, Handle, Handle, Handle],
  ];
  class Other {
    readonly inside = hidden;
  }
  const loop: { self?: unknown } = {};
  loop.self = loop;
  const value = [a, new Map<unknown, unknown>([[b, { c }]]), new Set([d, a]), new Other(), loop, 1];
  expect(handlesIn(value, isHandle)).toEqual(new Set([a, b, c, d]));
});

test("a scope drops what it does not give; what it gives belongs to the one around it", () => {
  const scopes = new Scopes(isHandle, (handle) => {
    handle.alive = false;
  });
  const made: Handle[] = [];
  const make = (): Handle => {
    const handle = scopes.made(new Handle());
    made.push(handle);
    return handle;
  };
  const alive = () => made.map((handle) => handle.alive);
  const kept = scopes.run(() => {
    make();
    const inner = scopes.run(() => [make(), make()][1]);
    expect(alive()).toEqual([true, false, true]);
    scopes.outside(make);
    return scopes.run(() => ({ inner: [inner] })).inner;
  });
  expect(kept).toEqual([made[2]]);
  expect(alive()).toEqual([false, false, true, true]);
  expect(() =>
    scopes.run(() => {
      make();
      throw new Error("on purpose");
    }),
  ).toThrow("on purpose");
  expect(alive()).toEqual([false, false, true, true, false]);
});
