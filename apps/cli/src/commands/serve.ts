import { Command } from "commander";
import type { MachineFlags, MachineSetting } from "../machine/start-machine.ts";
import { withMachineOptions } from "./machine-options.ts";

/** Answers other programs, by the protocol of the lab. */
export function serveCommand(setting: MachineSetting): Command {
  const command = new Command("serve")
    .summary("every analysis for other programs, such as Python: lines of JSON")
    .description(
      "Answers requests, a line of JSON each, on standard output until standard input ends: analyses on whatever models and dictionaries this command can open, with progress, cancelling and figures. With --port it answers over HTTP on the loopback address instead, whoever has the token that it prints, on bundled models and dictionaries, on MODEL, and on those below the folders that are named. docs/serve.md has every message; clients/python has a client.",
    )
    .usage("[model] [options]");
  return withMachineOptions(command, {
    port: "answer over HTTP at this port of the loopback address; 0: a free one",
  }).action(async (model: string | undefined, flags: MachineFlags) => {
    const { serve } = await import("../serve/serve.ts"); // engines and models: help needs none
    await serve(model, flags, setting);
  });
}
