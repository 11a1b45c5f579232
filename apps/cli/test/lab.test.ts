import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL } from "@resolvent/analysis/remote";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { chromium } from "playwright";
import { expect, test } from "vitest";
import { runProgram } from "../src/program.ts";
import { terminalOf } from "../src/terminal.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { output, resolvent } from "./program.ts";

const folder = temporaryFolder();
const built = fileURLToPath(new URL("../dist/app/index.html", import.meta.url));

/** Runs `resolvent lab` until it has said where it is. */
async function serve(...words: string[]) {
  const stop = new AbortController();
  const notes: string[] = [];
  let heard = (_said: string): void => {};
  const said = new Promise<string>((resolve) => {
    heard = resolve;
  });
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined },
    {},
    {
      stdout: { write: (text) => heard(text) },
      stderr: { write: (text) => notes.push(text) },
      readInput: async () => new Uint8Array(),
    },
  );
  const args = ["lab", ...words, "--no-open"];
  const places = { folder, env: { XDG_DATA_HOME: join(folder, "data") } };
  const ended = runProgram(args, terminal, { analyses: [], signal: stop.signal, places });
  const [link = ""] = /http:\S+/.exec(await said) ?? [];
  return { link, said: await said, notes, ended, stop: () => stop.abort() };
}

test("analyses of a plug-in that is named run here, as it says before", async () => {
  const plugin = join(folder, "layers.mjs");
  writeFileSync(
    plugin,
    `export const analyses = [{
      name: "layers", summary: "counts layers", description: "Counts layers.", needs: "outline",
      params: { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }),
        jsonSchema: { input: () => ({ type: "object", properties: {} }), output: () => ({}) } } },
      run: async ({ model: { name, architecture } }) => ({
        schemaVersion: 1, kind: "layers", model: { name, sha256: null, architecture: "x" },
        n: architecture.layers,
      }),
      tables: ({ n }) => [{ kind: "layer", columns: [{ name: "n", kind: "count" }], rows: [[n]] }],
    }];`,
  );
  const served = await serve("--plugin", plugin, "--port", "0", "--threads", "1");
  try {
    expect(served.notes.join("")).toContain("as a program it can do what you can");
    const { origin, searchParams } = new URL(served.link);
    const work = {
      analysis: "layers",
      model: "tales",
      values: {},
      precision: "f32",
      float64: true,
    };
    const response = await fetch(`${origin}/ask`, {
      method: "POST",
      headers: {
        ...{ origin, "content-type": "application/json" },
        authorization: `Bearer ${searchParams.get("token")}`,
      },
      body: JSON.stringify({ protocol: PROTOCOL, id: 1, ask: "run", work }),
    });
    const replies = (await response.text()).trim().split("\n");
    expect(JSON.parse(replies.at(-1) ?? "")).toMatchObject({ findings: { result: { n: 4 } } });
  } finally {
    served.stop();
    expect(await served.ended).toBe(0);
  }
});

test("help says what it reads and how it ends; folders and ports that are none are refused", async () => {
  const help = await output(["lab", "--help"]);
  for (const word of ["--folder <dir>", "--port <n>", "--no-open", "--threads", "Ctrl-C"])
    expect(help).toContain(word);
  const port = await resolvent(["lab", "--port", "70000"]);
  expect([port.code, port.stderr]).toEqual([2, expect.stringContaining("from 0 (a free one)")]);
  const none = await resolvent(["lab", "--folder", join(folder, "none")]);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("no such folder")]);
});

/** Waits until it is so: a page may take long beside other tests. */
const see = <Value>(what: () => Promise<Value>) => expect.poll(what, { timeout: 40_000 });

// One page for all that has to be seen.
test.skipIf(!hasChromium)(
  `in Chromium: a page that computes by this machine, and finds it again (skipped where there is none at ${chromiumPath})`,
  async () => {
    expect(existsSync(built), "npm run build puts it there").toBe(true);
    const model = await writeModel(join(folder, "own"), "gpt2");
    const served = await serve(model, "--folder", folder, "--port", "0", "--threads", "1");
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: chromiumArgs,
    });
    let again: Awaited<ReturnType<typeof serve>> | undefined;
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      const asked: string[] = [];
      const faults: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(served.link.replace(/#.*/, ""));
      const engine = page.locator("details.engine > summary");
      const shown = () => engine.textContent();
      await see(shown).toBe("machine: cpu · f32");
      await see(() => engine.getAttribute("title")).toMatch(
        /: this machine \(cpu, 1 thread, .+\)$/,
      );
      // Its engines, and where else it may be computed.
      await engine.click();
      const options = page.locator(".engines strong");
      await see(() => options.allTextContents()).toEqual([
        ...["this page", "this machine", "as chosen", "webgpu", "cpu", "gpujs", "reference"],
        ...["f32", "f64"],
      ]);
      await engine.click();
      // Its link is for whoever has the token, and not for whoever copies the address.
      expect(page.url()).not.toContain("token");
      expect(await page.getByLabel("Model").locator("option").allTextContents()).toContain(model);
      // Whatever is shown is computed there: the page starts no worker.
      await page.evaluate(() => {
        location.hash = "v=1&m=tales&p=Once+upon+a+time";
      });
      await see(() => page.locator("main").textContent()).toContain("upon");
      expect(asked.filter((url) => url.endsWith("/ask")).length).toBeGreaterThan(2);
      expect(page.workers()).toHaveLength(0);
      // Without the program it says so; where that is started again it goes on, in the page that was open.
      served.stop();
      expect(await served.ended).toBe(0);
      await page.evaluate(() => {
        location.hash = "v=1&m=tales&p=Once+there+was+a";
      });
      await see(() => page.getByRole("alert").textContent()).toContain("does not answer any more");
      await see(shown).toBe("machine: no answer · f32");
      const { port } = new URL(served.link);
      again = await serve("--port", port, "--threads", "1");
      const other = await context.newPage();
      await other.goto(again.link);
      await other.close();
      await page.evaluate(() => {
        location.hash = "v=1&m=tales&p=Once+upon+a+day";
      });
      await see(() => page.locator("main").textContent()).toContain("day");
      await see(shown).toBe("machine: cpu · f32");
      expect(faults).toEqual([]);
    } finally {
      served.stop();
      again?.stop();
      await again?.ended;
      await browser.close();
    }
  },
);
