import { expect, test } from "vitest";
import { createLinearAlgebra } from "../../src/linear-algebra/linear-algebra.ts";
import { BITS, digest } from "./bits.ts";

test("the same bits in a browser as in Node", async () => {
  expect(digest(await createLinearAlgebra())).toBe(BITS);
});
