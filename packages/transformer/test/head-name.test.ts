import { expect, test } from "vitest";
import { headName, headNamed, parseHead } from "../src/index.ts";

test("a head is named as tables, papers and texts name it", () => {
  const same = ["L2.H11", "l2.h11", " L2.H11 ", "L2H11", "2.11", "head 2.11", "Head  2.11"];
  for (const name of [...same, "head L2.H11"]) {
    expect(headNamed(name)).toEqual({ layer: 2, head: 11 });
    expect(headName(parseHead(name))).toBe("L2.H11");
  }
  expect(headNamed(headName({ layer: 0, head: 3 }))).toEqual({ layer: 0, head: 3 });
  const odd = ["", "2", "L2", "L2.attn", "L2.H", "head 2", "head2.1", "L2.1", "H2.1", "L-1.H0"];
  for (const name of [...odd, "2.1.3", "2,1", "1e2.1", "L1.H1.query", "L1.H1234567"]) {
    expect(headNamed(name)).toBeUndefined();
    expect(() => parseHead(name)).toThrow(`"${name}" is no name of a head. Heads are named`);
  }
});
