import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ended } from "./command.ts";

const python = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";
const cwd = fileURLToPath(new URL("../../../clients/python", import.meta.url));
const command = fileURLToPath(new URL("../bin/resolvent.js", import.meta.url));

// One process with one connection for all: starting the command takes longer than most of its answers.
test.skipIf(!existsSync(python))(
  `clients/python: its tests, and its notebook as a script (skipped where there is no ${python}; RESOLVENT_PYTHON names another)`,
  { timeout: 300_000 },
  async () => {
    const env = { ...process.env, RESOLVENT_COMMAND: command, HF_HUB_OFFLINE: "1" };
    const { code, stderr } = await ended(
      spawn(python, ["-B", "-W", "error::ResourceWarning", "-m", "unittest", "-v"], { cwd, env }),
    );
    expect(code, stderr).toBe(0);
    const [, count = 0] = /^Ran (\d+) tests in/m.exec(stderr) ?? [];
    expect(Number(count)).toBeGreaterThanOrEqual(15);
  },
);
