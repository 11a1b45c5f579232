import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Introduction, Request } from "./task.ts";

/** Who takes part. */
export interface Contestant {
  /** The heading of its column. */
  readonly name: string;
  /** Gets it ready for a task. Throws where it cannot do it. */
  start(task: object): Promise<Running>;
}

/** A contestant at work on one task. */
export interface Running {
  readonly introduction: Introduction;
  /** Does the task, and gives the numbers of its result, or of some entries of it. */
  result(): Promise<Float32Array>;
  /** Does the task: milliseconds, by the clock and on the processors (`NaN` where that is not known). */
  time(): Promise<{ readonly ms: number; readonly cpu: number }>;
  /** The most memory that it had resident until now, in bytes; `NaN` where that is not known. */
  peak(): Promise<number>;
  /** What the last turn did, by count, where that is counted. */
  counts?(): Promise<Readonly<Record<string, number>>>;
  end(): Promise<void>;
}

/** A program that can do the tasks. */
export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  /** Variables of its environment; undefined takes one away. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A contestant in a process of its own, which is asked by lines. */
export function inProcess(program: Program): Contestant {
  return { name: program.name, start: (task) => start(program, task) };
}

/** Starts a program and waits until it is ready. Throws, with the reason as its message, where it ends before. */
async function start({ command, env }: Program, task: object): Promise<Running> {
  const [program = "", ...rest] = command;
  const child = spawn(program, [...rest, JSON.stringify(task)], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => {}); // the other end is gone, which `ended` tells
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = exitOf(child);
  const next = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), ended]);
    if (typeof line !== "string" && line.done !== true) return JSON.parse(line.value);
    throw new Error(await ended);
  };
  const introduction = (await next()) as Introduction; // the other side of one protocol
  const ask = async (request: Request): Promise<Readonly<Record<string, number>>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return (await next()) as Readonly<Record<string, number>>; // as above
  };
  return {
    introduction,
    result: async () => {
      const path = join(tmpdir(), `resolvent-bench-${process.pid}.f32`);
      await ask({ write: path });
      const bytes = readFileSync(path);
      rmSync(path);
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    },
    time: async () => {
      const { ms = Number.NaN, cpu = Number.NaN } = await ask({ time: true });
      return { ms, cpu };
    },
    peak: async () => (await ask({ peak: true })).bytes ?? Number.NaN,
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** How it ended, once it has: `SIGILL` is an instruction that the processor lacks. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) =>
      resolve(signal === null ? `ended with ${code}` : `ended by ${signal}`),
    );
    child.once("error", ({ message }) => resolve(message));
  });
}
