import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Introduction, Request } from "./task.ts";

/** A program that can do the tasks. */
export interface Contestant {
  /** The heading of its column. */
  readonly name: string;
  readonly command: readonly string[];
  /** Variables of its environment; undefined takes one away. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A contestant at work on one task, in a process of its own. */
export interface Running {
  readonly introduction: Introduction;
  ask(request: Request): Promise<Readonly<Record<string, number>>>;
  end(): Promise<void>;
}

/** Starts a contestant and waits until it is ready. Throws, with the reason as its message, where it ends before. */
export async function start({ command, env }: Contestant, task: object): Promise<Running> {
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
  return {
    introduction,
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return (await next()) as Readonly<Record<string, number>>; // as above
    },
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
