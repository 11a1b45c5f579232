import { type Command, InvalidArgumentError, Option } from "commander";
import { withEngineOptions, withModelOptions } from "../options.ts";

/** Adds what commands share that serve this machine. @param port what is said of the port */
export function withMachineOptions(command: Command, { port }: { readonly port: string }): Command {
  command
    .addOption(
      new Option(
        "--folder <dir>",
        "a folder with models and dictionaries, whose subfolders are looked through; for several, repeat it",
      ).argParser((folder: string, before: readonly string[] = []) => [...before, folder]),
    )
    .addOption(new Option("--port <n>", port).argParser(portOf));
  return withEngineOptions(withModelOptions(command, "[model]")).addOption(
    new Option("--no-float64", "recompute no certificate in float64"),
  );
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError("Expected a port, from 0 (a free one) to 65535.");
}
