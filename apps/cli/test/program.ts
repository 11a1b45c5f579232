import type { AnyAnalysis, AnyOutlineAnalysis } from "@resolvent/analysis";
import { type ProgramOptions, runProgram } from "../src/program.ts";
import { terminalOf } from "../src/terminal.ts";

/** How a command line ended that was run in this process. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with analyses of the test's own, its output piped. */
export async function run(
  analyses: readonly (AnyAnalysis | AnyOutlineAnalysis)[],
  args: readonly string[],
  { input = "", ...options }: Omit<ProgramOptions, "analyses"> & { readonly input?: string } = {},
): Promise<Ran> {
  const written = { out: [] as string[], err: [] as string[] };
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined },
    {},
    {
      stdout: { write: (text) => written.out.push(text) },
      stderr: { write: (text) => written.err.push(text) },
      readInput: async () => new TextEncoder().encode(input),
    },
  );
  const code = await runProgram(args, terminal, { analyses, ...options });
  return { code, stdout: written.out.join(""), stderr: written.err.join("") };
}
