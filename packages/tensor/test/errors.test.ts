import { readFileSync } from "node:fs";
import {
  adjoint,
  axesOf,
  InputError,
  InternalError,
  isInputError,
  isInternalError,
  type Recorded,
  reference,
  type Shape,
  type Tensor,
  tangent,
  tensor,
} from "@resolvent/tensor";
import { describe, expect, test, vi } from "vitest";
import { ids } from "./cases.ts";
import { faults } from "./faults.ts";

const make = (shape: Shape): Tensor => reference.fill(shape, 1);

/** What `call` throws; fails where it throws nothing. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("every code of the rules has a wrong call here", () => {
  const source = ["rules/arithmetic", "rules/checks", "rules/layout", "shape"]
    .map((name) => readFileSync(new URL(`../src/${name}.ts`, import.meta.url), "utf8"))
    .join();
  const codes = new Set(source.match(/"tensor\/[a-z-]+"/g)?.map((quoted) => quoted.slice(1, -1)));
  expect(new Set(faults.map(({ code }) => code))).toEqual(codes);
});

describe.each(faults)("$says", ({ code, says, details, run }) => {
  const error = thrownBy(() => run(reference, make));

  test("is an InputError with its code, message, remedy and details", () => {
    expect(error).toBeInstanceOf(InputError);
    const { name, message, remedy, ...rest } = error as InputError; // as the line above says
    expect(name).toBe("InputError");
    expect(rest.code).toBe(code);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
    expect(message).toBe(`${says} ${remedy}`);
    expect(rest.details).toMatchObject(details);
    expect(Object.keys(rest.details)).toEqual(expect.arrayContaining(Object.keys(details)));
  });

  test("is the same under both derivatives", () => {
    const forward = tangent(reference);
    const tape = adjoint(reference);
    expect(thrownBy(() => run(forward, (shape) => forward.dual(make(shape), make(shape))))).toEqual(
      error,
    );
    expect(thrownBy(() => run(tape, (shape) => tape.variable(make(shape))))).toEqual(error);
  });
});

describe("names and sizes that are allowed", () => {
  test.each([
    "a b",
    "d_model",
    "µ",
    "-1",
    "x.y",
    "a: 1",
    "length",
    "prototype",
    "shape",
    "b (rows)",
  ])("axis %j works in every primitive that looks names up", (axis) => {
    const x = reference.constant({ [axis]: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    expect(reference.sum(x, [axis])).toEqual(reference.constant({ b: 3 }, [5, 7, 9]));
    expect(reference.add(x, reference.fill({ b: 3 }, 1)).data[5]).toBe(7);
    expect(reference.matmul(x, x, [axis, "b"]).data[0]).toBe(91);
    const taken = reference.take(x, "b", ids({ b: 2 }, [2, 0]));
    expect(taken).toEqual(reference.constant({ [axis]: 2, b: 2 }, [3, 1, 6, 4]));
    expect(axesOf(reference.arrange(x, [axis]).shape)).toEqual(["b", axis]);
  });

  test("an axis without entries gives results without entries, and sums of 0", () => {
    const none = make({ pos: 0, d: 3 });
    const same = { pos: 0, d: 3 };
    expect(reference.add(none, make({ d: 3 })).shape).toEqual(same);
    expect(reference.center(none, "d").shape).toEqual(same);
    expect(reference.rms(none, "d", 1).shape).toEqual({ pos: 0 });
    expect(reference.softmax(none, "d", { query: "pos" }).shape).toEqual(same);
    expect(reference.softmax(none, "d", { query: "pos", offset: 9, window: 1 }).shape).toEqual(
      same,
    );
    expect(reference.logsumexp(none, "d").data).toHaveLength(0);
    expect(reference.join(none, ["pos", "d"], "m").shape).toEqual({ m: 0 });
    expect(reference.split(none, "pos", { a: 4, b: 0 }).shape).toEqual({ a: 4, b: 0, d: 3 });
    expect(reference.matmul(none, make({ d: 3, e: 2 }), ["d"]).shape).toEqual({ pos: 0, e: 2 });
    expect(reference.sum(none, ["pos"])).toEqual(reference.fill({ d: 3 }, 0));
    expect(reference.put(none, ids({ pos: 0 }, []), "vocab", 2)).toEqual(
      reference.fill({ vocab: 2, d: 3 }, 0),
    );
    expect(reference.take(make({ vocab: 0, d: 3 }), "vocab", ids({ pos: 0 }, [])).shape).toEqual(
      same,
    );
  });

  test("take of an empty table refuses every id", () => {
    const call = (): Tensor => reference.take(make({ vocab: 0 }), "vocab", ids({}, [0]));
    expect(call).toThrow('take: expected 0 ≤ id < 0 along "vocab", got 0.');
  });
});

test("tensor() checks as constant does", () => {
  expect(() => tensor({ a: 2 }, [1])).toThrow("expected the 2 numbers of {a: 2}, got 1");
  expect(() => tensor({ constructor: 1 }, [1])).toThrow('got "constructor"');
});

test("an InputError without a remedy says what happened only, and keeps its cause", () => {
  const cause = new Error("below");
  const error = new InputError({ code: "x/y", message: "It broke.", cause });
  expect(error).toMatchObject({ message: "It broke.", code: "x/y", details: {}, cause });
  expect(error.remedy).toBeUndefined();
});

test("an InternalError is no InputError", () => {
  const error = new InternalError({ code: "x/y", message: "Ours.", details: { n: 1 } });
  expect(error).toMatchObject({
    name: "InternalError",
    code: "x/y",
    message: "Ours.",
    details: { n: 1 },
  });
  expect(error).not.toBeInstanceOf(InputError);
});

test("a node that the tape does not have is refused", () => {
  const x = make({});
  const stray: Recorded<Tensor> = { shape: {}, primal: x, index: 3 };
  const tape = adjoint(reference);
  expect(thrownBy(() => tape.gradients(stray, x, []))).toMatchObject({ code: "tensor/other-tape" });
  const other = adjoint(reference);
  const theirs = other.exp(other.variable(x));
  const ours = tape.variable(x);
  expect(thrownBy(() => tape.exp(theirs))).toMatchObject({ code: "tensor/other-tape" });
  expect(thrownBy(() => tape.gradients(tape.exp(ours), x, [theirs]))).toMatchObject({
    code: "tensor/other-tape",
  });
});

test("errors are told apart whichever copy of the package made them", async () => {
  vi.resetModules();
  const copy = await import("@resolvent/tensor");
  expect(copy.InputError).not.toBe(InputError);
  const info = { code: "tensor/no-axis", message: "No." };
  for (const input of [new InputError(info), new copy.InputError(info)]) {
    expect(isInputError(input)).toBe(true);
    expect(isInternalError(input)).toBe(false);
    expect(Object.keys(input).sort()).toEqual(["code", "details", "name", "remedy"]);
  }
  for (const internal of [new InternalError(info), new copy.InternalError(info)]) {
    expect(isInputError(internal)).toBe(false);
    expect(isInternalError(internal)).toBe(true);
  }
  for (const other of [new TypeError("x"), { ...info, name: "InputError" }, "words", null]) {
    expect(isInputError(other) || isInternalError(other)).toBe(false);
  }
});
