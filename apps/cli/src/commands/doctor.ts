import { bytes, csvLine } from "@resolvent/analysis";
import type { MachineReport } from "@resolvent/cpu";
import { Command, InvalidArgumentError, Option } from "commander";
import type { EngineChoice, EngineName, EngineReport } from "resolvent";
import { type Format, type FormatOptions, formatOf, options } from "../options.ts";
import { wrapped } from "../places.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

interface DoctorFlags extends FormatOptions {
  readonly engine?: EngineName;
  readonly threads?: number;
  readonly parameters?: number;
}

/** What a machine has, and what computes on it. */
interface Report extends MachineReport {
  readonly kind: "machine";
  readonly choice: EngineChoice;
}

export function doctorCommand(terminal: Terminal): Command {
  return new Command("doctor")
    .summary(
      "what the engines can use on this machine, which is chosen, and what would make it faster",
    )
    .description(
      "Reports what was found on this machine (SIMD, threads, memory, system BLAS and LAPACK, engines), how fast it is, which engine is chosen for a model and why, and what is missing.",
    )
    .addOption(options.engine())
    .addOption(
      new Option(
        "--parameters <n>",
        "choose for a model of so many weights, such as 124M or 7B; default: those of GPT-2 small",
      ).argParser(parseCount),
    )
    .addOption(options.threads())
    .addOption(options.format())
    .addOption(options.json())
    .action(async (flags: DoctorFlags) => {
      const format = formatOf(flags);
      const { engine, threads, parameters } = flags;
      const [{ inspectMachine }, { chooseEngine }] = await Promise.all([
        import("@resolvent/cpu"),
        import("resolvent"),
      ]);
      terminal.progress("measuring products …");
      const machine = await inspectMachine(threads === undefined ? {} : { threads });
      terminal.progress("looking for engines …");
      const choice = await chooseEngine(
        {
          ...(engine !== undefined && { engine }),
          ...(engine === "reference" && { precision: "f64" }),
          ...(parameters !== undefined && { parameters }),
        },
        { all: true },
      );
      terminal.progress("");
      write({ kind: "machine", ...machine, choice }, format, terminal);
    });
}

function write(report: Report, format: Format, terminal: Terminal): void {
  if (format === "json") terminal.out(`${JSON.stringify(report, undefined, 2)}\n`);
  else if (format === "ndjson") terminal.out(`${JSON.stringify(report)}\n`);
  else if (format === "csv") {
    terminal.out(csvLine(["fact", "value"]));
    for (const [fact, value] of facts(report)) terminal.out(csvLine([fact, value]));
  } else {
    const { style } = terminal;
    const rows = facts(report).map(([fact, value]) => [style.faint(fact), value]);
    terminal.show(table([{ head: "" }, { head: "" }], rows).replace(/^\n/, ""));
    const { choice } = report;
    for (const note of [choice.why, ...report.blas.notes, ...advice(report)])
      terminal.show(`\n${wrapped(note, terminal.columns)}\n`);
  }
}

function facts(report: Report): [string, string][] {
  const { webassembly, blas, lapack, gflops, threads, memory, vectorBits, choice } = report;
  const yes = (has: boolean): string => (has ? "yes" : "no");
  const speed = (of: { oneThread: number; allThreads: number }): string =>
    `${of.oneThread.toFixed(0)} GFLOP/s on 1 thread, ${of.allThreads.toFixed(0)} on ${threads}`;
  const known = (name: string, value: string | undefined): [string, string][] =>
    value === undefined ? [] : [[name, value]];
  return [
    ...known("Node", report.node),
    ["processor", `${report.processor ?? "unknown"} (${report.architecture ?? "unknown"})`],
    ...known(
      "vectors",
      vectorBits === undefined ? undefined : `${vectorBits} bits, in WebAssembly 128`,
    ),
    ["cores", String(report.cores)],
    ["threads", String(threads)],
    ...known("memory", memory && `${bytes(memory.total)}, ${bytes(memory.free)} free`),
    ["WebAssembly SIMD", yes(webassembly.simd)],
    ["relaxed SIMD", yes(webassembly.relaxedSimd)],
    ["shared memory", yes(webassembly.sharedMemory)],
    [
      "system BLAS",
      blas.library === undefined ? "none" : `${blas.library}${blas.used ? "" : ", not used"}`,
    ],
    ...known("BLAS build", blas.config),
    ...known("BLAS kernels for", blas.core),
    ["LAPACK", lapack.library ?? "none: the engine's own decompositions are used"],
    ["products, own kernels", speed(gflops.wasm)],
    ...known("products, BLAS", gflops.blas && `${speed(gflops.blas)}: ${report.gain} times`),
    ...choice.engines.map((engine): [string, string] => [
      `engine ${engine.name}`,
      engineFact(engine),
    ]),
    ["chosen", choice.engine],
  ];
}

function engineFact({ usable, what, probe }: EngineReport): string {
  const speed = probe === undefined ? "" : `; ${probe.gflops.toFixed(0)} GFLOP/s`;
  return `${usable ? "" : "not used: "}${what}${speed}`;
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

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, B: 1e9 };

/** Parses `124M`, `7B`, or a plain number. */
function parseCount(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmb])?$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (digits === "" || factor === undefined)
    throw new InvalidArgumentError("Expected a number of weights such as 124M or 7B.");
  return Number(digits) * factor;
}
