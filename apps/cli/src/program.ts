import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { expandCommand } from "./commands/expand.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { profileCommand } from "./commands/profile.ts";
import { runCommand } from "./commands/run.ts";
import { describeFailure, EXIT, exitCodeOf } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string }; // our own file

/** Runs the command line and gives the exit code. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command("resolvent")
    .description(
      "Takes a transformer apart into its paths, by degree, and proves that the parts add up.",
    )
    .version(version, "-V, --version", "what is installed")
    .showHelpAfterError("(add --help for what it takes)")
    .addCommand(expandCommand(terminal))
    .addCommand(inspectCommand(terminal))
    .addCommand(runCommand(terminal))
    .addCommand(profileCommand(terminal))
    .addCommand(doctorCommand(terminal))
    .addCommand(demoCommand(terminal));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.show(text),
      writeErr: (text) => terminal.note(text.replace(/\n$/, "")),
    });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    // Commander has printed its own message.
    if (!(error instanceof CommanderError)) terminal.note(describeFailure(error));
    return exitCodeOf(error);
  }
}
