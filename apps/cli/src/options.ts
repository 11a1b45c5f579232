import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import type { Precision } from "@resolvent/tensor";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { EngineName } from "resolvent";
import { usageError } from "./failure.ts";

/** The formats of a result. */
export const FORMATS = ["table", "json", "ndjson", "csv"] as const;
export type Format = (typeof FORMATS)[number];

/** The names of the engines, as `resolvent` has them: importing them would load what help does not need. */
export const ENGINES: readonly EngineName[] = ["webgpu", "cpu", "gpujs", "reference"];

/** Options that commands share, each defined once. */
export const options = {
  engine: (): Option =>
    new Option(
      "--engine <engine>",
      "what computes; default: the best that is here (resolvent doctor says why); reference computes in f64, webgpu and gpujs in f32",
    ).choices(ENGINES),
  format: (): Option =>
    new Option("--format <format>", "output format; default: table").choices(FORMATS),
  json: (): Option => new Option("--json", "the same as --format json"),
  offline: (): Option => new Option("--offline", "use only what is in the Hub's cache"),
  overwrite: (): Option => new Option("--overwrite", "replace an existing file"),
  precision: (): Option =>
    new Option("--precision <precision>", "precision of the computation")
      .choices(["f32", "f64"])
      .default("f32"),
  threads: (): Option =>
    new Option("--threads <n>", "number of threads; default: one per core, at most 8").argParser(
      wholeNumber(1),
    ),
};

/** The names of the models that come with the command. */
const BUNDLED: string = [...Object.keys(bundledModels), ...Object.keys(bundledVariants)].join(", ");

/** Adds what commands that load a model share. */
export function withModelOptions(
  command: Command,
  argument: "<model>" | "[model]" = "<model>",
): Command {
  return command
    .argument(
      argument,
      `a bundled model (${BUNDLED}), a folder with config.json and safetensors, the address of one (https://example.org/gpt2), or a name on the Hugging Face Hub (openai-community/gpt2; hub:openai-community/gpt2 where a folder here is called so)`,
    )
    .addOption(new Option("--revision <name>", "branch, tag or commit on the Hub; default: main"))
    .addOption(options.offline());
}

/** Adds what commands share that open files themselves. */
export function withFilesOptions(command: Command): Command {
  return command.addOption(options.offline()).addOption(options.threads());
}

/** The engine that computes in float64 only. */
const EXACT: EngineName = "reference";

/** Adds what commands that compute share. */
export function withEngineOptions(command: Command): Command {
  return command
    .hook("preAction", (_, called) => {
      // It has one precision: whoever names it need not name that too.
      if (called.getOptionValueSource("precision") === "default" && called.opts().engine === EXACT)
        called.setOptionValue("precision", "f64");
    })
    .addOption(options.engine())
    .addOption(options.precision())
    .addOption(options.threads())
    .addOption(
      new Option(
        "--stream",
        "read each layer from disk, or from its server, when it is needed, even if the model fits into memory",
      ),
    )
    .addOption(
      new Option(
        "--max-memory <size>",
        "refuse to start if more memory is needed, such as 2GiB",
      ).argParser(parseBytes),
    );
}

/** Where a model comes from. */
export interface ModelOptions {
  readonly revision?: string;
  readonly offline?: boolean;
}

/** How it is computed. */
export interface EngineOptions {
  readonly engine?: EngineName;
  readonly precision: Precision;
  readonly threads?: number;
  readonly stream?: boolean;
  /** Bytes. */
  readonly maxMemory?: number;
}

/** What `--format` and `--json` say. */
export interface FormatOptions {
  readonly format?: Format;
  readonly json?: boolean;
}

/** The format that is asked for. */
export function formatOf({ format, json = false }: FormatOptions): Format {
  if (!json) return format ?? "table";
  if (format === undefined || format === "json") return "json";
  throw usageError(`--json and --format ${format} are two formats.`, "Give one of them.");
}

/** Parses a whole number from `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  };
}

/** Parses `none`, `all`, or some of the choices, separated by commas; gives them in their own order. */
export function someOf(choices: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    if (text === "none") return [];
    if (text === "all") return choices;
    const names = text.split(",").map((name) => name.trim());
    const odd = names.find((name) => !choices.includes(name));
    if (odd !== undefined) {
      throw new InvalidArgumentError(
        `Expected none, all, or some of ${choices.join(",")}; got "${odd}".`,
      );
    }
    return choices.filter((choice) => names.includes(choice));
  };
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
};

/** Parses `500MB`, `2GiB`, or plain bytes. */
export function parseBytes(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (digits === "" || factor === undefined) {
    throw new InvalidArgumentError("Expected a size such as 500MB or 2GiB.");
  }
  return Number(digits) * factor;
}
