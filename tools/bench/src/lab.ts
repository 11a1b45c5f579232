/**
 * How fast the lab's page is, in a real Chromium on the built app: frames per second over 1,000 paths and over a graph
 * of 2,000 nodes, time to the first paint and until the worker answers, the longest task of the main thread while `tales`
 * is taken apart, and bytes by part: `node dist/lab.js [--rounds N] [--dry]`. Writes its section into RESULTS.md, unless
 * `--dry`. Build the app first.
 */

import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromiumArgs, chromiumPath } from "@resolvent/testkit/chromium";
import { type Browser, chromium, type Page } from "playwright";
import { askWorker } from "./lab/asked.ts";
import { firstViewPart, gathered, type Part, pageBytes } from "./lab/chunks.ts";
import { labReport, type Time } from "./lab/report.ts";
import { type Scene, scenesOf } from "./lab/scenes.ts";
import { DIST, EMPTY, type Served, served } from "./lab/served.ts";
import { longestTask, watch } from "./lab/watched.ts";
import { withSection } from "./torch/table.ts";

const HEADING = "## The lab's page";

/** What the lab opens with. */
const PROMPT = "When Mary and John went to the market, John gave a drink to";
const TARGET = [346, 364];

/** A longer one, of 63 tokens: its graph has 1,876 nodes, near the 2,000 that are asked for. */
const LONGER = `Once upon a time there was a little girl who had a red ball. She went to the park with her mother, and there she saw a dog. The dog was big and brown, and it wanted to play with the ball. ${PROMPT}`;

/** Milliseconds that somebody looks at the page before the first click. */
const IDLE = 3000;

/** Tabs, each a panel of its own. */
const TABS = ["Heads", "Features", "Linear?", "Two models"];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    dry: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const server = await served(true);
/** The same without headers of its own: a folder of static files. */
const folder = await served(false);
const browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
try {
  const before = loadavg()[0] ?? 0;
  const { times, parts } = await started(browser);
  const { scenes, sizes, graph } = await used();
  const section = labReport({
    ...{ browser: `Chromium ${browser.version()}`, times: [...times, ...graph], scenes, sizes },
    load: [before, loadavg()[0] ?? 0],
    parts: [firstViewPart(), ...parts],
    page: pageBytes(),
  });
  process.stdout.write(`${section}\n`);
  if (!values.dry) {
    const path = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
    await writeFile(path, withSection(await readFile(path, "utf8"), HEADING, section));
  }
} finally {
  await browser.close();
  await server.close();
  await folder.close();
}

/** A page of its own, which nothing of another has warmed. */
async function opened(at = "", from = server): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  await page.addInitScript(watch);
  await page.goto(`${from.address}${at}`);
  return page;
}

/** Waits until nothing goes on. */
async function idle(page: Page): Promise<void> {
  await page.waitForTimeout(100);
  await page.waitForFunction(() => document.querySelector(".status")?.textContent?.trim() === "");
}

