import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Introduction, Request } from "./task.ts";

/**
 * A contender's side of the protocol: says what it is, and does its task once for each request on standard input.
 *
 * @param is default: the version of Node
 * @param turn does the task, and gives `done` what reads the numbers of its result before it frees them; the clock stops there
 */
export async function serve(
  {
    is = `Node ${process.versions.node}`,
    blas,
    threads,
  }: Omit<Introduction, "is"> & { is?: string },
  turn: (
    done: (numbers: () => ArrayLike<number> | Promise<ArrayLike<number>>) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const introduction: Introduction = { is, blas, threads };
  answer(introduction);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request; // it was written by the program that asks
    if ("peak" in request) {
      answer({ bytes: peakBytes() });
      continue;
    }
    const [start, before] = [performance.now(), process.cpuUsage()];
    await turn(async (numbers) => {
      if ("write" in request) {
        writeFileSync(request.write, new Uint8Array(Float32Array.from(await numbers()).buffer));
        answer({});
        return;
      }
      const ms = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      answer({ ms, cpu: (user + system) / 1000 });
    });
  }
}

/** The most memory this process has had resident, in bytes. */
function peakBytes(): number {
  return 1024 * process.resourceUsage().maxRSS;
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
