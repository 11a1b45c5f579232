import { drawing, type RotaryTable, reference, type Tensor } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { rotaryTable } from "./cases.ts";
import { entry, inner, smooth } from "./numbers.ts";

const { constant, rotary } = reference;

/** A quarter turn for pair 0 and none for pair 1 at position 0; a half turn and a quarter turn at position 1. */
const quarters = (pairing: RotaryTable["pairing"]): RotaryTable => ({
  positions: 2,
  pairs: 2,
  pairing,
  cos: Float64Array.of(0, 1, -1, 0),
  sin: Float64Array.of(1, 0, 0, 1),
});

describe("rotary", () => {
  const x = constant({ pos: 2, d_head: 5 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

  test("half pairs entry i with i + pairs; the rest passes through", () => {
    const turned = rotary(x, "d_head", "pos", quarters("half"));
    expect(Array.from(turned.data)).toEqual([-3, 2, 1, 4, 5, -6, -9, -8, 7, 10]);
  });

  test("adjacent pairs entries 2i and 2i + 1", () => {
    const turned = rotary(x, "d_head", "pos", quarters("adjacent"));
    expect(Array.from(turned.data)).toEqual([-2, 1, 3, 4, 5, -6, -7, -9, 8, 10]);
  });

  test("start names the table row of the first position", () => {
    const one = reference.slice(x, "pos", 0, 1);
    const turned = rotary(one, "d_head", "pos", quarters("half"), { start: 1 });
    expect(Array.from(turned.data)).toEqual([-1, -4, -3, 2, 5]);
  });

  describe.each(["half", "adjacent"] as const)("%s", (pairing) => {
    const random = drawing(3);
    const table = rotaryTable(9, 3, pairing);

    test("rows from `start` are those of a longer input", () => {
      const long = smooth({ pos: 9, head: 2, d_head: 7 }, random);
      const turned = rotary(long, "d_head", "pos", table);
      const part = rotary(reference.slice(long, "pos", 4, 7), "d_head", "pos", table, { start: 4 });
      expect(part).toEqual(reference.slice(turned, "pos", 4, 7));
    });

    test("the transpose is the inverse, and the transpose", () => {
      const [u, v] = [smooth({ pos: 4, d_head: 6 }, random), smooth({ pos: 4, d_head: 6 }, random)];
      const turn = (t: Tensor): Tensor => rotary(t, "d_head", "pos", table, { start: 2 });
      const back = (t: Tensor): Tensor =>
        rotary(t, "d_head", "pos", table, { start: 2, transpose: true });
      expect(back(turn(u))).toBeNear(u, { rtol: 1e-15 });
      expect(turn(back(u))).toBeNear(u, { rtol: 1e-15 });
      expect(inner(turn(u), v)).toBeNear(inner(u, back(v)), { rtol: 1e-14 });
    });

    test("scores depend on the distance between query and key only", () => {
      // Angles that grow with the position, as a model's do: (row + 1)/3^pair is linear in the row.
      const query = reference.broadcast(smooth({ d_head: 6 }, random), { pos: 9 });
      const key = reference.broadcast(smooth({ d_head: 6 }, random), { pos: 9 });
      const turned = (t: Tensor): Tensor => rotary(t, "d_head", "pos", table);
      const keys = reference.rename(turned(key), { pos: "key_pos" });
      const scores = reference.matmul(turned(query), keys, ["d_head"]);
      const score = (pos: number, key_pos: number): number => entry(scores, { pos, key_pos });
      for (let distance = 0; distance < 8; distance++) {
        for (let first = 1; first + distance < 9; first++) {
          expect(score(first + distance, first)).toBeNear(score(distance, 0), { atol: 1e-14 });
        }
      }
      expect(Math.abs(score(1, 0) - score(0, 0))).toBeGreaterThan(0.01);
      expect(Math.abs(score(1, 0) - score(0, 1))).toBeGreaterThan(0.01);
    });
  });
});
