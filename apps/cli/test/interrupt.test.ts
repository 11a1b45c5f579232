import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { ended, output, resolvent, start } from "./command.ts";
import { temporaryFolder, writeHollowModel } from "./models.ts";

/** Many times what a pipe holds. */
const ROWS = 40_000;

const folder = temporaryFolder();
let slow: string;
let wordy: string;
beforeAll(async () => {
  const size = { layers: 24, width: 64, vocab: 300, context: 1024 };
  slow = await writeHollowModel(join(folder, "slow"), size);
  const words = { layers: 1, width: 2, vocab: ROWS, context: 8 };
  wordy = await writeHollowModel(join(folder, "wordy"), words);
});

const tokens = Array.from({ length: 1000 }, (_, i) => i % 300).join();
/** The terms of this one take many seconds, in one synchronous piece. */
const long = (...more: string[]): string[] => [
  ...["expand", slow, "--tokens", tokens, "--freeze", "none", "--no-float64", ...more],
];

describe.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s", (signal, code) => {
  test.each(["1", "2"])("ends the command at once while it computes on %s threads", async (n) => {
    const child = start(long("--threads", n));
    child.stdin?.end();
    const end = ended(child);
    await wait(2500);
    expect(child.exitCode).toBeNull();
    const before = performance.now();
    child.kill(signal);
    expect(await end).toEqual({ code, signal: null, stdout: "", stderr: "" });
    expect(performance.now() - before).toBeLessThan(1500);
  });

  test("ends the command while it waits for input", async () => {
    // Before it has started, which on a busy machine takes long, a signal ends it in the usual way: without a code.
    for (const milliseconds of [600, 2400, 9600]) {
      const child = start(["run", slow]);
      const end = ended(child);
      await wait(milliseconds);
      expect(child.exitCode).toBeNull();
      child.kill(signal);
      const found = (await end).code;
      if (found === null && milliseconds < 9600) continue;
      expect(found).toBe(code);
      return;
    }
  });
});

describe("a reader that stops reading", () => {
  test("is no failure, and ends the command", async () => {
    const child = start(["run", wordy, "--tokens", "1", "--top", String(ROWS), "--format", "csv"]);
    child.stdin?.end();
    const end = ended(child);
    child.stdout?.once("data", () => child.stdout?.destroy());
    const { code, stderr } = await end;
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("of messages, too", async () => {
    const child = start(["expand"]);
    child.stdin?.end();
    child.stderr?.destroy();
    expect((await ended(child)).code).toBe(2);
  });
});

test("a reader that is slow gets everything", async () => {
  const child = start(["run", wordy, "--tokens", "1", "--top", String(ROWS), "--format", "csv"]);
  child.stdin?.end();
  child.stdout?.pause();
  const end = ended(child); // what is paused stays so
  await wait(1500);
  child.stdout?.resume();
  const { code, stdout } = await end;
  expect(code).toBe(0);
  expect(stdout.split("\n").length).toBe(ROWS + 2); // a head, the rows, and what follows the last newline
  expect(stdout.endsWith("\n")).toBe(true);
});

test("a file gets everything", async () => {
  const text = await output(["run", wordy, "--tokens", "1", "--top", String(ROWS), "--json"]);
  expect(JSON.parse(text).next.length).toBe(ROWS);
});

const full = "/dev/full";
test.skipIf(!existsSync(full))(
  `a disk that is full is said (skipped where there is no ${full})`,
  async () => {
    const { spawn } = await import("node:child_process");
    const bin = join(import.meta.dirname, "../bin/resolvent.js");
    const file = await open(full, "w");
    const child = spawn(process.execPath, [bin, "--help"], { stdio: ["ignore", file.fd, "pipe"] });
    const { code, stderr } = await ended(child);
    await file.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/standard output cannot be written.*ENOSPC/);
  },
);

test("nothing is left beside the model", async () => {
  const before = await readFile(join(slow, "config.json"), "utf8");
  await resolvent(["inspect", slow]);
  expect(await readFile(join(slow, "config.json"), "utf8")).toBe(before);
});
