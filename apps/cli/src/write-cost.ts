import { bytes, csvLine, operations, percent } from "@resolvent/analysis";
import type { Cost } from "@resolvent/tensor";
import type { KeptWeights } from "./open.ts";
import type { Format } from "./options.ts";
import { wrapped } from "./places.ts";
import type { Terminal } from "./terminal.ts";

/** Writes what a computation would take. */
export function writeCost(
  cost: Cost & { readonly weights: KeptWeights },
  of: { readonly command: string; readonly model: string | null },
  format: Format,
  terminal: Pick<Terminal, "out" | "show" | "columns">,
): void {
  const { flops, matmulFlops, bytesMoved, peakBytes, weights } = cost;
  if (format === "table") {
    const line = `${operations(flops)} (${percent(matmulFlops / Math.max(flops, 1))} in products), ${bytes(peakBytes)} for intermediates at most, ${bytes(weights.bytes)} for weights (${weights.kept})`;
    terminal.show(`${wrapped(line, terminal.columns)}\n`);
  } else if (format === "csv") {
    terminal.out(
      csvLine(["flops", "matmulFlops", "bytesMoved", "peakBytes", "weightBytes", "weightsKept"]),
    );
    terminal.out(csvLine([flops, matmulFlops, bytesMoved, peakBytes, weights.bytes, weights.kept]));
  } else {
    const result = { schemaVersion: 1, kind: "cost", ...of, ...cost };
    terminal.out(`${JSON.stringify(result, undefined, format === "json" ? 2 : 0)}\n`);
  }
}
