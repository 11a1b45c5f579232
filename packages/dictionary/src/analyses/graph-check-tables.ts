import type { Table } from "@resolvent/analysis";
import type { GraphResult } from "./graph-result.ts";
import { verdictCells, WITHOUT_COLUMNS } from "./verdict-columns.ts";

/** Edges and features that were checked by changing them. */
export function checkTables({ verified, ablated, logits, target }: GraphResult): Table[] {
  const numbers = [
    { name: "predicted", kind: "effect" },
    { name: "frozen", kind: "number" },
    { name: "live", kind: "number" },
  ] as const;
  return [
    ...(verified.length === 0
      ? []
      : [
          {
            kind: "edge-check",
            field: "verified",
            title: "Edges checked by taking their sources away, all other features held",
            columns: [
              { name: "from", kind: "text", refers: "node" },
              { name: "to", kind: "text", refers: "node" },
              ...numbers,
            ],
            rows: verified.map(({ from, to, predicted, frozen, live }) => [
              ...[from, to, predicted, frozen, live],
            ]),
            notes: ["frozen: with all gates held; live: with patterns and norms recomputed"],
          } satisfies Table,
        ]),
    ...(ablated.length === 0
      ? []
      : [
          {
            kind: "node-check",
            field: "ablated",
            title: `Features changed, and what that does to ${target?.readout ?? `the logit of ${JSON.stringify(logits[0]?.token.text ?? "")}`}`,
            columns: [
              { name: "node", kind: "text", refers: "node" },
              { name: "times", kind: "number" },
              ...numbers,
              ...WITHOUT_COLUMNS,
            ],
            rows: ablated.map((one) => [one.node, one.times, ...verdictCells(one)]),
            notes: [
              "what it loses where so much is left of the feature: predicted, along all paths; frozen, with all gates held; live, with every gate recomputed; left and then likeliest are what is said then",
            ],
          } satisfies Table,
        ]),
  ];
}
