import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineAccuracy } from "@resolvent/tensor";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultless } from "./faultless.ts";
import { copiedBy, openMenu, savedBy } from "./same-question.ts";
import { type StaticServer, serveFolder } from "./static-server.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(join(dist, "index.html"))) throw new Error('Run "npm run build" first.');

const inChromium = hasChromium
  ? describe
  : describe.skip.bind(
      null,
      `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`,
    );

/** What the likeliest tokens of a run say. */
interface Run {
  readonly engine: string;
  readonly question: string;
  readonly next: readonly { readonly id: number; readonly logit: number }[];
}

inChromium("engines in Chromium", () => {
  let browser: Browser;
  let server: StaticServer;
  let page: Page;

  const choice = () => page.locator("details.engine");
  const menu = () => page.locator(".found details.take").first();
  /** Opens what says what computes. */
  const engines = async () => {
    if ((await choice().getAttribute("open")) === null) await choice().locator("summary").click();
    return choice().locator(".engines");
  };
  const radio = async (name: string) =>
    (await engines()).getByRole("radio", { name: new RegExp(`^${name} `) });
  /** What the panel shows once an engine has computed it. */
  const found = async (engine: string): Promise<Run> => {
    await choice().locator("summary", { hasText: engine }).waitFor();
    await page.waitForFunction(() => document.querySelector(".status")?.textContent?.trim() === "");
    if ((await choice().getAttribute("open")) !== null) await choice().locator("summary").click();
    const { path } = await savedBy(await openMenu(menu()), "JSON");
    const run: Run = JSON.parse(readFileSync(path, "utf8"));
    expect(run.engine).toBe(engine);
    return run;
  };

  beforeAll(async () => {
    server = await serveFolder(dist, "/");
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: [...chromiumArgs, "--enable-unsafe-webgpu"],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const values = encodeURIComponent(JSON.stringify({ prompt: "Once upon a time", top: 5 }));
    await page.goto(`${server.address}#v=1&m=attn-only-2l&a=run&q=${values}`);
    await menu().waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test("the one that computes is shown with its reasons; another says the same, and is in the link, the command and the program", async () => {
    const own = await found("cpu");
    const sheet = await engines();
    await sheet.getByText("so small that a GPU has no time to gain").waitFor();
    const names = await sheet.locator("fieldset").first().locator("strong").allTextContents();
    expect(names).toEqual(["as chosen", "webgpu", "cpu", "gpujs", "reference"]);
    await faultless(page);
    const largest = Math.max(...own.next.map(({ logit }) => Math.abs(logit)));
    for (const name of ["webgpu", "gpujs", "reference"] as const) {
      await (await radio(name)).check();
      const other = await found(name);
      expect(new URL(page.url()).hash).toContain(`&g=${name}`);
      expect(other.question).toBe(own.question);
      expect(other.next.map(({ id }) => id)).toEqual(own.next.map(({ id }) => id));
      const { result } = engineAccuracy[name === "reference" ? "cpu f32" : name];
      expect(other.next.map(({ logit }) => logit)).toBeNear(
        own.next.map(({ logit }) => logit),
        { rtol: 0, atol: result * largest },
      );
    }
    // The reference has its own precision.
    expect(await choice().locator("summary").textContent()).toContain("f64");
    const copies = await openMenu(menu());
    expect(await copiedBy(copies, "command")).toContain("--engine reference --precision f64");
    expect(await copiedBy(copies, "TypeScript")).toContain(
      'openModel("attn-only-2l", { engine: "reference", precision: "f64" })',
    );
    expect(new URL(await copiedBy(copies, "link")).hash).toContain("g=reference");
    await (await radio("f32")).check();
    await (await radio("as chosen")).check();
    expect((await found("cpu")).next).toEqual(own.next);
    expect(new URL(page.url()).hash).not.toContain("g=");
  });

  test("digits that another engine may have otherwise are grey, in figures and in lists", async () => {
    await page.goto(`${server.address}#v=1`);
    await page.locator("select.models:not([disabled])").waitFor();
    const degrees = page.locator(".degrees");
    await degrees.locator("svg tspan.unsure").first().waitFor();
    await degrees.getByRole("button", { name: /^Table: / }).click();
    await degrees.locator(".figure-table td").first().waitFor(); // its code comes with the first table
    const grey = await degrees.locator("td .unsure").allTextContents();
    expect(grey.length).toBeGreaterThan(0);
    for (const digits of grey) expect(digits).toMatch(/^\.?\d+$/);
  });
});
