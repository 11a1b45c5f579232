import { csvLine } from "@resolvent/analysis";
import type { MachineReport } from "@resolvent/cpu";
import { Command } from "commander";
import { type Format, type FormatOptions, formatOf, options } from "../options.ts";
import { wrapped } from "../places.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

export function doctorCommand(terminal: Terminal): Command {
  return new Command("doctor")
    .summary("what the engine can use on this machine, and what would make it faster")
    .description(
      "Reports what was found on this machine (SIMD, threads, system BLAS and LAPACK), how fast it is, and what is missing.",
    )
    .addOption(options.threads())
    .addOption(options.format())
    .addOption(options.json())
    .action(async (flags: FormatOptions & { readonly threads?: number }) => {
      const format = formatOf(flags);
      const { threads } = flags;
      const { inspectMachine } = await import("@resolvent/cpu");
      terminal.progress("measuring products …");
      const report = await inspectMachine(threads === undefined ? {} : { threads });
      terminal.progress("");
      write(report, format, terminal);
    });
}

function write(report: MachineReport, format: Format, terminal: Terminal): void {
  const result = { kind: "machine", ...report };
  if (format === "json") terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
  else if (format === "ndjson") terminal.out(`${JSON.stringify(result)}\n`);
  else if (format === "csv") {
    terminal.out(csvLine(["fact", "value"]));
    for (const [fact, value] of facts(report)) terminal.out(csvLine([fact, value]));
  } else {
    const { style } = terminal;
    const rows = facts(report).map(([fact, value]) => [style.faint(fact), value]);
    terminal.show(table([{ head: "" }, { head: "" }], rows).replace(/^\n/, ""));
    for (const note of [...report.blas.notes, ...advice(report)])
      terminal.show(`\n${wrapped(note, terminal.columns)}\n`);
  }
}

function facts(report: MachineReport): [string, string][] {
  const { webassembly, blas, lapack, gflops, threads } = report;
  const yes = (has: boolean): string => (has ? "yes" : "no");
  const speed = (of: { oneThread: number; allThreads: number }): string =>
    `${of.oneThread.toFixed(0)} GFLOP/s on 1 thread, ${of.allThreads.toFixed(0)} on ${threads}`;
  return [
    ["processor", `${report.processor ?? "unknown"} (${report.architecture ?? "unknown"})`],
    ["cores", String(report.cores)],
    ["WebAssembly SIMD", yes(webassembly.simd)],
    ["relaxed SIMD", yes(webassembly.relaxedSimd)],
    ["shared memory", yes(webassembly.sharedMemory)],
    [
      "system BLAS",
      blas.library === undefined ? "none" : `${blas.library}${blas.used ? "" : ", not used"}`,
    ],
    ...(blas.config === undefined ? [] : [["BLAS build", blas.config] as [string, string]]),
    ...(blas.core === undefined ? [] : [["BLAS kernels for", blas.core] as [string, string]]),
    ["LAPACK", lapack.library ?? "none: the engine's own decompositions are used"],
    ["products, own kernels", speed(gflops.wasm)],
    ...(gflops.blas === undefined
      ? []
      : [["products, BLAS", `${speed(gflops.blas)}: ${report.gain} times`] as [string, string]]),
  ];
}

/** What would help. */
function advice({ blas, webassembly }: MachineReport): string[] {
  const list: string[] = [];
  if (blas.library === undefined) {
    list.push(
      "A system BLAS makes large products several times as fast. Debian, Ubuntu: apt install libopenblas0. Fedora: dnf install openblas. macOS has one. RESOLVENT_BLAS=path names another, RESOLVENT_BLAS=off turns it off.",
    );
  }
  if (!webassembly.relaxedSimd) {
    list.push(
      "Relaxed SIMD is there from Node 22: products on the engine's own kernels are faster with it.",
    );
  }
  return list;
}
