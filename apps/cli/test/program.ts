import os from "node:os";
import type { ListedAnalysis } from "@resolvent/analysis";
import { builtInFor } from "../src/built-in.ts";
import { type ProgramOptions, runProgram } from "../src/program.ts";
import { terminalOf } from "../src/terminal.ts";

// A name that leads nowhere must not be looked for on the network.
process.env.HF_HUB_OFFLINE = "1";

// Files of tests run side by side, one for each core. A command that took every core would wait for the others; numbers
// do not depend on it, and those of `command.ts` take what there is.
Object.assign(os, { availableParallelism: () => 1 });

/** How a command line ended that was run in this process. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What somebody does who sits at it, and what is piped in. */
interface Person {
  readonly input?: string;
  /** What is answered to a question; nobody is there by default. */
  readonly answer?: string;
}

/** Runs a command line in this process, with analyses of the test's own, its output piped. */
export async function run(
  analyses: readonly ListedAnalysis[],
  args: readonly string[],
  { input = "", answer, ...options }: Omit<ProgramOptions, "analyses"> & Person = {},
): Promise<Ran> {
  const written = { out: [] as string[], err: [] as string[] };
  const terminal = terminalOf(
    {
      ...{ stdin: answer !== undefined, stdout: false, stderr: answer !== undefined },
      columns: undefined,
    },
    {},
    {
      stdout: { write: (text) => written.out.push(text) },
      stderr: { write: (text) => written.err.push(text) },
      readLine: async () => answer ?? "",
      readInput: async () => new TextEncoder().encode(input),
    },
  );
  const code = await runProgram(args, terminal, { analyses, ...options });
  return { code, stdout: written.out.join(""), stderr: written.err.join("") };
}

/**
 * Runs a command line in this process as the command does, its output piped. It takes a tenth of the time of a process;
 * what only a process has (signals, streams that close, an environment, a folder that it runs in) is for `command.ts`.
 */
export async function resolvent(
  args: readonly string[],
  { input = "" }: { readonly input?: string } = {},
): Promise<Ran> {
  return await run(await builtInFor(args), args, { input });
}

/** Runs a command that has to succeed in silence, and gives its standard output. */
export async function output(
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await resolvent(args, options);
  if (code !== 0 || stderr !== "") {
    throw new Error(`resolvent ${args.join(" ")} ended with ${code}: ${stderr}`);
  }
  return stdout;
}

/** The value that a command prints as JSON; the caller knows its type. */
export async function json<T>(
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<T> {
  return JSON.parse(await output([...args, "--json"], options));
}
