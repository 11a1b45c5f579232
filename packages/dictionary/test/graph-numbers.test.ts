import fc from "fast-check";
import { expect, test } from "vitest";
import { cantorPair, cantorUnpair, readGraph } from "../src/graph/index.ts";
import { madeFile } from "./graph-made.ts";

test("Cantor's numbers: by hand, and back for every layer and feature there can be", () => {
  expect([cantorPair(0, 0), cantorPair(1, 0), cantorPair(0, 1), cantorPair(1, 3)]).toEqual([
    0, 1, 2, 13,
  ]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 0, max: 90_000_000 }),
      (layer, feature) => {
        expect(cantorUnpair(cantorPair(layer, feature))).toEqual({ layer, feature });
      },
    ),
    { numRuns: 2000 },
  );
});

test("features whose ids do not say which they are: by their numbers", () => {
  const file = madeFile(1);
  const named = (schema: number, number: number, layer: number | string) => {
    const node = { ...file.nodes[0], node_id: "x", feature: number, layer };
    const { schema_version, ...metadata } = file.metadata;
    return readGraph({
      ...file,
      metadata: schema > 0 ? { ...metadata, schema_version: schema } : metadata,
      nodes: [node],
      links: [],
    });
  };
  expect(named(1, cantorPair(2, 5), "2").nodes[0]?.feature).toBe(5);
  expect(named(0, 200_005, 2).nodes[0]?.feature).toBe(5);
  expect(named(0, 1_204_913, "12").nodes[0]?.feature).toBe(4913);
  expect(named(0, 913, "0").nodes[0]?.feature).toBe(913);
  // A number of another layer says nothing.
  const odd = named(1, cantorPair(3, 5), "2");
  expect(odd.nodes[0]?.feature).toBeNull();
  expect(odd.warnings.map(({ code }) => code)).toEqual(["feature-number"]);
  expect(named(0, 300_005, 2).nodes[0]?.feature).toBeNull();
});
