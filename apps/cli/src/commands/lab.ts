import type { ListedAnalysis } from "@resolvent/analysis";
import { Command, InvalidArgumentError, Option } from "commander";
import type { LabFlags } from "../lab/lab.ts";
import { withEngineOptions, withModelOptions } from "../options.ts";
import type { Terminal } from "../terminal.ts";

/** Serves the browser app, with this machine's engine behind it. */
export function labCommand(
  terminal: Terminal,
  {
    signal,
    contributed,
  }: { readonly signal: AbortSignal; readonly contributed: readonly ListedAnalysis[] },
): Command {
  const command = new Command("lab")
    .summary("the browser app: every path of a sentence by degree, computed by this machine")
    .description(
      "Serves the lab on this machine, for whoever has the link that it prints, and opens it in the browser. Its page computes by the engine of this machine, on bundled models and dictionaries, on MODEL, and on those below the folders that are named; nothing else is read, and nothing written. Analyses of plug-ins that are named (--plugin) have their panels, and run as commands do: with all that you may do. Ctrl-C ends it.",
    )
    .usage("[model] [options]")
    .addOption(
      new Option(
        "--folder <dir>",
        "a folder with models and dictionaries, whose subfolders are looked through; for several, repeat it",
      ).argParser((folder: string, before: readonly string[] = []) => [...before, folder]),
    )
    .addOption(
      new Option(
        "--port <n>",
        "port of the loopback address; default: 4184, or a free one",
      ).argParser(portOf),
    )
    .addOption(new Option("--no-open", "print the link, and open no browser"));
  return withEngineOptions(withModelOptions(command, "[model]"))
    .addOption(new Option("--no-float64", "recompute no certificate in float64"))
    .action(async (model: string | undefined, flags: LabFlags) => {
      const { serveLab } = await import("../lab/lab.ts"); // engines and models: help needs none
      await serveLab(model, flags, { terminal, signal, contributed });
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError("Expected a port, from 0 (a free one) to 65535.");
}
