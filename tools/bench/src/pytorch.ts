/**
 * Resolvent beside PyTorch, in one run with equal threads: `node dist/pytorch.js [--only WORD] [--few] [--quick]
 * [--keep FILE] [--patience MS] [--budget MS] [--dry]`.
 *
 * - `--only`: tasks whose name contains the word
 * - `--few`: without PyTorch told a processor, and without Node 24
 * - `--quick`: few, with fewer tasks and rounds, in under three minutes
 * - `--keep`: rows are written into the file as they come, and those that it has are not measured again: so that a run
 *   can be made in pieces
 * - `--patience`, `--budget`: milliseconds to wait for idle processors before a measurement, and of a task's rounds
 *
 * Writes its tables into RESULTS.md and README.md once every task has a row, unless `--dry` or `--quick`.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { talesRecipe } from "@resolvent/train";
import { machineOf } from "./machine.ts";
import { randomNumbers } from "./random.ts";
import { type Contest, contest } from "./torch/contest.ts";
import type { Contestant } from "./torch/contestant.ts";
import { pytorches, resolvent } from "./torch/field.ts";
import { gpt2Small, tales, writeFreshTales, writeRandomModel } from "./torch/models.ts";
import { report } from "./torch/report.ts";
import type { Row } from "./torch/table.ts";
import { withSection } from "./torch/table.ts";
import type { Task } from "./torch/task.ts";

/** What `--few` has of PyTorch: as it comes, and what was fastest so far. */
const FEW = ["PyTorch", "PyTorch, passive", "PyTorch, OpenMP"];

/** Steps of training in one turn. */
const STEPS = 5;

/** Milliseconds that each does a task before it is measured: code is compiled, memory touched. */
const WARM_UP = 3000;

/** What `--quick` measures. */
const QUICK: readonly Task["kind"][] = ["forward", "sweep", "training"];

const HEADING = "## Beside PyTorch";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    keep: { type: "string" },
    patience: { type: "string" },
    budget: { type: "string" },
    few: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    dry: { type: "boolean", default: false },
  },
});
const few = values.few || values.quick;
const threads = availableParallelism();
const options = {
  warmUp: WARM_UP,
  patience: Number(values.patience ?? (values.quick ? 300 : 10_000)),
  budget: Number(values.budget ?? (values.quick ? 3000 : 20_000)),
};
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  const machine = await machineOf(threads);
  const notes: string[] = [];
  const contestants = theContestants(notes);
  const kept = values.keep !== undefined && existsSync(values.keep);
  // This program wrote it.
  const rows: Row[] = kept ? JSON.parse(await readFile(values.keep ?? "", "utf8")) : [];
  const all = (await tasks()).filter(({ task }) => !values.quick || QUICK.includes(task.kind));
  for (const { name, pieces = 1, task } of all) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    if (rows.some((row) => row.task === name)) continue;
    const result: Contest = await contest(contestants, task, options);
    rows.push({ task: name, pieces, ...result });
    if (values.keep !== undefined) await writeFile(values.keep, JSON.stringify(rows));
    process.stderr.write(`${report([...rows.slice(-1)], notes, machine).results}\n\n`);
  }
  const order = all.map(({ name }) => name);
  rows.sort((a, b) => order.indexOf(a.task) - order.indexOf(b.task));
  const { results, ratios } = report(rows, notes, machine);
  process.stdout.write(`${results}\n`);
  if (!values.dry && !values.quick && rows.length === all.length) {
    await put("RESULTS.md", results);
    await put("README.md", ratios);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function put(file: string, section: string): Promise<void> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
}

/** PyTorch first: results are compared with its. */
function theContestants(notes: string[]): Contestant[] {
  const all = [
    ...pytorches(threads).filter(
      // As it comes it is several times as slow, and takes most of a short run.
      ({ name }) => !few || (FEW.includes(name) && !(values.quick && name === "PyTorch")),
    ),
    resolvent(", BLAS", process.execPath, "blas"),
    resolvent("", process.execPath, "kernels"),
  ];
  const told24 = few
    ? ""
    : "; the same on Node 24; with the wider kernels on Node 24 (`@resolvent/cpu/wide`)";
  const toldBlas = few
    ? ""
    : "; OpenBLAS told its processor, which it recognises by itself here; the same with kernels for AVX2 only, which OpenBLAS takes for processors that it does not know";
  notes.push(
    `Columns of PyTorch: as it comes${toldBlas}; threads of OpenMP that sleep while they wait (OMP_WAIT_POLICY=PASSIVE), because those of PyTorch and of OpenBLAS take each other's cores otherwise; OpenBLAS built on OpenMP (libopenblas0-openmp), so that there is one pool of threads. All but the first keep memory that is freed (MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_ of 1 TiB): where a page is dear, what is made anew for large tensors takes longer than their numbers.`,
    `Columns of Resolvent: the system's BLAS for large products; its own kernels${told24}. One that could not do a task has the reason in its place: SIGILL is an instruction that the processor lacks.`,
  );
  notes.push(`Each did its task for ${WARM_UP / 1000} s before any was measured.`);
  const told = process.env.OPENBLAS_CORETYPE;
  if (told !== undefined) {
    notes.push(
      `OPENBLAS_CORETYPE=${told}, which was set where this was started, is taken away from all.`,
    );
  }
  if (few) return all;
  try {
    const node24 = execFileSync("npx", ["-y", "node@24", "-p", "process.execPath"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 300_000,
    }).trim();
    all.push(
      resolvent(", Node 24", node24, "kernels"),
      resolvent(", Node 24 wide", node24, "wide"),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    notes.push(`Node 24 was left out: it could not be had (${reason}).`);
  }
  return all;
}

async function tasks(): Promise<{ name: string; pieces?: number; task: Task }[]> {
  const random = randomNumbers();
  const ids = (count: number, vocab: number): number[] =>
    Array.from({ length: count }, () => Math.floor((random() + 0.5) * vocab));
  const gpt2 = join(folder, "gpt2");
  await writeRandomModel(gpt2);
  const small = join(folder, "tales");
  const [phase] = talesRecipe.phases.slice(-1);
  if (phase === undefined) throw new Error("The recipe has no phase.");
  await writeFreshTales(small, talesRecipe.seed);
  const ofGpt2 = (values.quick ? [128] : [128, 512]).flatMap((pos) => {
    const given = {
      folder: gpt2,
      heads: gpt2Small.n_head,
      threads,
      ids: ids(pos, gpt2Small.vocab_size),
    };
    return [
      { name: `forward, ${pos}`, task: { kind: "forward" as const, ...given } },
      { name: `forward with full trace, ${pos}`, task: { kind: "trace" as const, ...given } },
      { name: `sweep, all 24 degrees, ${pos}`, task: { kind: "sweep" as const, ...given } },
      {
        name: `truncated tree to degree 6, ${pos}`,
        task: { kind: "tree" as const, degree: 6, ...given },
      },
    ];
  });
  const batch = Array.from({ length: phase.batch }, () => ids(phase.context + 1, tales.vocab_size));
  return [
    ...ofGpt2,
    {
      name: `training step of \`tales\`, ${phase.batch} × ${phase.context}`,
      pieces: STEPS,
      task: {
        ...{ kind: "training" as const, folder: small, heads: tales.n_head, threads, ids: batch },
        recipe: { ...talesRecipe, steps: STEPS },
      },
    },
  ];
}
