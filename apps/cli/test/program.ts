import type { AnyAnalysis, AnyOutlineAnalysis } from "@resolvent/analysis";
import { type ProgramOptions, runProgram } from "../src/program.ts";
import { terminalOf } from "../src/terminal.ts";

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
  analyses: readonly (AnyAnalysis | AnyOutlineAnalysis)[],
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
