import { expect, test } from "vitest";

test("pages of the browser tests are cross-origin isolated, so that threads can share memory", () => {
  expect(globalThis.crossOriginIsolated).toBe(true);
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test("the numeric matcher is there", () => {
  expect(new Float32Array([1, 2])).toBeNear([1, 2]);
  expect([1, 2]).not.toBeNear([1, 3]);
});
