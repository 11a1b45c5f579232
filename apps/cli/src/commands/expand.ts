import {
  balanceError,
  type DegreeExpansion,
  expandByDegree,
  expansionCost,
  GATES,
  type Gate,
  type Reference,
} from "@resolvent/expansion";
import type { Tokenizer } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { Command, Option } from "commander";
import { writeCost, writeExpansion } from "../expansion-view.ts";
import { usageError } from "../failure.ts";
import { mustStream, openModel, weightsHash } from "../open.ts";
import {
  formatOf,
  options,
  parseFreeze,
  type SharedOptions,
  wholeNumber,
  withEngineOptions,
  withModelOptions,
} from "../options.ts";
import { prepare } from "../prepare.ts";
import type { Terminal } from "../terminal.ts";
import { encode } from "../tokens.ts";

interface ExpandFlags extends SharedOptions {
  readonly freeze: readonly Gate[];
  readonly method?: "tree" | "sweep";
  readonly reference: Reference["kind"];
  readonly referencePrompt: readonly string[];
  readonly maxDegree?: number;
  readonly float64: boolean;
  readonly dryRun?: boolean;
}

export function expandCommand(terminal: Terminal): Command {
  const command = new Command("expand")
    .summary("a run as a sum over path degrees")
    .description(
      "Writes a run of MODEL as a sum of terms by path degree (how many blocks a path passes through), and proves that they add up.",
    )
    .addOption(options.prompt())
    .addOption(options.tokens())
    .addOption(
      new Option("--freeze <gates>", `none, all, or some of ${GATES.join(",")}`)
        .argParser(parseFreeze)
        .default(GATES, "all"),
    )
    .addOption(
      new Option("--method <method>", "default: the sweep where all is frozen").choices([
        "tree",
        "sweep",
      ]),
    )
    .addOption(
      new Option("--reference <kind>", "what a cut branch contributes")
        .choices(["zero", "mean", "run"])
        .default("zero"),
    )
    .addOption(
      new Option(
        "--reference-prompt <text...>",
        "texts of the reference mean (default: the prompt itself) or run",
      ).default([], "none"),
    )
    .addOption(
      new Option("--max-degree <k>", "highest degree told apart; default: all").argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option("--no-float64", "leave out the certificate's second computation in float64"),
    )
    .addOption(new Option("--dry-run", "say what it would take, and stop"))
    .addOption(options.format())
    .addOption(options.json())
    .addHelpText(
      "after",
      `
Examples:
  resolvent expand tales --prompt "When Mary and John went to the market, John gave a drink to"
  resolvent expand path/to/model --tokens 1,403,407 --freeze none --max-degree 4 --json`,
    )
    .action(async (name: string, flags: ExpandFlags) => await expand(name, flags, terminal));
  return withEngineOptions(withModelOptions(command));
}

async function expand(name: string, flags: ExpandFlags, terminal: Terminal): Promise<void> {
  const format = formatOf(flags);
  const { folder, outline, ids, text, tokenizer } = await prepare(name, flags, terminal);
  const terms = {
    freeze: flags.freeze,
    reference: referenceOf(flags, ids, tokenizer, folder),
    ...(flags.method !== undefined && { method: flags.method }),
    ...(flags.maxDegree !== undefined && { maxDegree: flags.maxDegree }),
  };
  const cost = expansionCost(outline, ids, { ...terms, precision: flags.precision });
  if (flags.dryRun) {
    writeCost(cost, { command: "expand", model: outline.name }, format, terminal);
    return;
  }
  const stream = mustStream(
    outline,
    flags,
    cost.peakBytes,
    "Lower --max-degree, shorten the input, or raise --max-memory.",
  );
  const again = flags.float64 && flags.precision === "f32";
  const streamAgain =
    again &&
    mustStream(
      outline,
      { ...flags, precision: "f64" },
      expansionCost(outline, ids, { ...terms, precision: "f64" }).peakBytes,
      "Leave the certificate's second computation out with --no-float64.",
    );
  if (stream && !flags.stream) {
    terminal.note(`${outline.name} streams: its layers are read when they are needed.`);
  }
  const { engine, model } = await openModel(folder, outline.name, { ...flags, stream }, terminal);
  try {
    const sha256 = await weightsHash(folder, terminal);
    const expansion: DegreeExpansion = await expandByDegree(engine, { ...model, sha256 }, ids, {
      ...terms,
      text,
      ...(again && {
        certify: async (same) => {
          terminal.progress("certificate in float64");
          const as = { ...flags, precision: "f64", stream: streamAgain } as const;
          const exact = await openModel(folder, outline.name, as, terminal);
          try {
            return await balanceError(exact.engine, exact.model, ids, same);
          } finally {
            await exact.engine.close();
          }
        },
      }),
      onProgress: ({ done, total }) => terminal.progress(`degree ${done} of ${total}`),
    });
    terminal.progress("");
    writeExpansion(expansion, format, terminal);
  } finally {
    await engine.close();
  }
}

function referenceOf(
  flags: ExpandFlags,
  ids: readonly number[],
  tokenizer: Tokenizer | undefined,
  folder: Folder,
): Reference {
  const prompts = flags.referencePrompt.map((prompt) => encode(prompt, tokenizer, folder));
  switch (flags.reference) {
    case "zero":
      if (prompts.length > 0) {
        throw usageError(
          "The reference zero takes no prompt.",
          "Add --reference mean or --reference run.",
        );
      }
      return { kind: "zero" };
    case "mean":
      return { kind: "mean", prompts: prompts.length > 0 ? prompts : [ids] };
    case "run": {
      const [tokens] = prompts;
      if (tokens === undefined || prompts.length > 1) {
        throw usageError(
          `The reference run takes one prompt, got ${prompts.length}.`,
          "Give --reference-prompt TEXT.",
        );
      }
      return { kind: "run", tokens };
    }
  }
}
