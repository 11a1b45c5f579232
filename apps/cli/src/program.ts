import { Command, CommanderError } from "commander";
import { demoCommand } from "./commands/demo.ts";
import { expandCommand } from "./commands/expand.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { runCommand } from "./commands/run.ts";
import { describeFailure, EXIT, exitCodeOf } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command line and gives the exit code. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command("resolvent")
    .description(
      "Takes a transformer apart into its paths, by degree, and proves that the parts add up.",
    )
    .showHelpAfterError("(add --help for what it takes)")
    .addCommand(expandCommand(terminal))
    .addCommand(inspectCommand(terminal))
    .addCommand(runCommand(terminal))
    .addCommand(demoCommand(terminal));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.note(text.replace(/\n$/, "")),
    });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    // Commander has printed its own message; help that nobody asked for is a wrong call.
    if (error instanceof CommanderError) {
      return error.code === "commander.help" ? EXIT.usage : exitCodeOf(error);
    }
    terminal.note(describeFailure(error));
    return exitCodeOf(error);
  }
}
