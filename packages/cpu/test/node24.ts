import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "vitest";

/** A Node of version 24 or later: the one that is named, this one, or one on the path. */
function findNode24(): string | undefined {
  const named = process.env.RESOLVENT_NODE24;
  return [named, process.execPath, "node24"].find((node) => {
    if (node === undefined || node === "") return false;
    const { status, stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
    return status === 0 && Number.parseInt(stdout.slice(1), 10) >= 24;
  });
}

const node24 = findNode24();

/** A test that gets a way to run `wide-program.ts` there: what it prints, as JSON. */
export function testOnNode24(
  title: string,
  body: (run: (flags: readonly string[]) => unknown) => void,
): void {
  const run = (flags: readonly string[]): unknown => {
    const program = fileURLToPath(new URL("wide-program.ts", import.meta.url));
    const { status, stdout, stderr } = spawnSync(
      node24 ?? "",
      [...flags, "--conditions=@resolvent/source", program],
      { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  if (node24 === undefined || process.arch !== "x64") {
    const why = "skipped: no Node 24 on x64; name one in RESOLVENT_NODE24";
    test.skip(`${title} (${why})`, () => {});
  } else test(title, () => body(run), 60_000);
}
