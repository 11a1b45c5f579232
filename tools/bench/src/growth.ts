/**
 * How time grows with positions, layers and degrees, beside PyTorch: `node dist/growth.js [--dry]
 * [--only positions|layers|degrees]`. Writes its section into RESULTS.md (unless `--only`), and a curve of each into the
 * folder `curves`, unless `--dry`.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { curveOf } from "./growth/curve.ts";
import { exponentOf } from "./growth/exponent.ts";
import { machineOf } from "./machine.ts";
import { randomNumbers } from "./random.ts";
import { type Contest, contest } from "./torch/contest.ts";
import { pytorches, resolvent } from "./torch/field.ts";
import { gpt2Small, writeRandomModel } from "./torch/models.ts";
import { contestantsOf, type Row, table, timesOf, withSection } from "./torch/table.ts";
import type { Task } from "./torch/task.ts";

const HEADING = "## How time grows";

/** Layers and positions of what does not vary. */
const LAYERS = 12;
const POSITIONS = 128;

/** What varies, and what it takes to do with so many. */
interface Growth {
  readonly name: string;
  readonly what: string;
  readonly sizes: readonly number[];
  task(size: number): Pick<Task, "kind" | "degree"> & { positions?: number; layers?: number };
}

const GROWTHS: readonly Growth[] = [
  {
    name: "positions",
    what: `forward pass, ${LAYERS} layers`,
    sizes: [128, 256, 512, 1024],
    task: (positions) => ({ kind: "forward", positions }),
  },
  {
    name: "layers",
    what: `forward pass, ${POSITIONS} positions`,
    sizes: [3, 6, 12, 24],
    task: (layers) => ({ kind: "forward", layers }),
  },
  {
    name: "degrees",
    what: `truncated tree up to that degree, nothing frozen, ${LAYERS} layers, ${POSITIONS} positions`,
    sizes: [1, 2, 4, 8],
    task: (degree) => ({ kind: "tree", degree }),
  },
];

const { values } = parseArgs({
  options: { dry: { type: "boolean", default: false }, only: { type: "string" } },
});
const threads = availableParallelism();
const machine = await machineOf(threads);
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  const field = [
    ...pytorches(threads).filter(({ name }) => name === "PyTorch, passive"),
    resolvent(", BLAS", process.execPath, "blas"),
    resolvent("", process.execPath, "kernels"),
  ];
  const random = randomNumbers();
  const modelOf = new Map<number, string>();
  const parts: string[] = [];
  for (const growth of GROWTHS) {
    if (values.only !== undefined && growth.name !== values.only) continue;
    const rows: Row[] = [];
    for (const size of growth.sizes) {
      const { positions = POSITIONS, layers = LAYERS, ...task } = growth.task(size);
      const model = modelOf.get(layers) ?? join(folder, `${layers}`);
      if (!modelOf.has(layers)) await writeRandomModel(model, layers);
      modelOf.set(layers, model);
      const ids = Array.from({ length: positions }, () =>
        Math.floor((random() + 0.5) * gpt2Small.vocab_size),
      );
      const given: Task = { ...task, folder: model, heads: gpt2Small.n_head, threads, ids };
      const result: Contest = await contest(field, given, { patience: 1000, budget: 5000 });
      rows.push({ task: `${size}`, pieces: 1, ...result });
    }
    parts.push(await section(growth, rows));
    process.stderr.write(`${parts.at(-1)}\n\n`);
  }
  const text = [
    `\`pnpm --filter @resolvent/bench growth\`: ${machine}, float32, GPT-2 small's shape with random weights, load ${loadavg()[0]?.toFixed(1)} at the end. Milliseconds, median (best); the last line is the exponent of the power that fits the best times (least squares of their logarithms).`,
    ...parts,
  ].join("\n\n");
  process.stdout.write(`${text}\n`);
  if (!values.dry && values.only === undefined)
    await put("RESULTS.md", (before) => withSection(before, HEADING, text));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The table of one growth with its exponents; its curve goes into a file. */
async function section(growth: Growth, rows: readonly Row[]): Promise<string> {
  const best = (name: string): number[] =>
    rows.map(({ scores }) => {
      const score = scores.find(({ contestant }) => contestant === name);
      return score === undefined ? Number.NaN : timesOf(score, 1).best;
    });
  const series = contestantsOf(rows).map((name) => ({ name, milliseconds: best(name) }));
  const shown = table(rows, (score) => {
    const { median, best: least } = timesOf(score, 1);
    return `${median.toFixed(1)} (${least.toFixed(1)})`;
  });
  const fitted = series.map((one) => exponentOf(growth.sizes, one.milliseconds).toFixed(2));
  if (!values.dry) {
    const title = `${growth.name}: ${growth.what}`;
    await put(`curves/${growth.name}.svg`, () =>
      curveOf({ title, along: growth.name, sizes: growth.sizes, series }),
    );
  }
  return [
    `By ${growth.name} (${growth.what}); [curve](curves/${growth.name}.svg):`,
    `${shown}\n| exponent | ${fitted.join(" | ")} |`,
  ].join("\n\n");
}

/** Writes a file of the bench, of what it was before. */
async function put(name: string, text: (before: string) => string): Promise<void> {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  await mkdir(fileURLToPath(new URL(".", new URL(`../${name}`, import.meta.url))), {
    recursive: true,
  });
  await writeFile(path, text(await readFile(path, "utf8").catch(() => "")));
}
