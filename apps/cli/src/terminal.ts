/** Where a command reads and writes: data goes to `out`, everything said about it to `note`. */
export interface Terminal {
  out(text: string): void;
  note(text: string): void;
  /** One line that replaces itself, on a terminal only. */
  progress(text: string): void;
  /** All of standard input, or undefined where nobody pipes anything in. */
  input(): Promise<string | undefined>;
  /** Styles for data on standard output: none where it is no terminal, or where NO_COLOR is set. */
  readonly style: Style;
  /** Characters in a line. */
  readonly columns: number;
}

export interface Style {
  bold(text: string): string;
  faint(text: string): string;
  accent(text: string): string;
}

/** What the thread that owns the real terminal tells about it. */
export interface TerminalFacts {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly columns: number | undefined;
}

const MAX_INPUT_BYTES = 16 * 2 ** 20; // a prompt beyond this is a mistaken file

export function terminalOf(
  facts: TerminalFacts,
  env: Readonly<Record<string, string | undefined>>,
  streams: {
    readonly stdin: AsyncIterable<Uint8Array>;
    readonly stdout: { write(text: string): unknown };
    readonly stderr: { write(text: string): unknown };
    /** Asks for standard input to be passed on. */
    readonly openInput: () => void;
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
  return {
    style: { bold: code(1, 22), faint: code(2, 22), accent: code(36, 39) },
    columns: facts.columns ?? 80,
    out: (text) => {
      clear();
      streams.stdout.write(text);
    },
    note: (text) => {
      clear();
      streams.stderr.write(`${text}\n`);
    },
    progress: (text) => {
      if (!facts.stderr) return;
      streams.stderr.write(`\r\u001b[K${text}`);
      lineOpen = text !== "";
    },
    input: async () => {
      if (facts.stdin) return undefined;
      streams.openInput();
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of streams.stdin) {
        parts.push(part);
        size += part.length;
        if (size > MAX_INPUT_BYTES)
          throw new Error(`standard input is over ${MAX_INPUT_BYTES} bytes`);
      }
      return Buffer.concat(parts).toString("utf8");
    },
  };
}
