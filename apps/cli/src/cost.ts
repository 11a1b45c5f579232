import { percent, short } from "@resolvent/analysis";
import type { Cost } from "@resolvent/tensor";
import type { Format } from "./options.ts";
import { bytes, csvLine } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Writes what a computation would take. */
export function writeCost(
  cost: Cost,
  of: { readonly command: string; readonly model: string },
  format: Format,
  terminal: Pick<Terminal, "out" | "show">,
): void {
  const { flops, matmulFlops, bytesMoved, peakBytes } = cost;
  if (format === "table") {
    terminal.show(
      `${short(flops / 1e9)} GFLOP (${percent(matmulFlops / flops)} in products), ${bytes(peakBytes)} for intermediates at most\n`,
    );
  } else if (format === "csv") {
    terminal.out(csvLine(["flops", "matmulFlops", "bytesMoved", "peakBytes"]));
    terminal.out(csvLine([flops, matmulFlops, bytesMoved, peakBytes]));
  } else {
    const result = { schemaVersion: 1, kind: "cost", ...of, ...cost };
    terminal.out(`${JSON.stringify(result, undefined, format === "json" ? 2 : 0)}\n`);
  }
}
