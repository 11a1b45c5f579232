import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkViews } from "@resolvent/analysis";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder, writeDictionary, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const model = at("tiny");
const html = (command: string): string => at(`${command}.html`);
const call = (args: readonly string[]): Promise<Ran> => run(analyses, [...args, "--threads", "1"]);

const clean = ["--prompt", "once upon"];
const pair = [...clean, "--corrupt", "none upon"];

/** Every analysis, and what it takes besides a model, if it takes one. */
const calls: Readonly<Record<string, readonly string[]>> = {
  inspect: [],
  run: [...clean, "--attention"],
  heads: ["--repeat-length", "5"],
  ov: ["--head", "L0.H0", "--tokens-of", "once"],
  expand: clean,
  lens: clean,
  interactions: clean,
  profile: [...clean, "--runs", "1"],
  series: [...clean, "--order", "3"],
  qk: [...clean, "--head", "L1.H0"],
  paths: [...clean, "--level", "block"],
  patch: [...pair, "--nodes", "--positions"],
  circuit: [...pair, "--level", "head"],
  "train-dictionary": [
    ...["--tokens-file", at("ids.txt"), "--site", "L0.mlp.after", "--features", "6", "--k", "2"],
    ...["--steps", "4", "--batch", "4", "--held-out", "1", "--out", at("trained")],
  ],
  dictionary: ["--dictionary", at("sae"), "--tokens-file", at("ids.txt")],
  features: ["--dictionary", at("sae"), "--tokens-file", at("ids.txt"), "--feature", "2"],
  graph: [...clean, "--dictionary", at("transcoder"), "--most-features", "20"],
  linearity: ["--tokens-file", at("ids.txt"), "--draws", "3", "--lens-passes", "0"],
  "jacobian-lens": ["--tokens-file", at("ids.txt"), "--draws", "3", "--skip", "1"],
  report: ["--tokens-file", at("ids.txt"), "--sequences", "2", "--top", "2", "--order", "2"],
  barrier: [at("other"), "--tokens-file", at("ids.txt"), "--base", at("other"), "--grid", "3"],
  compare: [at("other"), ...clean, "--level", "head"],
  align: [at("other"), "--tokens-file", at("ids.txt"), "--points", "3"],
  merge: [at("merge.yml"), at("merged", "tiny")],
};

beforeAll(async () => {
  await writeModel(model, "gpt2");
  await writeModel(at("other"), "gpt2", { seed: 1 });
  await writeDictionary(at("sae"));
  await writeDictionary(at("transcoder"), {
    ...{ hook: "blocks.0.ln2.hook_normalized", hookOut: "blocks.0.hook_mlp_out" },
  });
  mkdirSync(at("merged"));
  const inputs = [model, at("other")].map((one) => `{model: ${JSON.stringify(one)}}`);
  writeFileSync(
    at("merge.yml"),
    `{merge_method: linear, parameters: {weight: 1}, models: [${inputs.join(", ")}]}`,
  );
  writeFileSync(at("ids.txt"), "1,2,3,4\n4,3,2,1\n1,3,2,4\n2,2,1,1\n");
});

test("all analyses are here", () => {
  expect(Object.keys(calls).sort()).toEqual(analyses.map(({ name }) => name).sort());
});

