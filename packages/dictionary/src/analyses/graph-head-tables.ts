import { type Cell, roundingOf, type Table } from "@resolvent/analysis";
import type { GraphResult } from "./graph-result.ts";

/** The heads that edges go through, and why they look where they look. */
export function headTables({ hops, precision }: GraphResult): Table[] {
  if (hops.length === 0) return [];
  // Several edges may go through one head at one place: it looks there for one reason.
  const looks = hops.filter(
    ({ head, query, key }, i) =>
      hops.findIndex(
        (one) => one.head.name === head.name && one.query === query && one.key === key,
      ) === i,
  );
  return [
    {
      kind: "edge-head",
      title: "The head that most of an edge goes through, and where it looks",
      columns: [
        { name: "from", kind: "text", refers: "node" },
        { name: "to", kind: "text", refers: "node" },
        { name: "weight", kind: "effect" },
        { name: "head", kind: "text", refers: "node" },
        { name: "query", head: "at", kind: "count", refers: "pos" },
        { name: "key", head: "looks at", kind: "count", refers: "pos" },
        { name: "effect", head: "passes", kind: "number" },
        { name: "pattern", head: "attention", kind: "share" },
        { name: "score", kind: "number" },
      ],
      rows: hops.map(({ from, to, weight, head, query, key, effect, pattern, score }) => [
        ...[from, to, weight, head.name, query, key, effect, pattern, score],
      ]),
      notes: ["parts of an edge that pass several heads are in what each of them passes"],
    },
    {
      kind: "edge-head-side",
      title: "Why it looks there: what gives the score its two sides",
      columns: [
        { name: "head", kind: "text", refers: "node" },
        { name: "query", head: "at", kind: "count", refers: "pos" },
        { name: "key", head: "looks at", kind: "count", refers: "pos" },
        { name: "side", kind: "text" },
        { name: "node", kind: "text" },
        { name: "effect", kind: "effect" },
      ],
      rows: looks.flatMap(({ head, query, key, ...hop }): Cell[][] => {
        const row = (side: string, node: string, effect: number): Cell[] => [
          ...[head.name, query, key, side, node, effect],
        ];
        return [
          ...hop.querySide.map(({ node, effect }) => row("query", node, effect)),
          row("query", "all others", hop.queryOthers),
          ...hop.keySide.map(({ node, effect }) => row("key", node, effect)),
          row("key", "all others", hop.keyOthers),
        ];
      }),
      rounding: roundingOf(
        precision ?? "f64",
        hops.map(({ score }) => score),
      ),
      notes: ["each side adds up to the score, with the other side whole"],
    },
  ];
}
