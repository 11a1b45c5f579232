/**
 * Merges beside copying the same bytes, and beside PyTorch, in one run:
 * `node dist/merge.js [--only METHOD,…] [--layers N] [--vocab N] [--precision float32] [--folder PATH] [--patience MS]
 * [--budget MS] [--dry] [--large]`.
 * Writes its section into RESULTS.md, unless `--dry` or `--only`. `--large` merges three checkpoints of 8.4 GB
 * together, or two of them where a method takes two, and says how much memory that took; it needs 12 GB of disk.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Size, writeCheckpoint } from "./merge/checkpoints.ts";
import { mergeReport } from "./merge/report.ts";
import { KINDS, type MergeTask, PARAMETERS } from "./merge/task.ts";
import { contest } from "./torch/contest.ts";
import { inProcess, type Program } from "./torch/contestant.ts";
import { MEMORY_KEPT } from "./torch/field.ts";
import { type Row, withSection } from "./torch/table.ts";

/** The interpreter that Debian's python3-torch belongs to. */
const PYTHON = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";

const HEADING = "## Merges beside copying and PyTorch";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    layers: { type: "string", default: "3" },
    vocab: { type: "string", default: "32000" },
    precision: { type: "string", default: "float32,float64" },
    folder: { type: "string" },
    patience: { type: "string", default: "1000" },
    budget: { type: "string", default: "10000" },
    dry: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
  },
});
const threads = availableParallelism();
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), "resolvent-bench-")));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
try {
  if (values.large) await large();
  else await contests();
} finally {
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}

async function contests(): Promise<void> {
  const size: Size = {
    layers: Number(values.layers),
    width: 2048,
    neurons: 8192,
    vocab: Number(values.vocab),
  };
  const rows: Row[] = [];
  const wanted = values.only?.split(",");
  for (const dtype of ["BF16", "F32"] as const) {
    for (const [method, kind] of Object.entries(KINDS)) {
      if (wanted !== undefined && !wanted.includes(method)) continue;
      if (dtype === "F32" && !["linear", "task_arithmetic"].includes(method)) continue;
      const models = ["a", "b", "c"].slice(0, kind.models).map((name) => `${name}-${dtype}`);
      for (const [i, model] of models.entries())
        await writeCheckpoint(join(folder, model), size, dtype, i);
      const { base } = kind;
      const task = { ...{ method, folder, models, threads, base }, parameters: PARAMETERS };
      const options = { patience: Number(values.patience), budget: Number(values.budget) };
      const result = await contest(contestants(task).map(inProcess), {}, options);
      rows.push({ task: `${method}, ${kind.models} × ${dtype}`, pieces: 1, ...result });
      process.stderr.write(`${mergeReport(rows.slice(-1), threads, size)}\n\n`);
    }
  }
  const section = mergeReport(rows, threads, size);
  process.stdout.write(`${section}\n`);
  if (!values.dry && wanted === undefined) {
    const path = here("../RESULTS.md");
    await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
  }
}

/** PyTorch in float32 first: results are compared with its. */
function contestants(task: Omit<MergeTask, "precision"> & { readonly base: boolean }): Program[] {
  const given = (own: Partial<MergeTask>): string => JSON.stringify({ ...task, ...own });
  const env = { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: `${threads}`, ...MEMORY_KEPT };
  const node = here("merge/contender.js");
  return [
    ...(["float32", "float64"] as const).filter(isWanted).map((precision) => ({
      name: `PyTorch, ${precision}`,
      command: [PYTHON, here("../src/merge/contender.py"), given({ precision })],
      env,
    })),
    { name: "Resolvent", command: [process.execPath, node, given({})], env: {} },
    { name: "copying", command: [process.execPath, node, given({ method: "copy" })], env: {} },
  ];
}

function isWanted(precision: string): boolean {
  return values.precision.split(",").includes(precision);
}

/** Checkpoints of 8.4 GB with the widths of an 8B model, merged by a process of its own for each method. */
async function large(): Promise<void> {
  const size: Size = { layers: 4, width: 4096, neurons: 14_336, vocab: 128_256 };
  const models = ["a", "b", "c"].map((name) => `${name}-large`);
  for (const [i, model] of models.entries())
    await writeCheckpoint(join(folder, model), size, "BF16", i);
  const methods = values.only?.split(",") ?? Object.keys(KINDS);
  for (const method of methods) {
    const two = KINDS[method]?.models === 2 && method !== "linear";
    const used = two ? models.slice(0, 2) : models;
    const task: MergeTask = { method, folder, models: used, threads, precision: "float32" };
    const { stdout } = spawnSync(
      process.execPath,
      [here("merge/contender.js"), JSON.stringify(task)],
      {
        input: '{"time":true}\n{"peak":true}\n',
        encoding: "utf8",
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const [, time, peak] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    console.log(
      `${method}: ${(time.ms / 1000).toFixed(1)} s, at most ${Math.round(peak.bytes / 2 ** 20)} MiB resident`,
    );
  }
}
