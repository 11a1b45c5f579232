import type { ListedAnalysis } from "@resolvent/analysis";
import { chooseEngine, selectEngine } from "resolvent";
import { analyses } from "../analyses.ts";
import type { HostFlags } from "../host.ts";
import { findModel } from "../prepare.ts";
import type { Terminal } from "../terminal.ts";
import { engineWords, type Machine, type MachineParts, machineOf } from "./machine.ts";

/** What commands are told that serve a machine. */
export interface MachineFlags extends HostFlags {
  readonly folder?: readonly string[];
  readonly port?: number;
}

/** What they are given beside that. */
export interface MachineSetting {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Analyses of plug-ins. */
  readonly contributed?: readonly ListedAnalysis[];
}

/**
 * All analyses of the command line as a machine, by the engine that is chosen here.
 *
 * @throws InputError where the model cannot be opened, what `selectEngine` throws
 */
export async function startMachine(
  model: string | undefined,
  flags: HostFlags,
  {
    terminal,
    contributed = [],
    ...parts
  }: Pick<MachineParts, "called" | "places" | "more"> &
    Pick<MachineSetting, "terminal" | "contributed">,
): Promise<Machine & { readonly engine: string }> {
  // What cannot be opened is said before anything is served.
  if (model !== undefined) await findModel(model, flags, terminal);
  const { engine: named, precision, threads } = flags;
  const options = {
    ...(named !== undefined && { engine: named }),
    ...(threads !== undefined && { threads }),
    precision,
  };
  const chosen = await selectEngine(options);
  await chosen.close();
  const engine = engineWords(chosen);
  const machine = machineOf({
    ...parts,
    ...{ analyses: [...analyses, ...contributed], terminal, engine },
    // One for all models: what is said of it holds for each.
    flags: { ...flags, engine: chosen.name },
    engines: async () => await chooseEngine(options, { all: true }),
  });
  return { ...machine, engine };
}

/** Resolves once a signal has come. */
export async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
