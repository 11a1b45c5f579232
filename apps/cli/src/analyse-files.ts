import { existsSync } from "node:fs";
import {
  type AnyFilesAnalysis,
  type FilesHost,
  type Parameter,
  planFiles,
  runFiles,
  toldOf,
} from "@resolvent/analysis";
import { isInputError } from "@resolvent/tensor";
import { type CallAlone, give, valuesGiven } from "./analyse.ts";
import { byOptions } from "./checked.ts";
import { commandLine } from "./command-line.ts";
import { EXIT, exitCodeOf, refuseUnsound } from "./failure.ts";
import { filesHostOf } from "./files-host.ts";
import { outputOf } from "./output.ts";
import { warner } from "./warnings.ts";

/** Runs an analysis of files as a command: a dry run writes its plan. */
export async function analyseFiles(
  analysis: AnyFilesAnalysis,
  parameters: readonly Parameter[],
  call: CallAlone,
): Promise<void> {
  const { flags, terminal, signal, argv } = call;
  const output = outputOf(flags, terminal);
  const { values } = await valuesGiven(parameters, call, output);
  let kept: string | undefined;
  const host: FilesHost = {
    ...filesHostOf(flags, terminal),
    kept: (place) => {
      kept = place;
    },
    signal,
    onProgress: (progress) => terminal.progress(toldOf(progress)),
    warn: warner(terminal),
  };
  try {
    const run = flags.dryRun ? planFiles : runFiles;
    const outcome = await byOptions(() => run(analysis, values, host));
    await give(analysis, outcome, output, call);
    refuseUnsound(outcome.soundness);
  } catch (error) {
    if (exitCodeOf(error) === EXIT.interrupted && kept !== undefined) {
      terminal.note(
        `Interrupted. ${kept} has what is done; the same command goes on from there:\n  ${commandLine(argv)}`,
      );
    } else if (kept !== undefined && existsSync(kept) && !isAnothers(error)) {
      terminal.note(
        `${kept} keeps what is done: the same command goes on from there, and it may be deleted.`,
      );
    }
    throw error;
  }
}

/** Whether what is kept there is another's, which the message says. */
function isAnothers(error: unknown): boolean {
  return isInputError(error) && ["merge/other-merge", "merge/busy"].includes(error.code);
}