describe.each(Object.entries(calls))("the page of %s", (command, args) => {
  let page = "";
  beforeAll(async () => {
    const named = command === "merge" ? [] : [model];
    const own = [command, ...named, ...args, "--html", html(command), "--json"];
    const { code, stdout, stderr } = await call(own);
    expect([code, stderr]).toEqual([0, expect.stringContaining("has the page")]);
    expect(JSON.parse(stdout).model.name).toBe("tiny");
    page = await readFile(html(command), "utf8");
  });

  test("needs nothing else, and is well formed", () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    const outside = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
    expect(/https?:|<[^>]*\b(?:src|href)=|url\(|@import|<script/.exec(outside)).toBeNull();
    expect(/\bNaN\b|Infinity|\bundefined\b|\[object/.exec(page)).toBeNull();
    expect(unclosed(page)).toEqual([]);
    const ids = [...page.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("says what was asked, what came out, whether it adds up, and the command", () => {
    const { summary = "" } = analyses.find(({ name }) => name === command) ?? {};
    expect(page).toContain(summary.slice(1, 12));
    expect(page).toMatch(/<p class="lead">[^<]{20,}/);
    expect(page.match(/<svg /g)?.length).toBeGreaterThan(1);
    expect(page).toContain("Does it add up?");
    expect(page).toContain(`resolvent ${command} `);
    expect(page).toMatch(/resolvent \d+\.\d+\.\d+/);
  });
});

test("a page has the numbers of its result", async () => {
  const { stdout } = await call(["expand", model, ...clean, "--json"]);
  const page = await readFile(html("expand"), "utf8");
  for (const { logitShare } of JSON.parse(stdout).terms) {
    expect(page).toContain(`${(100 * logitShare).toFixed(1).replace("-", "−")} %`);
  }
});

describe("--svg", () => {
  test("writes one view, by number or mark, the first by default", async () => {
    const draw = async (...more: string[]): Promise<Ran> =>
      await call(["expand", model, ...clean, "--output", at("x.json"), "--overwrite", ...more]);
    const { code, stdout: first } = await draw("--svg", "-");
    expect(code).toBe(0);
    expect(first).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]* role="img"/);
    expect(unclosed(first)).toEqual([]);
    expect((await draw("--svg", "-", "--view", "bars")).stdout).toBe(first);
    const { stdout: second } = await draw("--svg", "-", "--view", "2");
    expect(second).not.toBe(first);
    expect((await draw("--svg", "-", "--view", "lines")).stdout).toBe(second);
  });

  test("--findings writes what draws all of them elsewhere", async () => {
    const own = ["expand", model, ...clean, "--json"];
    const { stdout } = await call([...own, "--output", at("own.json"), "--findings", "-"]);
    const { result, tables, views, answer } = JSON.parse(stdout);
    expect(result).toEqual(JSON.parse(await readFile(at("own.json"), "utf8")));
    expect(checkViews(views, tables)).toHaveLength(2);
    expect(answer.length).toBeGreaterThan(0);
    const twice = await call([...own, "--findings", "-"]);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining("standard output")]);
    const there = await call([...own, "--findings", at("own.json")]);
    expect(there.stderr).toContain("is there already");
  });

  test("refuses a view that is not there, a view without a file, and a file that is", async () => {
    const own = ["expand", model, ...clean];
    const none = await call([...own, "--svg", at("none.svg"), "--view", "9"]);
    expect([none.code, existsSync(at("none.svg"))]).toEqual([2, false]);
    expect(none.stderr).toContain("Its figures: 1 bars");
    expect((await call([...own, "--view", "1"])).stderr).toContain("Add --svg FILE");
    expect((await call([...own, "--svg", html("expand")])).stderr).toContain("is there already");
  });
});

/** Names of elements that are not closed, or closed without being open: in what we write every one is. */
function unclosed(text: string): string[] {
  const open: string[] = [];
  const odd: string[] = [];
  const tags = text
    .replace(/<style>.*?<\/style>/gs, "")
    .matchAll(/<(\/?)([a-zA-Z]+)([^>]*?)(\/?)>/g);
  for (const [, end, name = "", , empty] of tags) {
    if (empty === "/" || name === "meta" || name === "wbr") continue;
    if (end === "") open.push(name);
    else if (open.pop() !== name) odd.push(name);
  }
  return [...odd, ...open];
}

const title = hasChromium
  ? "in Chromium"
  : `in Chromium (skipped: no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM)`;

