import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALL_GATES, fragmentOf, type Place, placeOf, START } from "../src/state/fragment.ts";
import { FIRST, TOPS } from "../src/state/question.ts";

/** The place of a fragment that can be read. */
function read(fragment: string): Place {
  const found = placeOf(fragment);
  if ("message" in found) throw new Error(found.message);
  return found.place;
}

describe("the address", () => {
  test("is empty at the start, and leaves out what is as it is there", () => {
    expect(fragmentOf(START)).toBe("");
    expect(fragmentOf({ ...START, degree: 3 })).toBe("v=1&k=3");
    expect(
      fragmentOf({ ...START, question: { ...FIRST, prompt: "a b", target: [5] }, path: "x → y" }),
    ).toBe("v=1&p=a+b&y=5&s=x+%E2%86%92+y");
  });

  test("leads back to where it was made, whatever was asked there", () => {
    const ids = fc.array(fc.nat(1e6), { minLength: 1, maxLength: 5 });
    const place: fc.Arbitrary<Place> = fc.record({
      question: fc.record({
        model: fc.string({ minLength: 1 }),
        prompt: fc.oneof(fc.string({ minLength: 1, unit: "binary" }), ids),
        target: fc.oneof(fc.constant(null), fc.array(fc.nat(1e6), { minLength: 1, maxLength: 2 })),
      }),
      analysis: fc.constantFrom("paths", "expand", "train-dictionary"),
      values: fc.dictionary(
        fc.constantFrom("top", "maxDegree", "of"),
        fc.oneof(fc.string(), fc.nat(), ids),
      ),
      degree: fc.option(fc.nat(99)),
      frozen: fc.option(fc.subarray([...ALL_GATES], { maxLength: 2 })),
      checked: fc.option(fc.nat(99)),
      dictionaries: fc.option(
        fc.array(fc.constantFrom("tales-sae", "hub:org/name@main/a b"), {
          ...{ minLength: 1, maxLength: 3 },
        }),
      ),
      path: fc.option(fc.string({ minLength: 1 })),
      why: fc.boolean(),
      token: fc.option(fc.nat(99)),
      checks: fc.subarray(["embed@1>L0.H2", "bias:L0.attn.b_O@3>L1.mlp"]),
      score: fc.option(
        fc.record({
          head: fc.constantFrom("L0.H1", "L12.H3"),
          query: fc.constantFrom(13, 99),
          key: fc.nat(13),
          side: fc.constantFrom("query", "key"),
        }),
      ),
      precision: fc.constantFrom("f32", "f64"),
      engine: fc.constantFrom(null, "webgpu", "reference"),
      top: fc.constantFrom(...TOPS),
      picked: fc.record({
        head: fc.option(fc.constantFrom("L0.H1", "L12.H3")),
        edge: fc.option(fc.nat(99).map((at): [number, number] => [at, Math.floor(at / 2)])),
        node: fc.option(fc.constantFrom("L2.F88@4", "error L1@3", "logit “a”")),
      }),
      panel: fc.option(fc.constantFrom("degrees", "graph")),
    });
    fc.assert(
      fc.property(place, (one) => {
        expect(read(`#${fragmentOf(one)}`)).toEqual(JSON.parse(JSON.stringify(one)));
      }),
      { numRuns: 50 },
    );
  });

  test("of another version is a message; what is not understood is told, and nothing is guessed", () => {
    expect(placeOf("#v=2&p=x")).toEqual({ message: expect.stringContaining("version 2") });
    expect(placeOf(`#p=${"x".repeat(200_000)}`)).toEqual({ message: expect.any(String) });
    expect(
      placeOf(
        "#v=1&k=many&zz=1&y=1-2-3&a=../x&q=[&z=px&h=L1&e=3-4&c=x&d=a,&x=toString&w=toString&u=yes&m=",
      ),
    ).toEqual({
      place: START,
      ignored: ["m", "y", "a", "k", "z", "c", "d", "u", "h", "e", "w", "q", "x", "zz"],
    });
    // Another text has no target of the first one's.
    expect(read("#p=Once").question).toEqual({ ...FIRST, prompt: "Once", target: null });
  });
});