/** When something was painted first, in milliseconds from when the page was asked for. */
async function firstPaint(page: Page): Promise<number> {
  const paint = await page.waitForFunction(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  return (await paint.jsonValue()) ?? Number.NaN;
}

/** Of each round: when an empty page was painted, when the page was, and when its worker had answered. */
interface FirstRounds {
  readonly empty: number[];
  readonly paints: number[];
  readonly lives: number[];
}

function firstRounds(): FirstRounds {
  return { empty: [], paints: [], lives: [] };
}

/** One round of a page that was never there, after one of an empty page: the page, live. */
async function appears(from: Served, to: FirstRounds): Promise<Page> {
  const nothing = await opened(EMPTY, from);
  to.empty.push(await firstPaint(nothing));
  await nothing.context().close();
  const page = await opened("", from);
  await page.waitForFunction(() => globalThis.benchWatch.live !== null);
  to.paints.push(await firstPaint(page));
  to.lives.push((await page.evaluate(() => globalThis.benchWatch.live)) ?? Number.NaN);
  return page;
}

function firstTimes(how: string, { empty, paints, lives }: FirstRounds): readonly Time[] {
  return [
    { what: `${how}: first paint of an empty page, the browser alone`, rounds: empty, goal: null },
    { what: `${how}: first paint of the static first view`, rounds: paints, goal: 300 },
    { what: `${how}: live on \`tales\`, the worker has answered`, rounds: lives, goal: 1000 },
  ];
}

/** Milliseconds from a click on the third path until it was taken away. */
async function takenAway(page: Page): Promise<number> {
  const at = performance.now();
  await page.locator(".list tbody tr").nth(2).click();
  await page.keyboard.press("Enter");
  await page.getByText("Taken away ✓").waitFor();
  return performance.now() - at;
}

/** From a page that was never there to a path that was taken away. */
async function started(on: Browser): Promise<{ times: readonly Time[]; parts: readonly Part[] }> {
  const appeared = { folder: firstRounds(), isolated: firstRounds() };
  const checks: number[] = [];
  const later: number[] = [];
  const starts: number[] = [];
  const tasks: number[] = [];
  let parts: readonly Part[] = [];
  for (let round = 0; round < rounds; round++) {
    // In turn, so that all have the same of what else the machine does.
    await (await appears(folder, appeared.folder)).context().close();
    const page = await appears(server, appeared.isolated);
    starts.push(await longestTask(page));
    checks.push(await takenAway(page));
    await page.keyboard.press("w");
    await idle(page);
    await page.keyboard.press("v");
    await idle(page);
    await page.keyboard.press("f");
    await idle(page);
    await page.keyboard.press("/");
    await page.keyboard.type("Once upon a time there was a");
    await page.keyboard.press("Enter");
    await idle(page);
    tasks.push(await longestTask(page));
    await page.context().close();
    const waited = await opened();
    await waited.waitForFunction(() => globalThis.benchWatch.live !== null);
    await waited.waitForTimeout(IDLE);
    later.push(await takenAway(waited));
    await waited.context().close();
  }
  parts = await partsOf(on);
  return {
    times: [
      ...firstTimes("as a folder of static files, one thread", appeared.folder),
      ...firstTimes("isolated by its server, threads", appeared.isolated),
      { what: "the third path taken away, from the click, at once", rounds: checks, goal: null },
      { what: `the same, ${IDLE / 1000} s after it was live`, rounds: later, goal: null },
      { what: "longest task until live", rounds: starts, goal: 100 },
      {
        ...{ what: "longest task while `tales` is taken apart: check, why, all, tree, sentence" },
        ...{ rounds: tasks, goal: 100 },
      },
    ],
    parts,
  };
}

/** What is loaded when, tab by tab. */
async function partsOf(on: Browser): Promise<readonly Part[]> {
  const page = await on.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(watch);
  const { part, parts } = gathered(page);
  await page.goto(server.address);
  await page.waitForFunction(() => globalThis.benchWatch.live !== null);
  await page.locator(".list tbody tr").nth(2).click();
  await page.keyboard.press("Enter");
  await page.getByText("Taken away ✓").waitFor();
  await page.keyboard.press("f");
  await idle(page);
  part("all without a further panel", 180_000);
  await page.keyboard.press("w");
  await idle(page);
  part("why a head looks there", 60_000);
  for (const tab of TABS) {
    await page.getByRole("navigation").getByRole("button", { name: tab, exact: true }).click();
    await page.waitForTimeout(500);
    await idle(page);
    part(`${tab}, once opened`, 60_000);
  }
  await page.close();
  return parts();
}

/** Many paths, and many nodes. */
async function used(): Promise<{
  scenes: readonly Scene[];
  sizes: readonly string[];
  /** How long its opening takes, which is no part of how it is used. */
  graph: readonly Time[];
}> {
  const worker = readdirSync(`${DIST}assets`).find((file) => /^worker-.*\.js$/.test(file));
  if (worker === undefined) throw new Error("The built app has no worker: build it first.");
  const asking = await opened();
  const ask = async (analysis: string, own: object): Promise<string> =>
    await askWorker(asking, `assets/${worker}`, {
      ...{ analysis, model: "tales", precision: "f32", float64: false },
      values: { prompt: PROMPT, target: TARGET, ...own },
    });
  const paths = await ask("paths", { positions: true, top: 1000, routes: 1, verify: 0 });
  // Longer than the sentence: so that some 2,000 features and errors are active.
  const graph = await ask("graph", {
    ...{ prompt: LONGER, nodeThreshold: 1, edgeThreshold: 0.98, explain: 0, top: 1, budget: 0 },
  });
  await asking.context().close();
  const file = JSON.stringify(JSON.parse(graph).result.graph);
  const { nodes, links } = JSON.parse(file);
  // From the disk: what the driver hands over by itself is put together on the page's main thread.
  const home = await mkdtemp(join(tmpdir(), "resolvent-bench-"));
  const path = join(home, "graph.json");
  await writeFile(path, file);

  server.first = paths;
  const grid = await opened();
  await grid.locator(".routes .mark").waitFor();
  await grid.waitForFunction(() => globalThis.benchWatch.live !== null);
  const overPaths = await scenesOf(grid, "1,000 paths", {
    figure: grid.locator(".routes .mark"),
    list: grid.locator(".paths"),
  });
  const pathNodes = await grid.evaluate(() => document.querySelectorAll("*").length);
  await grid.context().close();
  server.first = null;

  const page = await opened("#v=1&a=features-view");
  await page.waitForFunction(() => globalThis.benchWatch.live !== null);
  await idle(page);
  await longestTask(page); // what was before is told above
  const name = `${nodes.length.toLocaleString("en")} nodes`;
  const timed = async (what: string, act: () => Promise<void>): Promise<readonly Time[]> => {
    const at = performance.now();
    await act();
    await drawnWhole(page);
    const ms = performance.now() - at;
    const task = await longestTask(page);
    return [
      { what: `${name}: ${what}`, rounds: [ms], goal: null },
      { what: "longest task meanwhile", rounds: [task], goal: null },
    ];
  };
  const opening = await timed(
    `a file of ${(file.length / 1e6).toFixed(1)} MB opened, until its pruned picture is there`,
    async () => {
      await page.locator("input[type=file]").setInputFiles(path);
      await page.locator(".nodes tbody tr").first().waitFor();
    },
  );
  const whole = await timed("all of them, from the slider until the picture is there", async () => {
    const slider = page.locator('input[type="range"]');
    await slider.fill((await slider.getAttribute("max")) ?? "1");
  });
  const overNodes = await scenesOf(page, name, {
    figure: page.locator(".mark").first(),
    list: page.locator(".tall"),
  });
  const graphNodes = await page.evaluate(() => document.querySelectorAll("*").length);
  await page.context().close();
  await rm(home, { recursive: true });
  return {
    scenes: [...overPaths, ...overNodes],
    sizes: [
      `1,000 paths of \`tales\` (${pathNodes.toLocaleString("en")} elements in the page)`,
      `the whole graph of \`tales-transcoders\`, ${name} and ${links.length.toLocaleString("en")} edges (${graphNodes.toLocaleString("en")} elements), once its picture is there: opening it is told below`,
    ],
    graph: [...opening, ...whole],
  };
}

/** Waits until the picture of a graph is that of what is asked: it is pruned in one worker and painted in another. */
async function drawnWhole(page: Page): Promise<void> {
  const graph = '.panel[aria-labelledby="graph"][aria-busy="false"]';
  await page.locator(`${graph} .mark > :is(svg, .painted[aria-busy="false"])`).waitFor();
}
