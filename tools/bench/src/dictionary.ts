/**
 * Encoding and training of dictionaries beside PyTorch, in one run with equal threads:
 * `node dist/dictionary.js [--only WORD] [--patience MS] [--budget MS] [--dry]`.
 * Writes its section into RESULTS.md, unless `--dry` or `--only` (tasks that contain the word).
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dictionaryReport } from "./dictionary/report.ts";
import type { DictionaryTask, Sizes } from "./dictionary/task.ts";
import { randomNumbers } from "./random.ts";
import { contest } from "./torch/contest.ts";
import { inProcess, type Program } from "./torch/contestant.ts";
import { MEMORY_KEPT } from "./torch/field.ts";
import { type Row, withSection } from "./torch/table.ts";

/** The interpreter that Debian's python3-torch belongs to. */
const PYTHON = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";

/** Where Debian's libopenblas0-openmp is, which stands beside the other builds. */
const OPENMP_BLAS =
  process.env.RESOLVENT_OPENMP_BLAS ?? "/usr/lib/x86_64-linux-gnu/openblas-openmp";

const HEADING = "## Dictionaries beside PyTorch";

const SIZES: Sizes = { rows: 4096, d: 768, features: 24_576, k: 32 };

/** Gao et al. 2024: α is 1/32, and as many dead features as half the width is wide. */
const AUXILIARY = { weight: 1 / 32, k: SIZES.d / 2 };

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    patience: { type: "string", default: "1000" },
    budget: { type: "string", default: "10000" },
    dry: { type: "boolean", default: false },
  },
});
const threads = availableParallelism();
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  await writeNumbers();
  const rows: Row[] = [];
  for (const { name, forms, task } of tasks()) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    const options = { patience: Number(values.patience), budget: Number(values.budget) };
    const result = await contest(contestants(forms).map(inProcess), task, options);
    rows.push({ task: name, pieces: 1, ...result });
    process.stderr.write(`${dictionaryReport(rows.slice(-1), threads)}\n\n`);
  }
  const section = dictionaryReport(rows, threads);
  process.stdout.write(`${section}\n`);
  if (!values.dry && values.only === undefined) {
    const path = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
    await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** PyTorch first: results are compared with its. */
function contestants(forms: readonly string[]): Program[] {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  // Both choose their kernels themselves, and have the same threads.
  const env = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };
  // One pool of threads instead of two that take each other's cores, where that BLAS is installed.
  const openMp = existsSync(OPENMP_BLAS)
    ? { LD_LIBRARY_PATH: OPENMP_BLAS }
    : { OMP_WAIT_POLICY: "PASSIVE" };
  return [
    ...forms.map((form) => ({
      name: form === "" ? "PyTorch" : `PyTorch, ${form}`,
      command: [PYTHON, here("../src/dictionary/contender.py")],
      env: {
        ...env,
        ...openMp,
        ...MEMORY_KEPT,
        PYTHONDONTWRITEBYTECODE: "1",
        OMP_NUM_THREADS: `${threads}`,
        OPENBLAS_NUM_THREADS: `${threads}`,
        RESOLVENT_FORM: form,
      },
    })),
    {
      name: "Resolvent, BLAS",
      command: [process.execPath, here("dictionary/contender.js")],
      env: { ...env, RESOLVENT_BLAS: "auto" },
    },
  ];
}

function tasks(): { name: string; forms: readonly string[]; task: DictionaryTask }[] {
  const given = { ...SIZES, folder, threads, rate: 3e-4, dead: 0 };
  const { k } = SIZES;
  const topk = { kind: "topk" as const, k };
  const step = { ...given, kind: "train" as const };
  return [
    { name: "encode, 4,096 rows", forms: [""], task: { ...given, kind: "encode" } },
    // Dense takes five products of this size, and several minutes.
    {
      name: "step of TopK, 4,096 rows",
      forms: ["bag", "gathered"],
      task: { ...step, loss: topk },
    },
    {
      name: "step of TopK with AuxK, 1,024 rows",
      forms: ["dense", "bag", "gathered"],
      task: {
        ...{ ...step, rows: 1024, dead: SIZES.features / 16 },
        loss: { ...topk, auxiliary: AUXILIARY },
      },
    },
    {
      name: "step of L1, 1,024 rows",
      forms: [""],
      task: { ...step, rows: 1024, loss: { kind: "l1", coefficient: 0.1, decoderNorms: false } },
    },
  ];
}

async function writeNumbers(): Promise<void> {
  const random = randomNumbers();
  const { rows, d, features } = SIZES;
  const write = (name: string, numbers: Float32Array): Promise<void> =>
    writeFile(join(folder, name), new Uint8Array(numbers.buffer));
  // Half the numbers of a uniform one have a variance of 1/12.
  const drawn = (count: number, size: number): Float32Array =>
    Float32Array.from({ length: count }, () => size * random());
  const W_dec = drawn(features * d, 1);
  for (let f = 0; f < features; f++) {
    const row = W_dec.subarray(f * d, (f + 1) * d);
    const length = Math.hypot(...row);
    row.forEach((value, i) => {
      row[i] = value / length;
    });
  }
  await write("x", drawn(rows * d, Math.sqrt(12)));
  await write("W_dec", W_dec);
  await write("W_enc", W_dec); // as trainings begin
  await write("b_enc", drawn(features, 0.1));
  await write("b_dec", drawn(d, 0.1));
}
