import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { chromium } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pagesOf } from "../src/pages.mjs";
import { writeSite } from "../src/site.mjs";

const folder = mkdtempSync(join(tmpdir(), "resolvent-docs-"));
const pages = pagesOf();
const read = (place: string): string => readFileSync(join(folder, place), "utf8");

beforeAll(() => {
  writeSite(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("it has the guide, every package, API and decision, each once", () => {
  const sections = new Set(pages.map(({ section }) => section));
  expect([...sections]).toEqual(["Guide", "Packages", "Project", "Decisions", "API"]);
  expect(new Set(pages.map(({ place }) => place)).size).toBe(pages.length);
  expect(pages.filter(({ section }) => section === "API").length).toBeGreaterThan(50);
  for (const { place, title } of pages) expect(title.length, place).toBeGreaterThan(2);
});

test("an export has a heading of its own, which the search finds first", () => {
  const html = read("packages/cpu/cpu.api.html");
  expect(html).toMatch(/<h1 id="[^"]*">@resolvent\/cpu<\/h1>/);
  expect(html).toContain('<h3 id="createcpu"><code>createCpu</code></h3>');
  expect(html).not.toMatch(/Do not edit|@public|undocumented/);
  for (const { place } of pages.filter(({ section }) => section === "API"))
    expect(read(place), place).toMatch(/<h3 |It exports nothing/);
  const silent = pages.filter(({ text }) => text.includes("It exports nothing"));
  expect(silent.every(({ title }) => title.startsWith("@resolvent/elements/"))).toBe(true);
});

test("every link leads to what is there, and to a heading that is there; none needs a network to be drawn", () => {
  const anchors = new Map(
    pages.map(({ place }) => [
      place,
      new Set([...read(place).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
    ]),
  );
  const broken: string[] = [];
  let links = 0;
  for (const { place, file } of pages) {
    const html = read(place);
    for (const [, name = "", href = ""] of html.matchAll(/ (href|src)="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(href)) {
        if (name === "src") broken.push(`${file}: ${href} is fetched`);
        continue;
      }
      links++;
      const [path = "", anchor] = href.split("#");
      const to = path === "" ? place : join(dirname(place), decodeURI(path));
      if (!existsSync(join(folder, to))) broken.push(`${file}: ${href}`);
      else if (anchor && !anchors.get(to)?.has(decodeURI(anchor))) broken.push(`${file}: ${href}`);
    }
  }
  expect(broken).toEqual([]);
  expect(links).toBeGreaterThan(1000);
});

test("the guide links to every page of the guide, so that nobody has to know of the list", () => {
  const guide = pages.filter(({ section }) => section === "Guide");
  const linked = new Set(
    guide.flatMap(({ text }) =>
      [...text.matchAll(/\]\((?:docs\/)?((?:cards\/)?[\w-]+\.md)[)#]/g)].map(([, to]) => to),
    ),
  );
  const missing = guide.filter(({ file }) => !linked.has(file.replace(/^docs\//, "")));
  expect(missing.map(({ file }) => file)).toEqual(["README.md"]);
});

test.skipIf(!hasChromium)(
  `in Chromium, from a disk: figures are alive, and the search finds (skipped where there is none at ${chromiumPath})`,
  async () => {
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: chromiumArgs,
    });
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      const asked: string[] = [];
      page.on("pageerror", ({ message }) => faults.push(message));
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(pathToFileURL(join(folder, "idea.html")).href);
      // Figures are drawn once they are seen to have a width.
      for (const element of ["resolvent-degrees", "resolvent-paths"])
        await page.locator(`${element} svg`).first().waitFor();
      await page.getByLabel("Search").fill("truncated tree");
      const first = page.locator("#found a").first();
      expect((await first.textContent())?.toLowerCase()).toContain("truncated tree");
      await page.getByLabel("Search").press("Enter");
      await page.waitForURL(/#/);
      await page.getByLabel("Search").fill("createCpu");
      expect(await first.textContent()).toBe("@resolvent/cpu: createCpu");
      await page.getByLabel("Search").fill("zzzz");
      expect(await page.locator("#found").textContent()).toContain("Nothing");
      expect(asked.filter((url) => !url.startsWith("file:"))).toEqual([]);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);
