import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { View } from "@resolvent/analysis";
import { layout, svgOf } from "@resolvent/figures";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bundleOf } from "../build.mjs";
import { pathsShows } from "../src/paths-shows.ts";
import { PADDING } from "../src/sheet.ts";
import { shownOf } from "../src/shown.ts";
import { analysisOf, readResult, results, resultText } from "./results.ts";

const title = hasChromium
  ? "in Chromium"
  : `in Chromium (skipped: no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM)`;

/** No script but the elements', no style but of files, and nothing that makes HTML of texts. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; require-trusted-types-for 'script'";

/** What a text of a model may be. */
const HOSTILE = `</script><img src=x onerror="document.title='broken'">\u202e`;

describe.skipIf(!hasChromium)(title, () => {
  let server: Server;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** Another, which forbids nothing. */
  let plain: Page;
  const said: string[] = [];

  let all: string;
  beforeAll(async () => {
    all = await bundleOf("all");
    const files: Record<string, readonly [type: string, text: string]> = {
      "/": ["text/html", pageText(results.map(elementText).join("\n") + others)],
      "/heard.js": [
        "text/javascript",
        "const heard = []; document.addEventListener('resolvent-select', ({ detail }) => heard.push(detail));",
      ],
      "/all.js": ["text/javascript", all],
      "/dist/all.js": ["text/javascript", all],
      "/example/": ["text/html", example("index.html")],
      "/example/page.css": ["text/css", example("page.css")],
      "/page.css": ["text/css", "body{margin:0;width:100%}"],
      "/no.json": ["application/json", "{"],
    };
    for (const { name } of results) {
      const json = ["application/json", resultText(name)] as const;
      files[`/${name}.json`] = json;
      files[`/test/results/${name}.json`] = json;
    }
    server = createServer(({ url = "" }, answer) => {
      const [type, text] = files[url] ?? ["text/plain", ""];
      answer.writeHead(text === "" ? 404 : 200, { "content-type": `${type}; charset=utf-8` });
      answer.end(text);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: chromiumArgs,
    });
    context = await browser.newContext({ viewport: { width: 800, height: 900 } });
    page = await context.newPage();
    plain = await context.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    const { port } = server.address() as AddressInfo; // it listens on a port
    await page.goto(`http://127.0.0.1:${port}/`);
    await until(
      page,
      "[...document.querySelectorAll('[src]:not(script)')].every((one) => one.shadowRoot.querySelector('svg, .fault'))",
    );
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test.each(results.map((one, i) => ({ ...one, id: `e${i}` })))(
    "$shows.name draws the shapes of $name that the command line draws",
    async ({ name, analysis, shows, id }) => {
      const result = readResult(name);
      const own = analysisOf(analysis);
      const [tables, all] = [own.tables(result), own.views?.(result) ?? []];
      const { views } = shownOf(JSON.parse(resultText(name)), shows);
      const count = views.length;
      const expected = all
        .filter((view) => views.some((one) => same(one, view)))
        .map((view) => svgOf(layout(view, tables, { width: widthOf(view) })));
      expect(expected).toHaveLength(count);
      const drawn = await page.evaluate<unknown[]>(
        `[...document.querySelector("#${id}").shadowRoot.querySelectorAll("svg")].map(${shapes})`,
      );
      const commanded = await Promise.all(expected.map((text) => plain.evaluate(parsed(text))));
      expect(drawn).toEqual(commanded);
      expect(drawn.length).toBe(count);
      expect(JSON.stringify(drawn).length).toBeGreaterThan(1000);
    },
  );

  test("figures of a group light up together, by mouse and by keys", async () => {
    const [list, routes, other] = [
      page.locator("#e3 svg").nth(1),
      page.locator("#e3 svg").first(),
      page.locator("#other svg").first(),
    ];
    const lit = async (): Promise<number[]> =>
      await Promise.all([routes, list, other].map((svg) => svg.locator(".lit").count()));
    await list.locator("[data-key]").first().click();
    const [onRoutes = 0, onList = 0, onOther] = await lit();
    expect([onRoutes > 0, onList > 1, onOther]).toEqual([true, true, 0]);
    expect(await page.locator("#twin .lit").count()).toBe(onRoutes + onList);
    expect(
      await page.evaluate("heard.map(({ group, selection }) => [group, selection.key])"),
    ).toEqual([["", "embed → L0.H2 → L0.mlp"]]);
    // The focus is where it was clicked; one mark of each figure is reached by tab.
    expect(await list.locator("[tabindex='0']").count()).toBe(1);
    await list.locator("[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("heard.at(-1).selection.key")).toBe(
      "embed → L0.H2 → L0.mlp → L2.H2",
    );
    expect(await list.locator("[aria-pressed=true]").count()).toBe(1);
    await page.keyboard.press("Escape");
    expect(await lit()).toEqual([0, 0, 0]);
    expect(await page.evaluate("heard.at(-1).selection")).toBeNull();
  });

  test("a picked degree lights up its paths", async () => {
    await page.locator("#e1 svg [data-key='3']").first().click();
    const { shown } = Object(readResult("paths"));
    const deep = shown.filter(({ degree }: { degree: number }) => degree === 3).length;
    const list = page.locator("#e3 svg").nth(1);
    expect(await list.locator("[aria-pressed=true]").count()).toBe(deep);
    expect(deep).toBeGreaterThan(1);
    await page.locator("#e1 svg [data-key='3']").first().click();
    expect(await list.locator("[aria-pressed=true]").count()).toBe(0);
  });

  test("tables fold, with their rows and the sum of the rest", async () => {
    const details = page.locator("#e3 details").nth(1);
    await details.locator("summary").click();
    await details.locator("table").waitFor();
    const rows = readResult("paths") as unknown as { shown: unknown[] };
    expect(await details.locator("tbody tr").count()).toBe(rows.shown.length);
    expect(await details.locator("tfoot tr").count()).toBe(1);
    // A redrawn figure keeps what was open.
    await page.setViewportSize({ width: 390, height: 900 });
    await until(
      page,
      "document.querySelector('#e0').shadowRoot.querySelector('svg').clientWidth < 390",
    );
    expect(await details.getAttribute("open")).toBe("");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    // There, tokens of routes stand one below the other, as `layout` draws them so.
    const [view] = shownOf(readResult("paths"), pathsShows).views;
    if (view === undefined) throw new Error("Paths have routes.");
    const room = { width: 390 - 2 * PADDING, turned: true };
    const narrow = svgOf(layout(view, analysisOf("paths").tables(readResult("paths")), room));
    expect(
      await page.evaluate(
        `(${shapes})(document.querySelector("#e3").shadowRoot.querySelector("svg"))`,
      ),
    ).toEqual(await plain.evaluate(parsed(narrow)));
    await page.setViewportSize({ width: 800, height: 900 });
    await until(
      page,
      "document.querySelector('#e0').shadowRoot.querySelector('svg').clientWidth > 390",
    );
  });

  test("results come from an address, from inside, or from a script; what is wrong is said in words", async () => {
    const text = async (id: string): Promise<string | null> =>
      await page.evaluate(`document.querySelector("#${id}").shadowRoot.textContent`);
    expect(await page.locator("#inside svg").count()).toBe(2);
    expect(await text("none")).toBe("No result yet.");
    expect(await text("missing")).toBe(
      "missing.json cannot be read: the answer is 404. Look at the address in the attribute src.",
    );
    expect(await text("broken")).toContain("no.json is not JSON.");
    expect(await text("odd")).toMatch(/kind qk, which resolvent-graph does not know/);
    expect(await text("view")).toMatch(/no figure "9" here. There are: 1, bars/);
    const lines = await page.evaluate<[number, number]>(`(async () => {
      const made = document.querySelector("#none");
      made.result = await (await fetch("expand.json")).json();
      const drawn = made.shadowRoot.querySelectorAll("svg").length;
      made.setAttribute("view", "2");
      const chosen = made.shadowRoot.querySelectorAll("svg").length;
      made.result = null;
      return [drawn, chosen];
    })()`);
    expect(lines).toEqual([2, 1]);
    expect(await text("none")).toBe("No result yet.");
  });

  test("texts of a model stay texts", async () => {
    const result = JSON.stringify(readResult("run")).replaceAll(
      " cat",
      JSON.stringify(HOSTILE).slice(1, -1),
    );
    await page.evaluate(`document.querySelector("#hostile").result = ${result}`);
    expect(await page.locator("#hostile svg").count()).toBe(1);
    expect(await page.locator("#hostile img, #hostile script").count()).toBe(0);
    const text: string = await page.evaluate(
      `document.querySelector("#hostile").shadowRoot.textContent`,
    );
    expect(text).toContain("onerror");
    expect(text).not.toContain("\u202e");
    expect(await page.title()).toBe("Figures");
  });

  test("what is too much, too deep or no number is a sentence, and the page goes on", async () => {
    const told: string[] = await page.evaluate(`(() => {
      const one = document.querySelector("#hostile");
      const given = (made) => {
        one.result = made;
        return one.shadowRoot.textContent;
      };
      const result = ${JSON.stringify(readResult("run"))};
      const column = (name) => ({ name, kind: "number" });
      const table = (rows) => ({ kind: "attention", columns: ["a", "b"].map(column), rows });
      const views = (mark) => [{ mark, table: "attention", x: "a", y: mark === "bars" ? "b" : [{ column: "b" }] }];
      const rows = Array.from({ length: 40_000 }, (_, i) => [i, i]);
      let deep = [];
      for (let i = 0; i < 200_000; i++) deep = [deep];
      return [
        given({ result, tables: [table(rows)], views: views("bars") }),
        given({ result, tables: [table([[NaN, 1e308], [1, -Infinity], [-1e308, 5e-324]])], views: views("lines") }),
        given({ ...result, deep }),
        given({ result, tables: [table([])], views: Array(200_000).fill(views("bars")[0]) }),
      ];
    })()`);
    expect(told[0]).toContain("would have about 40,000 marks, and a page can show 30,000.");
    expect(told[1]).toMatch(/^attentionattentionb: NaN 1\.0e\+308/);
    expect(told.slice(2)).toEqual([
      `This is a result that has more than 64 lists and objects within each other at deep${"[0]".repeat(25)}…. A figure takes what --json prints.`,
      "This result comes with 200000 views; a page shows at most 100. Make a result with fewer.",
    ]);
    expect(said.filter((one) => !one.includes("404"))).toEqual([]);
  });

  test("light and dark, on paper, forced colours, and axe finds nothing", async () => {
    const paper = async (id: string): Promise<string> =>
      await page.evaluate(`getComputedStyle(document.querySelector("#${id}")).backgroundColor`);
    const [white, black] = ["rgb(255, 255, 255)", "rgb(20, 22, 26)"];
    expect([await paper("e0"), await paper("dark")]).toEqual([white, black]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect([await paper("e0"), await paper("light")]).toEqual([black, white]);
    await page.emulateMedia({ media: "print" });
    expect([await paper("dark"), await paper("light")]).toEqual([white, white]);
    await page.emulateMedia({ media: "screen" });
    await page.emulateMedia({ forcedColors: "active" });
    const colours: string[] = await page.evaluate(
      `[...document.querySelector("#dark").shadowRoot.querySelectorAll("rect")].map((one) => getComputedStyle(one).fill)`,
    );
    expect(colours.length).toBeGreaterThan(5);
    expect(new Set(colours)).not.toContain("rgb(251, 146, 60)");
    // axe makes styles of its own, which the page forbids: in the example, in another context.
    const free = await browser.newContext({
      bypassCSP: true,
      viewport: { width: 390, height: 800 },
    });
    const checked = await free.newPage();
    await checked.goto(`${page.url()}example/`);
    await until(
      checked,
      "document.querySelector('resolvent-graph').shadowRoot.querySelector('svg')",
    );
    expect(await checked.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await checked.locator("resolvent-paths summary").last().click();
    await checked.locator("resolvent-paths table").waitFor();
    await checked.evaluate(axe.source);
    for (const colorScheme of ["light", "dark"] as const) {
      await checked.emulateMedia({ colorScheme });
      // What does not depend on colours is the same in both.
      const only = colorScheme === "light" ? "" : 'runOnly: ["color-contrast"],';
      const violations = await checked.evaluate(
        `axe.run({ ${only} resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes[0].target.join(" ")))`,
      );
      expect(violations, colorScheme).toEqual([]);
    }
    await free.close();
  });

  test("a notebook pastes files and results, several times; or a frame, where no script is run", async () => {
    const inside = resultText("expand").replaceAll("<", "\\u003c");
    const file = await bundleOf("degrees");
    const figure = `<resolvent-degrees><script type="application/json">${inside}</script></resolvent-degrees>`;
    const frame = `<script>${file}</script>${figure}`
      .replaceAll("&", "&amp;")
      .replaceAll('"', "&quot;");
    const cells = [
      `<script>${file}</script>${figure}`,
      `<script type="module">${file}</script>${figure}`,
      `<iframe srcdoc="${frame}"></iframe>`,
    ];
    // As notebooks do it: scripts of HTML that was put in run only where they are made anew.
    await plain.evaluate(`${JSON.stringify(cells)}.forEach((cell, i) => {
      const output = document.createElement("div");
      output.innerHTML = cell;
      document.body.append(output);
      if (i === 2) return;
      for (const old of output.querySelectorAll("script")) {
        const made = document.createElement("script");
        made.textContent = old.textContent;
        if (old.type !== "") made.type = old.type;
        old.replaceWith(made);
      }
    })`);
    const drawn = (where: string) =>
      `[...${where}.querySelectorAll("resolvent-degrees")].map((one) => one.shadowRoot?.querySelectorAll("svg").length).join()`;
    await until(plain, `${drawn("document")} === "2,2"`);
    await until(plain, `${drawn("document.querySelector('iframe').contentDocument")} === "2"`);
  });

  test("figures are the same in a page that is written from right to left", async () => {
    const places = async (): Promise<unknown> =>
      await page.evaluate(
        `[...document.querySelectorAll("resolvent-degrees, resolvent-paths")].flatMap(({ shadowRoot }) =>
          [...shadowRoot.querySelectorAll("svg")].flatMap((svg) => [...svg.querySelectorAll("text")].slice(0, 9).map((text) =>
            Math.round(text.getBoundingClientRect().x - svg.getBoundingClientRect().x))))`,
      );
    const before = await places();
    await page.evaluate(`document.documentElement.dir = "rtl"`);
    expect(await places()).toEqual(before);
    await page.evaluate(`document.documentElement.dir = ""`);
  });

  test("what was set before the element is defined holds", async () => {
    // Elements of another page, whose script comes last.
    const left = await plain.evaluate<unknown>(`(async () => {
      const frame = document.createElement("iframe");
      frame.srcdoc = "<body></body>";
      await new Promise((done) => { frame.onload = done; document.body.append(frame); });
      const { contentDocument: page, contentWindow: window } = frame;
      const made = page.createElement("resolvent-degrees");
      const selection = { key: "2", column: "degree", node: null, pos: null };
      Object.assign(made, { result: ${resultText("expand")}, selection });
      page.body.append(made);
      window.eval(${JSON.stringify(all)});
      const own = [Object.keys(made), made.selection.key, made.result.kind];
      frame.remove();
      return own;
    })()`);
    expect(left).toEqual([[], "2", "degree-expansion"]);
  });

  test("a module that is imported gives elements too, where a script has defined them before", async () => {
    const drawn = await page.evaluate<number[]>(`(async () => {
      const { length } = Object.keys(await import("/all.js"));
      const made = document.createElement("resolvent-degrees");
      made.result = await (await fetch("expand.json")).json();
      document.querySelector("main").append(made);
      for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
      const drawn = made.shadowRoot.querySelectorAll("svg").length;
      made.remove();
      return [length, drawn];
    })()`);
    expect(drawn).toEqual([0, 2]);
  });

  test("nothing was forbidden, and nothing failed but what is missing", () => {
    expect(said).toEqual([expect.stringContaining("404")]);
  });
});

test.each(["degrees", "all"])(
  "the file of %s is a script without imports, and leaves no names",
  async (name) => {
    const text = await bundleOf(name);
    expect(text).not.toMatch(/<\/script|<!--/i);
    expect(text).not.toMatch(/\bimport\b\s*[("'{*]|\bexport\b\s*[{*]/);
    const before = new Set(Object.getOwnPropertyNames(globalThis));
    // Outside of a page, as where a server makes one, it does nothing.
    new Function(text)();
    expect(Object.getOwnPropertyNames(globalThis).filter((own) => !before.has(own))).toEqual([]);
  },
);

/** Waits in this process: the page allows no text that becomes code. */
async function until(page: Page, expression: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await page.evaluate(`!!(${expression})`))) throw new Error(`not yet: ${expression}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** How wide a view is drawn in the page. */
function widthOf({ mark }: View): number {
  const room = 800 - 2 * PADDING;
  const long = ["bars", "dots", "lines", "scatter", "slope"].includes(mark);
  return long ? Math.min(700, room) : room;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** In a page: the shapes of an SVG, without what picking adds to an element's. */
const shapes = `(svg) => {
  const added = /^(data-key|data-mark|role|tabindex|aria-.*)$/;
  const shape = ({ tagName, attributes, textContent }) => [
    tagName,
    [...attributes].flatMap(({ name, value }) => (added.test(name) ? [] : [name + "=" + value])).sort(),
    textContent,
  ];
  const [title, desc, ...rest] = svg.children;
  const size = ["width", "height", "viewBox"].map((name) => svg.getAttribute(name));
  return [...size, title.textContent, desc.textContent, ...rest.map(shape)];
}`;

/** The same of a text of SVG. */
const parsed = (text: string): string =>
  `(${shapes})(new DOMParser().parseFromString(${JSON.stringify(text)}, "image/svg+xml").documentElement)`;

/** A file of the example. */
function example(name: string): string {
  return readFileSync(new URL(`../example/${name}`, import.meta.url), "utf8");
}

/** A page with elements. */
const pageText = (elements: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${CSP}">
<link rel="stylesheet" href="page.css"><script src="all.js"></script><script src="heard.js"></script></head>
<body><main><h1>Figures</h1><h2>Of results</h2>
${elements}
</main></body></html>`;

const elementText = ({ name, shows }: (typeof results)[number], i: number): string =>
  `<${shows.name} id="e${i}" src="${name}.json"></${shows.name}>`;

const others = `<resolvent-paths id="twin" src="paths.json"></resolvent-paths>
<resolvent-paths id="other" group="other" src="paths.json"></resolvent-paths>
<resolvent-degrees id="dark" theme="dark" src="expand.json"></resolvent-degrees>
<resolvent-degrees id="light" theme="light" src="expand.json"></resolvent-degrees>
<resolvent-degrees id="inside"><script type="application/json">${resultText("expand")}</script></resolvent-degrees>
<resolvent-degrees id="none"></resolvent-degrees>
<resolvent-degrees id="missing" src="missing.json"></resolvent-degrees>
<resolvent-degrees id="broken" src="no.json"></resolvent-degrees>
<resolvent-graph id="odd" src="qk.json"></resolvent-graph>
<resolvent-degrees id="view" view="9" src="expand.json"></resolvent-degrees>
<resolvent-pattern id="hostile"></resolvent-pattern>`;