describe.skipIf(!hasChromium)(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: chromiumArgs,
    });
  });
  afterAll(async () => await browser.close());

  async function opened(command: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`file://${html(command)}`);
    return page;
  }

  /** The page that axe looks at, for all commands: a new one takes a second to read axe. */
  let checked: Page;
  /** Its console, errors and requests. */
  const said: string[] = [];
  beforeAll(async () => {
    // Only so that axe may run: the pages themselves allow no script.
    const context = await browser.newContext({ bypassCSP: true });
    await context.addInitScript(axe.source);
    checked = await context.newPage();
    checked.on("console", (message) => said.push(message.text()));
    checked.on("pageerror", (error) => said.push(error.message));
    checked.on("request", (request) => {
      if (!request.url().startsWith("file:")) said.push(request.url());
    });
  });

  const colours = ["light", "dark"] as const;
  test.each(Object.keys(calls))(
    "%s: at 1280 pixels, light and dark, and at 390, nothing sticks out, no text on text, axe finds nothing",
    async (command) => {
      said.length = 0;
      await checked.goto(`file://${html(command)}`);
      for (const width of [1280, 390]) {
        await checked.setViewportSize({ width, height: 800 });
        // Colours are the same at any width.
        for (const colorScheme of width === 1280 ? colours : (["light"] as const)) {
          await checked.emulateMedia({ colorScheme });
          const sizes = await checked.evaluate(
            "[document.documentElement.scrollWidth, innerWidth]",
          );
          expect(sizes).toEqual([width, width]);
          // What does not depend on colours is the same in both.
          const only = colorScheme === "light" ? "" : 'runOnly: ["color-contrast"],';
          const violations = await checked.evaluate(
            `axe.run({ ${only} resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + nodes[0].target))`,
          );
          expect(violations, `${width} ${colorScheme}`).toEqual([]);
        }
        expect(await checked.evaluate(`(${crowded})()`), `${width}`).toEqual([]);
      }
      expect(said).toEqual([]);
    },
  );

  test("what scrolls and what folds is reached by the keyboard, and is seen to be", async () => {
    const page = await opened("run", { viewport: { width: 390, height: 800 } });
    try {
      const reached: string[] = [];
      let focus = "";
      do {
        await page.keyboard.press("Tab");
        focus = await page.evaluate(
          "document.activeElement === document.body ? '' : document.activeElement.tagName + (getComputedStyle(document.activeElement).outlineStyle === 'none' ? ' unseen' : '')",
        );
        if (focus !== "") reached.push(focus);
      } while (focus !== "" && reached.length < 200);
      const count = async (selector: string): Promise<number> =>
        await page.locator(selector).filter({ visible: true }).count();
      expect(reached.filter((name) => name === "SUMMARY")).toHaveLength(await count("summary"));
      expect(reached.filter((name) => name === "DIV")).toHaveLength(
        await count(".scroll[tabindex='0']"),
      );
      expect(reached.filter((name) => name.endsWith("unseen"))).toEqual([]);
      const first = page.locator("summary").first();
      await first.focus();
      await page.keyboard.press("Enter");
      expect(await first.locator("..").getAttribute("open")).toBe("");
    } finally {
      await page.context().close();
    }
  });

  test("colours of the system are taken where they are forced, and no mark is lost; nothing moves", async () => {
    for (const command of ["run", "circuit", "linearity"]) {
      const page = await opened(command, {
        forcedColors: "active",
        reducedMotion: "reduce",
        viewport: { width: 1280, height: 800 },
      });
      try {
        const { unseen, moving } = await page.evaluate<{ unseen: string[]; moving: string[] }>(
          `(${forced})()`,
        );
        expect(unseen, command).toEqual([]);
        expect(moving, command).toEqual([]);
      } finally {
        await page.context().close();
      }
    }
  });

  test("prompts of several lines of a file: bars with their intervals, no text on text", async () => {
    writeFileSync(at("several.txt"), "once upon\nnone upon\nonce once\n");
    const args = ["expand", model, "--prompts", at("several.txt"), "--html", html("several")];
    expect((await call(args)).code).toBe(0);
    const page = await opened("several", { viewport: { width: 390, height: 800 } });
    try {
      expect(await page.locator("figure[data-mark=bars] svg line.ink").count()).toBeGreaterThan(6);
      expect(await page.locator(".lead").textContent()).toContain("3 prompts");
      expect(await page.evaluate(`(${crowded})()`)).toEqual([]);
    } finally {
      await page.context().close();
    }
  });
});

/** In the page: texts of figures that lie on each other, or stick out of their figure. */
const crowded = `() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const room = svg.getBoundingClientRect();
  if (room.width === 0) return [];
  const texts = [...svg.querySelectorAll("text")]
    .map((text) => [text.textContent, text.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0);
  const out = texts
    .filter(([, box]) => box.left < room.left - 1 || box.right > room.right + 1 || box.top < room.top - 1 || box.bottom > room.bottom + 1)
    .map(([text]) => text + " sticks out");
  const on = texts.flatMap(([text, a], i) => texts.slice(0, i).flatMap(([other, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3
      ? [text + " on " + other] : []));
  return [...out, ...on];
})`;

/** In the page: marks that have the colour of what is behind them, and what moves. */
const forced = `() => {
  const paper = getComputedStyle(document.body).backgroundColor;
  const unseen = [...document.querySelectorAll("svg rect[data-node], svg circle, svg path, svg line.series-0")]
    .filter((mark) => {
      const { fill, stroke } = getComputedStyle(mark);
      return [fill, stroke].every((colour) => colour === "none" || colour === paper);
    })
    .filter((mark) => !mark.classList.contains("empty"))
    .map((mark) => mark.outerHTML.slice(0, 80));
  const moving = [...document.querySelectorAll("*")]
    .filter((one) => {
      const { animationName, transitionDuration } = getComputedStyle(one);
      return animationName !== "none" || transitionDuration !== "0s";
    })
    .map(({ tagName }) => tagName);
  return { unseen, moving };
}`;
