import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, onTestFinished, test } from "vitest";
import { openNative } from "../src/blas/native.ts";

const found = openNative(undefined);

/** The tests of a system's BLAS, or, where there is none, one that is skipped and says what would run them. */
export function describeWithBlas(title: string, tests: () => void): void {
  if (!("missing" in found)) describe(title, tests);
  else describe(title, () => test.skip(`skipped: ${found.missing} ${found.remedy}`, () => {}));
}

const compiler = spawnSync("gcc", ["--version"]).status === 0;

/** A test with libraries made by gcc from fake-blas.c. */
export function testWithFake(
  title: string,
  body: (compile: (...defines: string[]) => string) => Promise<void>,
): void {
  if (compiler && process.platform === "linux") test(title, () => body(compileFake), 60_000);
  else test.skip(`${title} (skipped: no gcc on Linux; install gcc)`, () => {});
}

function compileFake(...defines: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "resolvent-blas-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const library = join(folder, "libfake.so");
  const source = fileURLToPath(new URL("fake-blas.c", import.meta.url));
  const flags = defines.map((name) => `-D${name}`);
  const { status, stderr } = spawnSync(
    "gcc",
    ["-O1", "-shared", "-fPIC", ...flags, "-o", library, source],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return library;
}
