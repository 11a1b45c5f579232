/** The page of one contestant at one task: the program that opens it asks by `globalThis.bench`. */
import type { How, Work } from "./contender.ts";
import { type ContenderName, field } from "./field.ts";
import { type GpuCounts, watchGpu } from "./gpu-counts.ts";
import { sample } from "./numbers.ts";
import type { EngineTask } from "./task.ts";

/** What the page can be asked. */
export interface BenchPage {
  /** What it is. */
  prepare(name: ContenderName, task: EngineTask, how: How): Promise<string>;
  result(): Promise<number[]>;
  /** Milliseconds. */
  time(): Promise<number>;
  counts(): Readonly<Record<string, number>> | undefined;
}

declare global {
  var bench: BenchPage;
}

const counts = watchGpu();
let ready: { readonly task: EngineTask; readonly work: Work } | undefined;
let last: Readonly<Record<string, number>> | undefined;

function work(): { readonly task: EngineTask; readonly work: Work } {
  if (ready === undefined) throw new Error("Nothing is prepared.");
  return ready;
}

globalThis.bench = {
  prepare: async (name, task, how) => {
    const made = await field[name](task, how);
    ready = { task, work: made };
    return made.is;
  },
  result: async () => [...sample(work().task, await work().work.turn())],
  time: async () => {
    const before = { ...counts };
    const start = performance.now();
    await work().work.turn();
    const ms = performance.now() - start;
    if (counts !== undefined && counts.dispatches > 0) last = difference(counts, before);
    return ms;
  },
  counts: () => last,
};

/** What one turn did; of pipelines all since the start, because a turn that was warmed makes none. */
function difference(now: GpuCounts, before: Partial<GpuCounts>): Record<string, number> {
  const since = Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)]);
  return { ...Object.fromEntries(since), pipelines: now.pipelines };
}
