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

/** Starts a contestant and waits until it is ready. Throws where it cannot be started. */
export async function start({ command, env }: Contestant, task: object): Promise<Running> {
  const [program = "", ...rest] = command;
  const child = spawn(program, [...rest, JSON.stringify(task)], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = exitOf(child);
  const next = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), ended]);
    if (line === undefined || line.done === true) {
      throw new Error(`${command.join(" ")} ended (${child.exitCode ?? "not started"}).`);
    }
    return JSON.parse(line.value);
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

function exitOf(child: ChildProcess): Promise<undefined> {
  return new Promise((resolve) => {
    child.once("close", () => resolve(undefined));
    child.once("error", () => resolve(undefined));
  });
}
