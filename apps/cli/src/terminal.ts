import { usageError } from "./failure.ts";

/** Where a command reads and writes: data goes to `out`, everything said about it to `note`. */
export interface Terminal {
  /** Data, to the letter; on a terminal, without its control characters. */
  out(text: string): void;
  /** What people read on standard output: never any control characters but its own styles. */
  show(text: string): void;
  /** What is said about the work, on standard error. */
  note(text: string): void;
  /** One line that replaces itself, on a terminal only. */
  progress(text: string): void;
  /**
   * All of standard input, or undefined where nobody pipes anything in.
   * @throws InputError `cli/usage` for what is no text or too long for a prompt
   */
  input(): Promise<string | undefined>;
  /**
   * All bytes of standard input, or undefined where nobody pipes anything in.
   * @throws InputError `cli/usage` for more than it may hold
   */
  inputBytes(): Promise<Uint8Array | undefined>;
  /** Standard input as it comes: resolves at its end. */
  inputParts(hear: (part: Uint8Array) => void): Promise<void>;
  /** One line that somebody types; undefined where nobody can be asked. */
  ask(question: string): Promise<string | undefined>;
  /** Places of a line of standard output; undefined where there is no end to it: a pipe without COLUMNS. */
  readonly columns: number | undefined;
  /** Styles for what is shown: none where standard output is no terminal, or where NO_COLOR is set. */
  readonly style: Style;
}

interface Style {
  bold(text: string): string;
  faint(text: string): string;
  accent(text: string): string;
}

/** What the thread that owns the real terminal tells about it: which streams are one, and its width. */
export interface TerminalFacts {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly columns: number | undefined;
}

const MAX_INPUT_BYTES = 4 * 2 ** 20; // a prompt beyond this, some million tokens, is a mistaken file
const MAX_FILE_BYTES = 2 ** 30; // what is read as a file is held whole

/** Our own styles, and control characters: C0 but tab and newline, DEL, C1, and what turns the writing direction. */
const controls =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
  /(\u001b\[(?:1|2|22|36|39)m)|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text with its control characters spelled out, as JSON spells them: names and tokens come from files, and a
 * terminal would obey them.
 */
export function harmless(text: string, options: { readonly styles?: boolean } = {}): string {
  return text.replace(controls, (found, style?: string) =>
    style !== undefined && options.styles === true
      ? found
      : found.replace(
          /^./su,
          (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
        ),
  );
}

export function terminalOf(
  facts: TerminalFacts,
  env: Readonly<Record<string, string | undefined>>,
  streams: {
    readonly stdout: { write(text: string): unknown };
    readonly stderr: { write(text: string): unknown };
    /** Standard input, cut short once it is longer than `limit` bytes. */
    readonly readInput: (limit: number) => Promise<Uint8Array>;
    /** A line of standard input. */
    readonly readLine?: () => Promise<string>;
    /** Standard input as it comes, to its end; default none. */
    readonly readParts?: (hear: (part: Uint8Array) => void) => Promise<void>;
  },
): Terminal {
  const colour = facts.stdout && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  const code =
    (open: number, close: number) =>
    (text: string): string =>
      colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  let lineOpen = false;
  const clear = (): void => {
    if (lineOpen) streams.stderr.write("\r\u001b[K");
    lineOpen = false;
  };
  const show = (text: string): void => {
    clear();
    streams.stdout.write(harmless(text, { styles: colour }));
  };
  return {
    style: { bold: code(1, 22), faint: code(2, 22), accent: code(36, 39) },
    columns: columnsOf(env.COLUMNS) ?? (facts.stdout ? facts.columns || undefined : undefined),
    show,
    out: (text) => {
      if (facts.stdout) return show(text);
      clear();
      streams.stdout.write(text);
    },
    note: (text) => {
      clear();
      streams.stderr.write(`${harmless(text)}\n`);
    },
    progress: (text) => {
      if (!facts.stderr) return;
      const line = harmless(text.replace(/[\t\n]/g, " ")).slice(0, (facts.columns || 80) - 1);
      streams.stderr.write(`\r\u001b[K${line}`);
      lineOpen = line !== "";
    },
    ask: async (question) => {
      if (!facts.stdin || !facts.stderr || streams.readLine === undefined) return undefined;
      clear();
      streams.stderr.write(harmless(question));
      return await streams.readLine();
    },
    inputParts: async (hear) => await streams.readParts?.(hear),
    inputBytes: async () => {
      if (facts.stdin) return undefined;
      const bytes = await streams.readInput(MAX_FILE_BYTES);
      if (bytes.length <= MAX_FILE_BYTES) return bytes;
      throw usageError(
        `Standard input has over ${MAX_FILE_BYTES} bytes.`,
        "Give the name of a file, which is read as it comes by.",
      );
    },
    input: async () => {
      if (facts.stdin) return undefined;
      const bytes = await streams.readInput(MAX_INPUT_BYTES);
      if (bytes.length > MAX_INPUT_BYTES) {
        throw usageError(
          `Standard input has over ${MAX_INPUT_BYTES} bytes, too many for a prompt.`,
          "Is it the right file?",
        );
      }
      try {
        return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      } catch {
        throw usageError("Standard input is not UTF-8 text.", "Is it the right file?");
      }
    },
  };
}

/** What COLUMNS says, at least room for a few words. */
function columnsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Math.max(20, Number(text)) : undefined;
}
