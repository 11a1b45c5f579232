/**
 * The engines beside each other and beside other libraries, in Chromium and in Node:
 * `node dist/engines.js [--contestants] [--group NAME] [--only WORD] [--budget MS] [--dry]`. `--contestants` installs the
 * others first, into a folder of their own. Writes its section into RESULTS.md, unless `--dry` or one of the filters.
 */
import { mkdirSync, writeFileSync } from "node:fs";
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
const folder = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
try {
  const measured: Measured[] = [];
  for (const [name, group] of Object.entries(groups)) {
    if (values.group !== undefined && values.group !== name) continue;
    measured.push(await measure(group));
  }
  const section = enginesReport(measured, threads);
  process.stdout.write(`${section}\n`);
  if (!values.dry && values.only === undefined && values.group === undefined) {
    const path = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
    await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(group: Group): Promise<Measured> {
  const browser =
    group.where === "Chromium"
      ? await browserWith({ contestants: MODULES, models: folder })
      : undefined;
  try {
    const rows: Row[] = [];
    for (const [name, task] of Object.entries(group.tasks)) {
      if (values.only !== undefined && !name.includes(values.only)) continue;
      const model = writeModel(task);
      const entrants = Object.entries(group.contestants).map(([title, who]) =>
        contestant(title, who, model, browser),
      );
      const result = await contest(entrants, task, {
        ...{ patience: Number(values.patience), budget: Number(values.budget), slow: SLOW },
      });
      rows.push({ task: name, pieces: 1, ...result });
      if (model !== undefined) await rm(join(folder, model), { recursive: true });
      process.stderr.write(`${name}: ${lines(result.scores)}\n`);
    }
    const version =
      browser === undefined ? `Node ${process.versions.node}` : `Chromium ${browser.version}`;
    return { group, rows, version };
  } finally {
    await browser?.close();
  }
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
