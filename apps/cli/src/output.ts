import { extname } from "node:path";
import { Option } from "commander";
import { writeNew } from "./files.ts";
import { FORMATS, type Format, type FormatOptions, formatOf, options } from "./options.ts";
import { checkPlace, STANDARD } from "./place.ts";
import { harmless, type Terminal } from "./terminal.ts";

export interface OutputOptions extends FormatOptions {
  readonly output?: string;
  readonly overwrite?: boolean;
}

/** The options of where and how a result is written. */
export function outputOptions(): Option[] {
  return [
    options.format(),
    options.json(),
    new Option(
      "--output <file>",
      "write to a file; .json, .ndjson or .csv sets the format; - is standard output",
    ),
    options.overwrite(),
  ];
}

/** Where and how a result is written. */
export interface Output {
  readonly format: Format;
  /** What is written. */
  readonly to: Pick<Terminal, "out" | "show" | "style" | "columns">;
  /** Writes the file, where it is one. */
  finish(): Promise<void>;
}

/**
 * @throws InputError `cli/usage` for two formats, for a file that is there already, and for a folder;
 * `cli/unwritable`
 */
export function outputOf(flags: OutputOptions, terminal: Terminal): Output {
  const { output, overwrite = false } = flags;
  if (output === undefined || output === STANDARD) {
    return { format: formatOf(flags), to: terminal, finish: async () => {} };
  }
  checkPlace("--output", output, overwrite);
  const named = byName(output);
  const asked = flags.format !== undefined || flags.json === true;
  const format = asked ? formatOf(flags) : (named ?? "table");
  const parts: string[] = [];
  const plain = (text: string): string => text;
  return {
    format,
    to: {
      out: (text) => parts.push(text),
      show: (text) => parts.push(harmless(text)),
      style: { bold: plain, faint: plain, accent: plain },
      columns: undefined,
    },
    finish: async () => {
      await writeNew(output, parts.join(""), overwrite);
      terminal.note(`${output} has the result${asNamed(format, named)}.`);
    },
  };
}

/** The format that the name of a file says; undefined where it says none. */
function byName(output: string): Format | undefined {
  const name = extname(output).slice(1).toLowerCase();
  return FORMATS.find((format) => format !== "table" && format === name);
}

/** What the format is, where the name of the file says another. */
function asNamed(format: Format, named: Format | undefined): string {
  if (named === undefined || named === format) return "";
  return format === "table" ? ", as text" : `, in the format ${format}`;
}
