import { expect, test } from "vitest";
import { headName, headNamed } from "../src/index.ts";

test("a head is named as tables name it and as texts of paths do", () => {
  for (const name of ["L2.H11", "l2.h11", " L2.H11 ", "head 2.11", "Head  2.11"]) {
    expect(headNamed(name)).toEqual({ layer: 2, head: 11 });
  }
  expect(headNamed(headName({ layer: 0, head: 3 }))).toEqual({ layer: 0, head: 3 });
  const odd = ["", "2.11", "L2", "L2.attn", "L2.H", "head 2", "head2.1", "L2.1", "H2.1", "L-1.H0"];
  for (const name of [...odd, "L1.H1.query", "L1.H1234567"])
    expect(headNamed(name)).toBeUndefined();
});
