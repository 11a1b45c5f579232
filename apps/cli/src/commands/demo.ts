import { Command } from "commander";
import type { Terminal } from "../terminal.ts";

export function demoCommand(terminal: Terminal): Command {
  return new Command("demo")
    .summary("both expansions by degree of a bundled model, in a few seconds")
    .description(
      "Expands a run of a bundled model by degree, with all gates frozen and with none frozen.",
    )
    .action(async () => {
      const { demo } = await import("../demo.ts"); // engines and models: help needs none
      await demo(terminal);
    });
}
