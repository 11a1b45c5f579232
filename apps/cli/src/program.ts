import type { JsonSchema, ListedAnalysis } from "@resolvent/analysis";
import { Command, CommanderError } from "commander";
import { builtInFor } from "./built-in.ts";
import { analysisCommand } from "./commands/analysis.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { labCommand } from "./commands/lab.ts";
import { builtInKinds, schemaCommand } from "./commands/schema.ts";
import { serveCommand } from "./commands/serve.ts";
import { sweepCommand, sweptCommand, unsweptCommand } from "./commands/sweep.ts";
import { describeFailure, EXIT, exitCodeOf } from "./failure.ts";
import { addPlugins, type PluginPlaces, type PluginWords, pluginWords } from "./plugins/plugins.ts";
import { addSchema } from "./plugins/schemas.ts";
import { sweepReport } from "./sweep/report.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

const EXIT_HELP = `
Exit codes: ${EXIT.ok} done; ${EXIT.internal} internal error; ${EXIT.usage} invalid call; ${EXIT.badFile} bad model file;
${EXIT.unsupported} a model that is not supported; ${EXIT.overBudget} too much memory; ${EXIT.unsound} numbers are not finite or terms do not
add up (the result, where there is one, is printed in full); ${EXIT.interrupted} interrupted.`;

export interface ProgramOptions {
  /** What are commands beside those about the machine and the project; default all that are built in. */
  readonly analyses?: readonly ListedAnalysis[];
  /** Where plug-ins are looked for; default nowhere. */
  readonly places?: PluginPlaces;
  /** Ends an analysis between pieces of its work. */
  readonly signal?: AbortSignal;
}

/** Runs the command line and gives the exit code. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  options: ProgramOptions = {},
): Promise<number> {
  const { analyses = await builtInFor(argv), places } = options;
  const { signal = new AbortController().signal } = options;
  const program = new Command("resolvent")
    .description(
      "Takes a transformer apart into its paths, by degree, and checks that the parts add up.",
    )
    .version(version, "-V, --version", "print the version")
    .addHelpText(
      "after",
      `
Tokens are named by text or id, comma-separated:
  --target ' Mary, John'    --target id:346,id:301    --target '",","\\n"'
Spaces count; a text may stand in quotes, as outputs print it. Heads: L1.H2, L1H2 or 1.2.`,
    )
    .showHelpAfterError("(add --help for usage)")
    .addHelpText("after", EXIT_HELP);
  const schemas = new Map<string, JsonSchema>();
  /** Those of plug-ins: commands of their own, and panels of the lab. */
  const contributed: ListedAnalysis[] = [];
  const sweep = sweepCommand(analysisCommand(sweepReport, terminal, signal, argv));
  const addAnalysis = (analysis: ListedAnalysis): Command[] => {
    const own = analysisCommand(analysis, terminal, signal, argv);
    program.addCommand(own);
    const swept = sweptCommand(analysis, terminal, signal, argv);
    if (swept === undefined && sweep.commands.some((one) => one.name() === analysis.name)) {
      return [own]; // `sweep report` is of sweeps
    }
    const below = swept ?? unsweptCommand(analysis);
    sweep.addCommand(below, { hidden: swept === undefined });
    return [own, below];
  };
  for (const analysis of analyses) addAnalysis(analysis);
  program
    .addCommand(sweep)
    .addCommand(schemaCommand(terminal, schemas))
    .addCommand(doctorCommand(terminal))
    .addCommand(demoCommand(terminal))
    .addCommand(labCommand({ terminal, signal, contributed }))
    .addCommand(serveCommand({ terminal, signal, contributed }));
  if (places !== undefined) {
    program
      .option(
        "--plugin <name|path>",
        "add the analyses of a package, folder or file; may be repeated",
      )
      .option("--trust", "load what resolvent.config.json lists without asking");
  }
  const settled = (command: Command): Command =>
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.show(text),
      writeErr: (text) => terminal.note(text.replace(/\n$/, "")),
    });
  for (const command of [program, ...program.commands, ...sweep.commands]) settled(command);
  try {
    const words = places === undefined ? undefined : pluginWords(argv);
    if (words !== undefined && places !== undefined && asksForPlugins(words, program)) {
      await addPlugins(words, places, terminal, {
        taken: [...program.commands.map((command) => command.name()), "help"],
        add: (analysis) => {
          contributed.push(analysis);
          addSchema(schemas, analysis);
          for (const command of addAnalysis(analysis)) settled(command);
        },
      });
    }
    await program.parseAsync([...(words?.rest ?? argv)], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    const code = exitCodeOf(error);
    // Commander has printed its own message, and who interrupts needs none.
    if (!(error instanceof CommanderError) && code !== EXIT.interrupted) {
      terminal.note(describeFailure(error));
    }
    return code;
  }
}

/** Whether a command line may mean a plug-in's command: built-in ones never load what others wrote. */
function asksForPlugins({ rest, plugins }: PluginWords, program: Command): boolean {
  if (rest[0] === "-V" || rest[0] === "--version") return false;
  const isCommand = (name: string): boolean =>
    name === "report" || program.commands.some((command) => command.name() === name);
  const [named, kind] = rest.filter((word) => !word.startsWith("-"));
  // What serves them serves those that its command line names.
  if (named === "lab" || named === "serve") return plugins.length > 0;
  // Every analysis of a prompt can be swept.
  if (named === "sweep") return kind !== undefined && !isCommand(kind);
  // Schemas are those of plug-ins too, but where a built-in one is asked for.
  if (named === "schema") return kind === undefined || !builtInKinds().includes(kind);
  return named === undefined || !isCommand(named);
}
