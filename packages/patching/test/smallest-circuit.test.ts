import { expect, test } from "vitest";
import { smallestCircuit, withoutDangling } from "../src/smallest-circuit.ts";

const edge = (source: string, receiver: string) => ({ source, receiver, score: 1 });

test("edges that come from nothing, or reach nothing, are left out", () => {
  const edges = [
    edge("embed", "L0.H1.query"),
    edge("L0.H1", "L1.mlp"),
    edge("L1.mlp", "final"),
    edge("L0.H2", "L1.mlp"), // comes from nothing
    edge("embed", "L0.H3.key"), // reaches nothing
    edge("embed", "final"),
  ];
  expect(withoutDangling(edges).map(({ source, node }) => `${source} ${node}`)).toEqual([
    "embed L0.H1",
    "L0.H1 L1.mlp",
    "L1.mlp final",
    "embed final",
  ]);
});

test("the smallest that is faithful, of the sizes that were measured", () => {
  const edges = [edge("embed", "final"), edge("embed", "L0.mlp"), edge("L0.mlp", "final")];
  const size = (count: number, faithfulness: number | null) => ({
    ...{ share: count / 3, edges: count, value: 0, faithfulness, interval: null },
  });
  const sizes = [size(1, 0.5), size(2, 0.9), size(3, 1)];
  const found = smallestCircuit({ sizes, edges }, 0.9);
  expect(found?.size.edges).toBe(2);
  expect(found?.edges.map(({ source, node }) => [source, node])).toEqual([["embed", "final"]]);
  expect(smallestCircuit({ sizes: [size(1, null), size(3, 0.8)], edges }, 0.9)).toBeUndefined();
});
