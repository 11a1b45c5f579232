import { Command, Option } from "commander";
import type { LabFlags } from "../lab/lab.ts";
import type { MachineSetting } from "../machine/start-machine.ts";
import { withMachineOptions } from "./machine-options.ts";

/** Serves the browser app, with this machine's engine behind it. */
export function labCommand(setting: MachineSetting): Command {
  const command = new Command("lab")
    .summary("the browser app: every path of a sentence by degree, computed by this machine")
    .description(
      "Serves the lab on this machine, for whoever has the link that it prints, and opens it in the browser. Its page computes by the engine of this machine, on bundled models and dictionaries, on MODEL, and on those below the folders that are named; nothing else is read, and nothing written. Analyses of plug-ins that are named (--plugin) have their panels, and run as commands do: with all that you may do. Ctrl-C ends it.",
    )
    .usage("[model] [options]")
    .addOption(new Option("--no-open", "print the link, and open no browser"));
  return withMachineOptions(command, {
    port: "port of the loopback address; default: 4184, or a free one",
  }).action(async (model: string | undefined, flags: LabFlags) => {
    const { serveLab } = await import("../lab/lab.ts"); // engines and models: help needs none
    await serveLab(model, flags, setting);
  });
}
