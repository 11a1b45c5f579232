import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

const bin = fileURLToPath(new URL("../bin/resolvent.js", import.meta.url));
if (!existsSync(new URL("../dist/worker.js", import.meta.url))) {
  throw new Error("The command is not built: npx tsc -b apps/cli");
}

// Each command is a process of its own, and other tests run beside it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  /** Standard input; default nothing. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The user that runs it. */
  readonly uid?: number;
}

/** After this a command counts as hung, in milliseconds. */
const LIMIT = 40_000;

/** Starts the built command, standard input, output and error piped. */
export function start(args: readonly string[], options: CallOptions = {}): ChildProcess {
  const { env = {}, cwd, uid } = options;
  return spawn(process.execPath, [bin, ...args], {
    // A name that leads nowhere must not be looked for on the network.
    env: {
      ...process.env,
      HF_HUB_OFFLINE: "1",
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      COLUMNS: undefined,
      ...env,
    },
    timeout: LIMIT,
    killSignal: "SIGKILL",
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
  });
}

/** Waits for a command to end and gives what it wrote. */
export function ended(child: ChildProcess): Promise<Ended> {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on("data", (part: Buffer) => parts.stdout.push(part));
  child.stderr?.on("data", (part: Buffer) => parts.stderr.push(part));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const text = (all: readonly Buffer[]): string => Buffer.concat(all).toString("utf8");
      resolve({ code, signal, stdout: text(parts.stdout), stderr: text(parts.stderr) });
    });
  });
}

/** Runs the built command to its end. */
export async function resolvent(
  args: readonly string[],
  options: CallOptions = {},
): Promise<Ended> {
  const child = start(args, options);
  child.stdin?.on("error", () => {}); // the command may end before it has read everything
  child.stdin?.end(options.input ?? "");
  return await ended(child);
}

/** Runs a command that has to succeed in silence, and gives its standard output. */
export async function output(args: readonly string[], options: CallOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr } = await resolvent(args, options);
  if (code !== 0 || stderr !== "") {
    throw new Error(`resolvent ${args.join(" ")} ended with ${code ?? signal}: ${stderr}`);
  }
  return stdout;
}

/** The value that a command prints as JSON; the caller knows its type. */
export async function json<T>(args: readonly string[], options: CallOptions = {}): Promise<T> {
  return JSON.parse(await output([...args, "--json"], options));
}
