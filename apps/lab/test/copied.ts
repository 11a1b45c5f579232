import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

/** What results say of who has computed them. */
export const WHO: ReadonlySet<string> = new Set(["engine"]);

/** The command line's own tests run it in their process; it is no part of the lab, which imports nothing of it. */
interface CommandLine {
  resolvent(
    args: readonly string[],
    options: { readonly input?: string },
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}
const program = new URL("../../cli/test/program.ts", import.meta.url).href;

/** What a line prints, as a shell takes it word for word: with more options, in this process. */
export async function printedBy(line: string, more: readonly string[] = []): Promise<string> {
  // The shell says which words the command gets, and what is piped into it.
  const shell = `resolvent() { printf '%s\\0' "$@"; printf '\\001'; cat; }\n${line}`;
  const said = execFileSync("sh", ["-c", shell], { encoding: "utf8", input: "" });
  const [words = "", input = ""] = said.split("\u0001");
  const { resolvent } = (await import(/* @vite-ignore */ program)) as CommandLine; // as it is written there
  const args = [...words.split("\0").slice(0, -1), ...more, "--threads", "1"];
  const { code, stdout, stderr } = await resolvent(args, { input });
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${stderr}`);
  return stdout;
}

/** What a program prints, as it was copied. */
export async function printedByProgram(text: string): Promise<string> {
  const folder = fileURLToPath(new URL("../temp/copied/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}program-${programs++}.ts`;
  writeFileSync(file, text);
  const printed: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line) => printed.push(String(line)));
  try {
    await import(/* @vite-ignore */ file);
  } finally {
    log.mockRestore();
    rmSync(file);
  }
  return printed.join("\n");
}

let programs = 0;

/** What two values differ in: numbers by more than rounding in float32 of the largest, anything else at all. */
export function differences(
  a: unknown,
  b: unknown,
  { but = new Set(), at = "" }: { readonly but?: ReadonlySet<string>; readonly at?: string } = {},
): string[] {
  if (typeof a === "number" && typeof b === "number") {
    // Errors and what other routes leave are rounding themselves.
    return Math.abs(a - b) <= 2e-4 * Math.max(1, Math.abs(a)) ? [] : [`${at}: ${a}, ${b}`];
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Object.is(a, b) ? [] : [`${at}: ${String(a)}, ${String(b)}`];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys]
    .filter((key) => !but.has(key))
    .flatMap((key) =>
      differences(Reflect.get(a, key), Reflect.get(b, key), { but, at: `${at}.${key}` }),
    );
}
