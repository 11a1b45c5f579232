import { extname } from "node:path";
import { Option } from "commander";
import { checkNew, writeNew } from "./files.ts";
import { type Format, type FormatOptions, formatOf, options } from "./options.ts";
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
    new Option("--output <file>", "write to a file; .json, .ndjson or .csv say the format"),
    options.overwrite(),
  ];
}

/** Where and how a result is written. */
export interface Output {
  readonly format: Format;
  /** What is written. */
  readonly to: Pick<Terminal, "out" | "show" | "style">;
  /** Writes the file, where it is one. */
  finish(): Promise<void>;
}

/**
 * @throws InputError `cli/usage` for two formats, and for a file that is there already
 */
export function outputOf(flags: OutputOptions, terminal: Terminal): Output {
  const { output, overwrite = false } = flags;
  if (output === undefined) {
    return { format: formatOf(flags), to: terminal, finish: async () => {} };
  }
  checkNew(output, overwrite);
  const asked = flags.format !== undefined || flags.json === true;
  const format = asked ? formatOf(flags) : byName(output);
  const parts: string[] = [];
  const plain = (text: string): string => text;
  return {
    format,
    to: {
      out: (text) => parts.push(text),
      show: (text) => parts.push(harmless(text)),
      style: { bold: plain, faint: plain, accent: plain },
    },
    finish: async () => {
      await writeNew(output, parts.join(""), overwrite);
      terminal.note(`${output} has the result.`);
    },
  };
}

function byName(output: string): Format {
  const name = extname(output).slice(1);
  return name === "json" || name === "ndjson" || name === "csv" ? name : "table";
}
