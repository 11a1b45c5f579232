import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { chromium } from "playwright";
import { build, defaultClientConditions, preview } from "vite";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "./models.ts";

const example = (name: string): string =>
  fileURLToPath(new URL(`examples/${name}.ts`, import.meta.url));
const folder = temporaryFolder();

test.each([
  ["degree-bars", 15],
  ["degree-svg", 16],
])("the README of the figures has the example %s, in at most %i lines", async (name, most) => {
  const readme = new URL("../../../packages/figures/README.md", import.meta.url);
  const code = await readFile(example(name), "utf8");
  expect(await readFile(readme, "utf8")).toContain(`\`\`\`ts\n${code}\`\`\``);
  expect(code.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(most);
});

test("in Node it writes a file", async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    await import("./examples/degree-svg.ts");
  } finally {
    process.chdir(before);
  }
  const svg = await readFile(join(folder, "degrees.svg"), "utf8");
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg).toContain("9 bars of share of the logits.");
});

describe.skipIf(!hasChromium)(`in a page (needs ${chromiumPath})`, () => {
  test("it is bundled by Vite, and draws the bars", async () => {
    await writeFile(
      join(folder, "index.html"),
      `<!doctype html><body><script type="module">import ${JSON.stringify(example("degree-bars"))};</script>`,
    );
    const settings = {
      ...({ configFile: false, root: folder, logLevel: "error" } as const),
      resolve: { conditions: ["@resolvent/source", ...defaultClientConditions] },
    };
    await build({ ...settings, build: { target: "esnext" } });
    const server = await preview({ ...settings, preview: { port: 0, host: "127.0.0.1" } });
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: chromiumArgs,
    });
    try {
      const page = await browser.newPage();
      const failed: string[] = [];
      page.on("pageerror", ({ message }) => failed.push(message));
      await page.goto(server.resolvedUrls?.local[0] ?? "");
      await page.locator("svg").waitFor({ timeout: 60_000 });
      const told = await page.locator("svg desc").textContent();
      expect(told).toMatch(/^9 bars of share of the logits\. 0: .* %; 1: /);
      expect(await page.locator("svg rect.towards, svg rect.against").count()).toBe(9);
      expect(failed).toEqual([]);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
