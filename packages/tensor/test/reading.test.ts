import { type Engine, readTogether, reference, type Tensor } from "@resolvent/tensor";
import { expect, test } from "vitest";

test("several tensors are all asked for before any has answered", async () => {
  const order: string[] = [];
  const engine: Engine<Tensor> = {
    ...reference,
    read: async (a) => {
      order.push("asked");
      await new Promise((resolve) => setTimeout(resolve, 0));
      order.push("answered");
      return reference.read(a);
    },
  };
  const scalar = engine.fill({}, 7);
  const table = engine.constant({ a: 2, b: 2 }, [1, 2, 3, 4]);
  const [[seven = 0], none, numbers] = await readTogether(engine, [scalar, undefined, table]);
  expect({ seven, none, numbers }).toEqual({ seven: 7, none: [], numbers: [1, 2, 3, 4] });
  expect(order).toEqual(["asked", "asked", "answered", "answered"]);
  expect(await readTogether(engine, [])).toEqual([]);
});
