import { percent } from "@resolvent/analysis";
import { degreeTerms } from "@resolvent/expansion";
import { profile, type Shaped, type Timing } from "@resolvent/tensor";
import {
  labelling,
  type Model,
  plainSites,
  residualStream,
  runCost,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import { Command, Option } from "commander";
import { mustStream, openModel } from "../open.ts";
import {
  type Format,
  formatOf,
  options,
  type SharedOptions,
  wholeNumber,
  withEngineOptions,
  withModelOptions,
} from "../options.ts";
import { prepare } from "../prepare.ts";
import { csvLine, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

/** What can be measured. */
const WORK = ["forward", "sweep", "tree"] as const;

interface ProfileFlags extends SharedOptions {
  readonly work: (typeof WORK)[number];
  readonly runs: number;
}

/** Where the time of a computation goes. */
interface Profile {
  readonly schemaVersion: 1;
  readonly kind: "profile";
  readonly model: { readonly name: string; readonly architecture: string };
  readonly work: string;
  readonly tokens: number;
  readonly engine: { readonly name: string; readonly precision: string; readonly threads: number };
  /** Of one run, the mean of `runs` after one that warms up. */
  readonly milliseconds: number;
  readonly runs: number;
  readonly operations: readonly Share[];
  /** By site, without the blocks' names; only for `forward`. */
  readonly sites: readonly Share[];
}

interface Share {
  readonly name: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly share: number;
}

export function profileCommand(terminal: Terminal): Command {
  const command = new Command("profile")
    .summary("where time goes, by operation and by site")
    .description("Runs MODEL on a text and says where the time goes, by operation and by site.")
    .addOption(options.prompt())
    .addOption(options.tokens())
    .addOption(
      new Option("--work <what>", "a forward pass, or the terms of an expansion")
        .choices(WORK)
        .default("forward"),
    )
    .addOption(
      new Option("--runs <n>", "how often it is measured").argParser(wholeNumber(1)).default(5),
    )
    .addOption(options.format())
    .addOption(options.json())
    .action(async (name: string, flags: ProfileFlags) => await measure(name, flags, terminal));
  return withEngineOptions(withModelOptions(command));
}

async function measure(name: string, flags: ProfileFlags, terminal: Terminal): Promise<void> {
  const format = formatOf(flags);
  const { folder, outline, ids } = await prepare(name, flags, terminal);
  const { peakBytes } = runCost(outline, ids, plainSites(), flags.precision);
  const stream = mustStream(outline, flags, peakBytes, "Shorten the input, or raise --max-memory.");
  const { engine, model } = await openModel(folder, outline.name, { ...flags, stream }, terminal);
  try {
    let timings: readonly Timing[] = [];
    let milliseconds = 0;
    for (let run = 0; run <= flags.runs; run++) {
      const ops = profile(engine, () => performance.now());
      const start = performance.now();
      ops.scope(() => work(ops, model, ids, flags.work));
      if (run === 0) continue; // warms up
      milliseconds += performance.now() - start;
      timings = [...timings, ...ops.timings()];
      terminal.progress(`run ${run} of ${flags.runs}`);
    }
    terminal.progress("");
    const total = timings.reduce((sum, timing) => sum + timing.milliseconds, 0);
    const shares = (by: (timing: Timing) => string): Share[] =>
      group(timings, by, flags.runs, total);
    write(
      {
        schemaVersion: 1,
        kind: "profile",
        model: { name: model.name, architecture: model.architecture.family },
        work: flags.work,
        tokens: ids.length,
        engine: { name: engine.name, precision: engine.precision, threads: engine.threads },
        milliseconds: milliseconds / flags.runs,
        runs: flags.runs,
        operations: shares(({ operation }) => operation),
        sites: flags.work === "forward" ? shares(({ within }) => siteOf(within)) : [],
      },
      format,
      terminal,
    );
  } finally {
    await engine.close();
  }
}

function work<T extends Shaped>(
  ops: ReturnType<typeof profile<T>>,
  model: Model<T>,
  tokens: readonly number[],
  what: ProfileFlags["work"],
): void {
  const ids = tokenIds(tokens);
  if (what !== "forward") {
    degreeTerms(ops, model, ids, {
      freeze: what === "sweep" ? ["pattern", "norm", "activation"] : [],
    });
    return;
  }
  const sites = labelling(plainSites<T>(), ops.within);
  unembed(ops, model, residualStream(ops, model, ids, sites), sites);
}

/** `L3.attn.pattern` as `attn.pattern`: all layers together. */
function siteOf(label: string): string {
  return label === "" ? "(outside of sites)" : label.replace(/^L\d+\./, "");
}

function group(
  timings: readonly Timing[],
  by: (timing: Timing) => string,
  runs: number,
  total: number,
): Share[] {
  const sums = new Map<string, { calls: number; milliseconds: number }>();
  for (const timing of timings) {
    const sum = sums.get(by(timing)) ?? { calls: 0, milliseconds: 0 };
    sum.calls += timing.calls / runs;
    sum.milliseconds += timing.milliseconds / runs;
    sums.set(by(timing), sum);
  }
  return [...sums]
    .map(([name, sum]) => ({ name, ...sum, share: (sum.milliseconds * runs) / total }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function write(result: Profile, format: Format, terminal: Terminal): void {
  const { operations, sites, ...rest } = result;
  const rows = [
    ...operations.map((share) => ({ kind: "operation", ...share })),
    ...sites.map((share) => ({ kind: "site", ...share })),
  ];
  if (format === "json") terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
  else if (format === "ndjson") {
    for (const line of [rest, ...rows]) terminal.out(`${JSON.stringify(line)}\n`);
  } else if (format === "csv") {
    terminal.out(csvLine(["kind", "name", "calls", "milliseconds", "share"]));
    for (const row of rows) {
      terminal.out(csvLine([row.kind, row.name, row.calls, row.milliseconds, row.share]));
    }
  } else {
    const cells = (list: readonly Share[]): string[][] =>
      list.map(({ name, calls, milliseconds, share }) => [
        name,
        calls.toFixed(0),
        milliseconds.toFixed(2),
        percent(share),
      ]);
    const columns = (head: string) => [
      { head },
      { head: "calls", right: true },
      { head: "ms", right: true },
      { head: "share", right: true },
    ];
    const { model, engine, milliseconds } = result;
    terminal.show(
      `${model.name}, ${result.work}, ${result.tokens} tokens: ${milliseconds.toFixed(1)} ms on ${engine.threads === 1 ? "1 thread" : `${engine.threads} threads`} in ${engine.precision}\n\n`,
    );
    terminal.show(table(columns("operation"), cells(operations)));
    if (sites.length > 0) terminal.show(`\n${table(columns("site"), cells(sites))}`);
  }
}
