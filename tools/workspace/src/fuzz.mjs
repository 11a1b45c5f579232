// Tries the readers of archives on many changed files: `npm run fuzz`, or `npm run fuzz 5000` for as many. The same test
// runs on few of them in CI.
import { spawnSync } from "node:child_process";
import { repository } from "./members.mjs";

const count = process.argv[2] ?? "1000000";
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "packages/weights/test/fuzz-archives.test.ts"],
  { cwd: repository, stdio: "inherit", env: { ...process.env, RESOLVENT_FUZZ: count } },
);
process.exitCode = status ?? 1;
