import { drawing, isInputError } from "@resolvent/tensor";
import { expect, test } from "vitest";
import {
  countPaths,
  graphFile,
  graphLayout,
  graphScores,
  groupGraph,
  influence,
  pruneGraph,
  readGraph,
  signedTotals,
  strongestPaths,
  unpinnedAsErrors,
} from "../src/graph/index.ts";
import { madeFile } from "./graph-made.ts";

/** What stands in files that somebody has broken. */
const ODD: readonly unknown[] = [
  ...[null, true, "", "x", "1", 0, -1, 1.5, 1e308, -1e308, 5e-324, 2 ** 53, [], {}, [1]],
  ...["feature", "logit", "embedding", "bias", "lorsa", "0_200_0", "E_100_0", "constructor"],
];

/** A copy in which one value, or one key, is another. */
function mutated(value: unknown, draw: () => number): unknown {
  const pick = <V>(list: readonly V[]): V => list[Math.floor(draw() * list.length)] as V;
  if (typeof value !== "object" || value === null || draw() < 0.02) return pick(ODD);
  if (Array.isArray(value)) {
    if (value.length === 0) return pick(ODD);
    const at = Math.floor(draw() * value.length);
    if (draw() < 0.1) return value.toSpliced(at, 1);
    if (draw() < 0.1) return [...value, value[at]];
    return value.with(at, mutated(value[at], draw));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return pick(ODD);
  const [key, inner] = pick(entries);
  const { [key]: _, ...rest } = value as Record<string, unknown>; // an object
  if (draw() < 0.1) return rest;
  return { ...rest, [key]: mutated(inner, draw) };
}

/** What a call gives, undefined where it says that its input is at fault; anything else is a fault of ours. */
function tried<V>(call: () => V): V | undefined {
  try {
    return call();
  } catch (error) {
    if (isInputError(error)) return undefined;
    throw error;
  }
}

test("broken files are refused by name, or are graphs", () => {
  let read = 0;
  let refused = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const draw = drawing(seed);
    let file: unknown = madeFile(seed % 7, { layers: 2, positions: 2, features: 1 });
    for (let times = 1 + Math.floor(3 * draw()); times > 0; times--) file = mutated(file, draw);
    const text = JSON.stringify(file);
    const graph = tried(() => readGraph(text));
    if (graph === undefined) {
      refused++;
      continue;
    }
    read++;
    expect(JSON.parse(JSON.stringify(graphFile(graph)))).toEqual(JSON.parse(text));
    const { replacement, completeness } = tried(() => graphScores(graph)) ?? {};
    for (const score of [replacement, completeness]) {
      if (typeof score === "number") expect(score >= -1e-9 && score <= 1 + 1e-9).toBe(true);
    }
    tried(() => influence(graph));
    tried(() => pruneGraph(graph));
    tried(() => strongestPaths(graph, { measure: "effect" }));
    tried(() => countPaths(graph));
    tried(() => signedTotals(graph));
    tried(() => groupGraph(graph));
    tried(() => graphLayout(graph, { nodesAtMost: 5 }));
    tried(() => graphScores(unpinnedAsErrors(graph)));
  }
  expect(read).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

test("texts cut off, and texts nested too deep", () => {
  const text = JSON.stringify(madeFile(1));
  for (let end = 0; end < text.length; end += 97) {
    expect(() => readGraph(text.slice(0, end))).toThrow("graph is not JSON");
  }
  const deep = `${"[".repeat(1e6)}${"]".repeat(1e6)}`;
  expect(() => readGraph(deep, { name: "deep.json" })).toThrow(
    "deep.json is nested deeper than 64",
  );
  const inside = text.replace(
    '"qParams":{}',
    `"qParams":{"a\\\\":${"[".repeat(62)}${"]".repeat(62)},"b":"[[[{{{"}`,
  );
  expect(readGraph(inside).nodes.length).toBeGreaterThan(0);
});
