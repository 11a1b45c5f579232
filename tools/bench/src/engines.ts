/**
 * The engines beside each other and beside other libraries, in Chromium and in Node:
 * `node dist/engines.js [--contestants] [--group NAME] [--only WORD] [--budget MS] [--keep FILE] [--dry]`. `--contestants`
 * installs the others first, into a folder of their own. With `--keep` each task that is done is written to a file, and
 * one that is there already is not done again: a run that was ended goes on. Writes its section into RESULTS.md, unless
 * `--dry` or one of the filters.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { browserWith, type Served } from "./engines/browser.ts";
import { areThere, install, MODULES } from "./engines/contestants.ts";
import type { ContenderName } from "./engines/field.ts";
import { type Group, groups } from "./engines/groups.ts";
import { onnxModel } from "./engines/onnx-model.ts";
import { enginesReport, type Measured } from "./engines/report.ts";
import type { EngineTask } from "./engines/task.ts";
import { contest } from "./torch/contest.ts";
import { type Contestant, inProcess } from "./torch/contestant.ts";
import { type Row, withSection } from "./torch/table.ts";

const HEADING = "## Engines beside each other and other libraries";

/** Milliseconds of a first turn after which a contestant is timed once. */
const SLOW = 8000;

const { values } = parseArgs({
  options: {
    contestants: { type: "boolean", default: false },
    group: { type: "string" },
    only: { type: "string" },
    patience: { type: "string", default: "2000" },
    budget: { type: "string", default: "3000" },
    keep: { type: "string" },
    dry: { type: "boolean", default: false },
  },
});
if (values.contestants) install();
else if (!areThere()) {
  process.stderr.write(
    "The other libraries are not there: only ours is measured. --contestants installs them.\n",
  );
}
const threads = availableParallelism();
const kept = keptRows(values.keep);
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  const all: Measured[] = [];
  for (const [name, group] of Object.entries(groups)) {
    if (values.group !== undefined && values.group !== name) continue;
    all.push(await measure(group));
  }
  const section = enginesReport(all, threads);
  process.stdout.write(`${section}\n`);
  if (!values.dry && values.only === undefined && values.group === undefined) {
    const path = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
    await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(group: Group): Promise<Measured> {
  let browser: Served | undefined;
  const opened = async (): Promise<Served> => {
    browser ??= await browserWith({ contestants: MODULES, models: folder });
    return browser;
  };
  try {
    const rows: Row[] = [];
    for (const [name, task] of Object.entries(group.tasks)) {
      if (values.only !== undefined && !name.includes(values.only)) continue;
      const key = `${group.title}: ${name}`;
      const row = kept[key] ?? (await measured(group, name, task, opened));
      rows.push(row);
      kept[key] = row;
      if (values.keep !== undefined) writeFileSync(values.keep, JSON.stringify(kept));
    }
    const version =
      group.where === "Node"
        ? `Node ${process.versions.node}`
        : `Chromium ${(await opened()).version}`;
    return { group, rows, version };
  } finally {
    await browser?.close();
  }
}

async function measured(
  group: Group,
  name: string,
  task: EngineTask,
  browser: () => Promise<Served>,
): Promise<Row> {
  const model = writeModel(task);
  const served = group.where === "Chromium" ? await browser() : undefined;
  const entrants = Object.entries(group.contestants).map(([title, who]) =>
    contestant(title, who, model, served),
  );
  const result = await contest(entrants, task, {
    ...{ patience: Number(values.patience), budget: Number(values.budget), slow: SLOW },
  });
  if (model !== undefined) await rm(join(folder, model), { recursive: true });
  process.stderr.write(`${name}: ${lines(result.scores)}\n`);
  return { task: name, pieces: 1, ...result };
}

/** What earlier runs have measured, by group and task. */
function keptRows(file: string | undefined): Record<string, Row> {
  if (file === undefined || !existsSync(file)) return {};
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, Row>; // it was written here
}

/** The folder of the task's ONNX model, as transformers.js expects one; undefined where there is none. */
function writeModel(task: EngineTask): string | undefined {
  const bytes = areThere() ? onnxModel(task, MODULES) : undefined;
  if (bytes === undefined) return undefined;
  mkdirSync(join(folder, "model", "onnx"), { recursive: true });
  writeFileSync(join(folder, "model", "onnx", "model.onnx"), bytes);
  const config = "config" in task ? { ...task.config, architectures: ["GPT2LMHeadModel"] } : {};
  writeFileSync(join(folder, "model", "config.json"), JSON.stringify(config));
  return "model";
}

function contestant(
  title: string,
  name: ContenderName,
  model: string | undefined,
  browser: Served | undefined,
): Contestant {
  if (browser !== undefined) {
    const place = model === undefined ? undefined : `/models/${model}/`;
    return browser.inPage(title, name, { threads, contestants: "/contestants/", model: place });
  }
  const place = model === undefined ? undefined : `${join(folder, model)}/`;
  const how = { threads, contestants: MODULES, model: place };
  const program = fileURLToPath(new URL("engines/process.js", import.meta.url));
  return {
    name: title,
    start: (task) =>
      inProcess({
        name: title,
        command: [process.execPath, program, JSON.stringify({ name, task, how })],
        env: {},
      }).start({}),
  };
}

function lines(scores: Row["scores"]): string {
  return scores
    .map(({ contestant: who, milliseconds }) => `${who} ${Math.min(...milliseconds).toFixed(2)}`)
    .join(", ");
}
