/**
 * Memory of expansions at 1,024 positions, here and in another checkout: `node dist/memory.js [--before FOLDER] [--dry]`.
 * FOLDER is a checkout that is built. Writes its section into RESULTS.md, unless `--dry`.
 */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machineOf } from "./machine.ts";
import { type Peak, TASKS, type Task } from "./memory/tasks.ts";
import { withSection } from "./torch/table.ts";

const HEADING = "## Memory of expansions";
const POSITIONS = 1024;

const { values } = parseArgs({
  options: { before: { type: "string" }, dry: { type: "boolean", default: false } },
});
const here = fileURLToPath(new URL("../../..", import.meta.url));
const folders = values.before === undefined ? [here] : [values.before, here];
const rows = (Object.keys(TASKS) as Task[]).map((task) => ({
  task,
  peaks: folders.map((folder) => peakOf(folder, task)),
}));
const section = [
  `\`pnpm --filter @resolvent/bench memory\`: ${await machineOf(availableParallelism())}, Node ${process.versions.node}, one run of each, load ${loadavg()[0]?.toFixed(1)} at the end. GPT-2 small's shape with random weights (${mib(rows[0]?.peaks[0]?.weights)} MiB), ${POSITIONS} positions, float32: the most that the engine had in use, weights included.`,
  [
    `|  | ${folders.map(nameOf).join(" | ")} | share |`,
    `|---|${"---|".repeat(folders.length)}---|`,
    ...rows.map(({ task, peaks }) => {
      const [before, after] = [peaks[0], peaks.at(-1)];
      const share = before && after && peaks.length > 1 ? shareOf(before, after) : "–";
      return `| ${TASKS[task]} | ${peaks.map(shown).join(" | ")} | ${share} |`;
    }),
  ].join("\n"),
].join("\n\n");
process.stdout.write(`${section}\n`);
if (!values.dry) {
  const path = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
  await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
}

function peakOf(folder: string, task: Task): Peak {
  const program = fileURLToPath(new URL("memory/peak.js", import.meta.url));
  const said = execFileSync(process.execPath, [program, folder, task, `${POSITIONS}`], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(said) as Peak; // what peak.ts writes
}

function nameOf(folder: string): string {
  const commit = execFileSync("git", ["-C", folder, "rev-parse", "--short", "HEAD"], {
    encoding: "utf8",
  }).trim();
  return folder === here ? `${commit}, as it is here` : commit;
}

function shown({ peak, seconds, failed, limit }: Peak): string {
  if (failed !== null) return `more than ${mib(limit)} MiB`;
  return `${mib(peak)} MiB, ${seconds.toFixed(0)} s`;
}

function shareOf(before: Peak, after: Peak): string {
  const least = before.failed === null ? "" : "below ";
  return `${least}${(after.peak / (before.failed === null ? before.peak : before.limit)).toFixed(2)}`;
}

function mib(bytes: number | undefined): string {
  return Math.round((bytes ?? Number.NaN) / 2 ** 20).toLocaleString("en");
}
