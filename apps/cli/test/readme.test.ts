import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "./program.ts";

const path = fileURLToPath(new URL("../../../docs/start.md", import.meta.url));

/** The first output of the page: what `npm start` ends with. */
const demo = /(`npm start` prints:\n\n```text\n)(.*?)(```\n)/s;

/** How long it takes, and its last rounding, are of each machine. */
const anywhere = (text: string): string =>
  text.replace(/It took .* s\./, "").replace(/\d\.\de-1\d/g, "rounding");

test("docs/start.md has what the demo prints; UPDATE_DOCS=1 writes it there", async () => {
  const { code, stdout, stderr } = await run([], ["demo"]);
  expect([code, stderr]).toEqual([0, ""]);
  const printed = stdout.replace(/\nNext: .*\n$/, "\n").replace(/ +$/gm, "");
  const page = readFileSync(path, "utf8");
  const [, , quoted = ""] = demo.exec(page) ?? [];
  if (process.env.UPDATE_DOCS === "1" && anywhere(quoted) !== anywhere(printed)) {
    writeFileSync(
      path,
      page.replace(demo, (_, before, _old, after) => before + printed + after),
    );
    return;
  }
  expect(anywhere(quoted)).toBe(anywhere(printed));
});
