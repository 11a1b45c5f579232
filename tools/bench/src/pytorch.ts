/**
 * Resolvent beside PyTorch, in one run with equal threads: `node dist/pytorch.js [--only WORD] [--dry]`.
 * Writes its tables into RESULTS.md and README.md, unless `--dry` or `--only` (tasks that contain the word).
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { talesRecipe } from "@resolvent/train";
import { randomNumbers } from "./random.ts";
import { type Contest, contest } from "./torch/contest.ts";
import { inProcess, type Program } from "./torch/contestant.ts";
import { gpt2Small, tales, writeFreshTales, writeRandomModel } from "./torch/models.ts";
import { report } from "./torch/report.ts";
import type { Row } from "./torch/table.ts";
import { withSection } from "./torch/table.ts";
import type { Task } from "./torch/task.ts";

/** The interpreter that Debian's python3-torch belongs to. */
const PYTHON = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";

/** Where Debian's libopenblas0-openmp is, which stands beside the other builds. */
const OPENMP_BLAS =
  process.env.RESOLVENT_OPENMP_BLAS ?? "/usr/lib/x86_64-linux-gnu/openblas-openmp";

/** Steps of training in one turn. */
const STEPS = 5;

const HEADING = "## Beside PyTorch";

const { values } = parseArgs({
  options: { only: { type: "string" }, dry: { type: "boolean", default: false } },
});
const threads = availableParallelism();
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  const notes: string[] = [];
  const contestants = theContestants(notes);
  const rows: Row[] = [];
  for (const { name, pieces = 1, task } of await tasks()) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    const result: Contest = await contest(contestants.map(inProcess), task);
    rows.push({ task: name, pieces, ...result });
    process.stderr.write(`${report([...rows.slice(-1)], notes, threads).results}\n\n`);
  }
  const { results, ratios } = report(rows, notes, threads);
  process.stdout.write(`${results}\n`);
  if (!values.dry && values.only === undefined) {
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
function theContestants(notes: string[]): Program[] {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const python = [PYTHON, here("../src/torch/contender.py")];
  const unset = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };
  const plain = {
    ...unset,
    PYTHONDONTWRITEBYTECODE: "1",
    OMP_NUM_THREADS: `${threads}`,
    OPENBLAS_NUM_THREADS: `${threads}`,
  };
  const resolvent = (what: string, node: string, blas: string): Program => ({
    name: `Resolvent${what}`,
    command: [node, here("torch/contender.js")],
    env: {
      ...unset,
      RESOLVENT_BLAS: blas,
      RESOLVENT_WIDE: what.endsWith("wide") ? "1" : undefined,
    },
  });
  const told = process.env.OPENBLAS_CORETYPE;
  const pytorch = (what: string, env: Program["env"]): Program => ({
    name: `PyTorch${what}`,
    command: python,
    env: { ...plain, ...env },
  });
  const all = [
    pytorch("", {}),
    pytorch(", SkylakeX", { OPENBLAS_CORETYPE: "SkylakeX" }),
    pytorch(", Haswell", { OPENBLAS_CORETYPE: "Haswell" }),
    pytorch(", passive", { OMP_WAIT_POLICY: "PASSIVE" }),
    ...(existsSync(OPENMP_BLAS) ? [pytorch(", OpenMP", { LD_LIBRARY_PATH: OPENMP_BLAS })] : []),
    resolvent(", BLAS", process.execPath, "auto"),
    resolvent("", process.execPath, "off"),
  ];
  notes.push(
    "Columns of PyTorch: as it comes; OpenBLAS told its processor, which it recognises by itself here; the same with kernels for AVX2 only, which OpenBLAS takes for processors that it does not know; threads of OpenMP that sleep while they wait (OMP_WAIT_POLICY=PASSIVE), because those of PyTorch and of OpenBLAS take each other's cores otherwise; OpenBLAS built on OpenMP (libopenblas0-openmp), so that there is one pool of threads.",
    "Columns of Resolvent: the system's BLAS for large products; its own kernels; the same on Node 24; with the wider kernels on Node 24 (`@resolvent/cpu/wide`).",
  );
  if (told !== undefined) {
    notes.push(
      `OPENBLAS_CORETYPE=${told}, which was set where this was started, is taken away from all.`,
    );
  }
  try {
    const node24 = execFileSync("npx", ["-y", "node@24", "-p", "process.execPath"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 300_000,
    }).trim();
    all.push(resolvent(", Node 24", node24, "off"), resolvent(", Node 24 wide", node24, "off"));
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
  const ofGpt2 = [128, 512].flatMap((pos) => {
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
