// Pictures of every tab and state of the built app, light, dark and in colours that the system forces, at the widths of
// a phone, a laptop and a screen; of some states, widths or looks alone where these are named, with commas between them:
//   node shots.mjs --out DIR [--only paths,heads] [--width 390,1280] [--look light,forced]
// A name stands for all states that begin with it.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromiumArgs, chromiumPath } from "@resolvent/testkit/chromium";
import { chromium } from "playwright";
import { preview } from "vite";

const text = /** @type {const} */ ({ type: "string" });
const { values } = parseArgs({ options: { out: text, only: text, width: text, look: text } });
if (values.out === undefined) throw new Error("Say where: node shots.mjs --out DIR");
const out = values.out;
const only = values.only?.split(",");
mkdirSync(out, { recursive: true });

const WIDTHS = /** @type {const} */ ({ 390: 844, 1280: 800, 1920: 1080 });
const PHONE = 390;
/** @typedef {NonNullable<Parameters<import("playwright").Page["emulateMedia"]>[0]>} Media */
/** @type {Record<string, Media>} */
const LOOKS = {
  light: { colorScheme: "light", forcedColors: "none" },
  dark: { colorScheme: "dark", forcedColors: "none" },
  forced: { colorScheme: "dark", forcedColors: "active", reducedMotion: "reduce" },
};

/** Whether something is among those that are asked for. @type {(asked: string | undefined, name: string) => boolean} */
const among = (asked, name) => asked === undefined || asked.split(",").includes(name);

/** @typedef {import("playwright").Page} Page */
/** @type {(page: Page, name: string) => Promise<void>} */
const click = async (page, name) => {
  await page.getByRole("button", { name, exact: false }).first().click();
  await settled(page);
};
/** Waits until nothing goes on. @type {(page: Page) => Promise<void>} */
const settled = async (page) => {
  await page.waitForTimeout(300);
  await page.waitForFunction(
    () => (document.querySelector(".status")?.textContent ?? "").trim() === "",
  );
  await page.waitForTimeout(200);
};

const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const TEXT =
  "Once upon a time there was a girl. She went to the market and gave a drink to her friend.";
const COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
/** The files of a model. @type {(folder: string) => string[]} */
const filesIn = (folder) =>
  readdirSync(at(folder))
    .filter((name) => /\.(?:json|safetensors)$/.test(name))
    .map((name) => join(at(folder), name));

/** Answers as the Hub does, with the files of a folder. @type {(page: Page, folder: string) => Promise<void>} */
const hub = async (page, folder) => {
  const digest = (/** @type {string} */ kind, /** @type {(string | Buffer)[]} */ ...parts) =>
    parts.reduce((hash, part) => hash.update(part), createHash(kind)).digest("hex");
  await page.context().route("https://huggingface.co/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "*" };
    if (pathname.includes("/api/")) {
      const siblings = filesIn(folder).map((file) => {
        const bytes = readFileSync(file);
        return {
          ...{ rfilename: basename(file), size: bytes.length },
          blobId: digest("sha1", `blob ${bytes.length}\0`, bytes),
          ...(file.endsWith(".safetensors") && {
            lfs: { sha256: digest("sha256", bytes), size: bytes.length },
          }),
        };
      });
      await route.fulfill({ headers, json: { sha: COMMIT, siblings } });
      return;
    }
    const file = join(at(folder), basename(pathname));
    if (!existsSync(file)) return await route.fulfill({ headers, status: 404 });
    const bytes = readFileSync(file);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(route.request().headers().range ?? "") ?? [];
    if (from === undefined || to === undefined)
      return await route.fulfill({ headers, body: bytes });
    const end = Math.min(Number(to) + 1, bytes.length);
    await route.fulfill({
      ...{ status: 206, body: bytes.subarray(Number(from), end) },
      headers: { ...headers, "content-range": `bytes ${from}-${end - 1}/${bytes.length}` },
    });
  });
};

/** A page with the custom elements: the example of their package, or one with what is given in its body. @type {(page: Page, body?: string) => Promise<void>} */
const elements = async (page, body) => {
  const home = new URL("elements/", page.url().replace(/#.*/, ""));
  await page.context().route(`${home}**`, async (route) => {
    const asked = new URL(route.request().url()).pathname.slice(home.pathname.length);
    const path = at(`packages/elements/${asked.replace(/\/$/, "/index.html")}`);
    if (!existsSync(path)) return await route.fulfill({ status: 404 });
    if (body === undefined || !asked.endsWith("/")) return await route.fulfill({ path });
    const html = readFileSync(path, "utf8").replace(/(<main>).*(<\/main>)/s, `$1${body}$2`);
    await route.fulfill({ contentType: "text/html", body: html });
  });
  await page.goto(`${home}example/`);
  await page.waitForFunction(() =>
    [...document.querySelectorAll("main *")].every(
      ({ shadowRoot }) => shadowRoot === null || shadowRoot.querySelector("svg, .fault, .note"),
    ),
  );
};

/** Pins all figures that are seen, and opens the report. @type {(page: Page) => Promise<void>} */
const pinned = async (page) => {
  const pins = page.getByRole("button", { name: /^Pin: / });
  for (let i = 0; i < (await pins.count()); i += 1) {
    const pin = pins.nth(i);
    if (await pin.isVisible()) await pin.click();
    await settled(page); // a pin comes after what is known of its question
  }
  await page.getByRole("button", { name: "Open the report" }).click();
};

/** Pixels that a finger needs. */
const FINGER = 44;
/** What can be pressed and is smaller than that, as far as it is seen. @type {(page: Page) => Promise<string[]>} */
const tooSmall = async (page) =>
  await page.evaluate((least) => {
    const pressed = "button, select, summary, input, textarea, a[href], [tabindex='0']";
    const found = [...document.querySelectorAll(pressed)].flatMap((one) => {
      // A box is as large as its label; a row of a table as its line; what is heard alone has no size.
      const place = (one.matches("input") && one.closest("label")) || one;
      const { width, height } = place.getBoundingClientRect();
      if (!place.checkVisibility({ visibilityProperty: true }) || width <= 1) return [];
      if (width >= least - 0.5 && height >= least - 0.5) return [];
      const says = one.getAttribute("aria-label") ?? one.textContent?.trim().slice(0, 30);
      return [`${one.localName}.${one.className} “${says}” ${width.toFixed()}×${height.toFixed()}`];
    });
    return [...new Set(found)];
  }, FINGER);

/** What is looked at: an address, and what somebody does there. @type {Record<string, [at: string, (page: Page) => Promise<void>] | [at: string]>} */
const STATES = {
  paths: [""],
  "paths-picked": [
    "#v=1&k=3",
    async (page) => {
      await page.locator(".list tbody tr").nth(2).click();
      await page.keyboard.press("Enter");
      await settled(page);
      await page.keyboard.press("w");
    },
  ],
  "paths-unfrozen": ["#v=1&z=na"],
  "paths-short": ["#v=1&p=Once+upon"],
  "whole-routes": ["#v=1&w=routes"],
  "whole-degrees": ["#v=1&w=degrees"],
  "whole-paths": ["#v=1&w=paths"],
  "whole-path": ["#v=1&w=path"],
  editing: ["", (page) => page.keyboard.press("/")],
  target: ["", (page) => page.keyboard.press("t")],
  certificate: ["", (page) => page.locator("details.badge summary").first().click()],
  engines: [
    "",
    async (page) => {
      await page.locator("details.engine > summary").click();
      await page.getByText("as chosen").waitFor();
    },
  ],
  copy: [
    "",
    (page) =>
      page
        .locator("details.copy summary")
        .click({ timeout: 2000 })
        .catch(() => {}),
  ],
  keys: ["", (page) => page.keyboard.press("?")],
  "own-models": ["", (page) => click(page, "Own")],
  "own-candidate": [
    "",
    async (page) => {
      await click(page, "Own");
      await page.getByLabel("pick files").setInputFiles(filesIn("packages/models/tales"));
      await page.getByText("in memory", { exact: true }).waitFor();
    },
  ],
  "own-fault": [
    "",
    async (page) => {
      await click(page, "Own");
      const buffer = Buffer.from("GGUF");
      const mimeType = "application/octet-stream";
      await page
        .getByLabel("pick files")
        .setInputFiles({ name: "model-q4.gguf", mimeType, buffer });
      await page.locator(".own").getByRole("alert").waitFor();
    },
  ],
  "own-stored": [
    "",
    async (page) => {
      await hub(page, "packages/models/tales");
      await click(page, "Own");
      await page.getByLabel("From the Hugging Face Hub").fill("resolvent/tales");
      await click(page, "Look it up");
      await click(page, "Fetch and open it");
      await page.locator(".own").waitFor({ state: "detached" });
      await settled(page);
      await click(page, "Own");
      await page.getByText("Stored in this browser").waitFor();
    },
  ],
  "own-link": [`#v=1&m=sha:${"0".repeat(64)}`],
  "own-plugin": [
    "",
    async (page) => {
      await click(page, "Own");
      const source = readFileSync(at("tools/create-analysis/template/src/index.js.template"));
      await page.getByLabel("pick it").setInputFiles({
        ...{ name: "norms.js", mimeType: "text/javascript" },
        buffer: Buffer.from(source.toString().replace(/\{\{\w+\}\}/g, "norms")),
      });
      await page.getByText("it cannot", { exact: true }).waitFor();
    },
  ],
  "heads-empty": ["#v=1&a=heads-view&p=Once"],
  heads: ["#v=1&a=heads-view"],
  "heads-away": ["#v=1&a=heads-view&q=%7B%22away%22%3A%5B%22L0.H2%22%5D%7D"],
  "whole-heads": ["#v=1&a=heads-view&w=heads"],
  "whole-pattern": ["#v=1&a=heads-view&w=pattern"],
  "whole-reasons": ["#v=1&a=heads-view&w=reasons"],
  "features-empty": ["#v=1&a=features-view"],
  features: [
    "#v=1&a=features-view",
    async (page) => {
      await click(page, "Make it of this sentence");
      await page.locator(".nodes tr.feature button").first().click();
    },
  ],
  "features-edge": [
    "#v=1&a=features-view",
    async (page) => {
      await click(page, "Make it of this sentence");
      await page.locator(".nodes tr.feature button").first().click();
      await settled(page);
      await page
        .locator(".drawing path[data-key]")
        .last()
        .evaluate((path) => {
          if (!(path instanceof SVGPathElement)) return;
          const { x, y } = path
            .getPointAtLength(path.getTotalLength() / 2)
            .matrixTransform(path.getScreenCTM() ?? undefined);
          path.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: x, clientY: y }));
        });
      await page.getByText("Which features are active").waitFor();
      await page.getByText("Look them up").click();
    },
  ],
  "features-all": ["#v=1&a=features-view&q=%7B%22share%22%3A1%7D"],
  "features-none": ["#v=1&m=attn-only-2l&a=features-view"],
  "linear-empty": ["#v=1&a=linear-view"],
  linear: ["#v=1&a=linear-view", (page) => click(page, "How far does a sum")],
  "linear-texts": [
    "#v=1&a=linear-view",
    async (page) => {
      await page.getByRole("textbox", { name: "Texts" }).fill(`${TEXT} `.repeat(20));
      await click(page, "How linear is each block?");
    },
  ],
  "linear-fault": [
    "#v=1&a=linear-view",
    async (page) => {
      await page.getByRole("textbox", { name: "Texts" }).fill(TEXT);
      await click(page, "How linear is each block?");
    },
  ],
  "models-empty": ["#v=1&a=models-view"],
  models: ["#v=1&a=models-view", (page) => click(page, "Compare on this sentence")],
  "models-between": [
    "#v=1&a=models-view",
    async (page) => {
      await page.getByRole("textbox", { name: "Texts" }).fill(TEXT);
      await click(page, "How high is the barrier?");
      await click(page, "Put the second");
    },
  ],
  "models-fault": [
    "#v=1&a=models-view&q=%7B%22other%22%3A%22attn-only-2l%22%7D",
    (page) => click(page, "Compare on this sentence"),
  ],
  "models-put-in-order": [
    "#v=1&a=models-view&q=%7B%22other%22%3A%22tales-other-seed%22%7D",
    async (page) => {
      await page.getByRole("textbox", { name: "Texts" }).fill(TEXT);
      await click(page, "Put the second");
    },
  ],
  "merge-form": ["#v=1&a=models-view", (page) => click(page, "Merge some")],
  "merge-made": [
    "#v=1&a=models-view",
    async (page) => {
      await click(page, "Merge some");
      await page.getByRole("combobox", { name: "method" }).selectOption("ties");
      await click(page, "What would be done?");
      await page.getByRole("button", { name: "Merge", exact: true }).click();
      await settled(page);
    },
  ],
  "merge-fault": [
    "#v=1&a=models-view",
    async (page) => {
      await click(page, "Merge some");
      await page.getByLabel("The configuration").fill("merge_method: lineer\n");
      await click(page, "What would be done?");
    },
  ],
  "report-empty": ["#v=1&a=report-view"],
  report: [
    "",
    async (page) => {
      await pinned(page);
      await page.getByRole("textbox", { name: "Note" }).first().fill("Degree 2 and 3 carry it.");
    },
  ],
  "report-large": [
    "#v=1&a=models-view",
    async (page) => {
      await click(page, "Compare on this sentence");
      await pinned(page);
    },
  ],
  "report-fault": [
    "#v=1&a=report-view",
    async (page) => {
      const buffer = Buffer.from('{"resolvent":"report","version":7}');
      await page
        .locator("input[type=file]")
        .setInputFiles({ name: "mine.json", mimeType: "application/json", buffer });
      await page.getByRole("alert").waitFor();
    },
  ],
  "report-page": [
    "",
    async (page) => {
      await pinned(page);
      await page.getByRole("textbox", { name: "Note" }).first().fill("Degree 2 and 3 carry it.");
      const saving = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save as a page" }).click();
      const html = readFileSync(await (await saving).path(), "utf8");
      await page.goto("about:blank"); // the lab's policy is not the page's
      await page.setContent(html);
    },
  ],
  elements: ["", (page) => elements(page)],
  "elements-picked": [
    "",
    async (page) => {
      await elements(page);
      await page.locator("resolvent-paths [data-key]").first().dispatchEvent("click");
      for (const summary of await page.locator("resolvent-paths summary").all())
        await summary.click();
    },
  ],
  "elements-faults": [
    "",
    (page) =>
      elements(
        page,
        `<resolvent-degrees></resolvent-degrees>
        <resolvent-degrees src="../test/results/qk.json"></resolvent-degrees>
        <resolvent-paths src="../test/results/paths.json" view="9"></resolvent-paths>
        <resolvent-graph src="nothing.json"></resolvent-graph>
        <resolvent-figure src="../test/results/series.json"></resolvent-figure>`,
      ),
  ],
  "analysis-empty": ["#v=1&a=expand"],
  analysis: ["#v=1&a=expand", (page) => click(page, "Run")],
  "analysis-fault": [
    "#v=1&a=expand",
    async (page) => {
      await page.getByText("options").click();
      await page.locator("form label", { hasText: "max degree" }).locator("input").fill("-1");
      await click(page, "Run");
    },
  ],
  "analysis-unknown": ["#v=1&a=nothing-of-that-name"],
  "link-newer": ["#v=2&p=x"],
  "link-odd": ["#v=1&zz=1&k=many"],
  "embed-routes": ["?embed=routes"],
  "embed-heads": ["?embed=pattern"],
  "embed-unknown": ["?embed=circuit"],
};

const root = fileURLToPath(new URL(".", import.meta.url));
const server = await preview({ root, logLevel: "error", preview: { host: "127.0.0.1", port: 0 } });
const address = server.resolvedUrls?.local[0] ?? "";
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: [...chromiumArgs, "--enable-unsafe-webgpu"],
});
let failed = 0;
try {
  for (const [name, [at, act]] of Object.entries(STATES)) {
    if (only !== undefined && !only.some((start) => name.startsWith(start))) continue;
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on("pageerror", (error) => console.log(`${name}: ${error}`));
    try {
      await page.goto(`${address}${at}`);
      await page.waitForFunction(() =>
        document.querySelector(".embedded, .models:not([disabled])"),
      );
      await settled(page);
      await act?.(page);
      await settled(page);
    } catch (error) {
      failed += 1;
      console.log(`${name}: ${error}`);
    }
    for (const [width, height] of Object.entries(WIDTHS)) {
      if (!among(values.width, width)) continue;
      await page.setViewportSize({ width: Number(width), height });
      for (const [look, media] of Object.entries(LOOKS)) {
        if (!among(values.look, look)) continue;
        await page.emulateMedia(media);
        await page.waitForTimeout(300);
        await page.waitForFunction(() => !document.querySelector(".painted[aria-busy=true]"));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > Number(width)) console.log(`${name}: ${wide} pixels wide at ${width}`);
        if (Number(width) === PHONE && look === "light")
          for (const one of await tooSmall(page)) console.log(`${name}: small: ${one}`);
        await page.screenshot({
          path: join(out, `${name}-${width}-${look}.png`),
          fullPage: true,
        });
      }
    }
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
}
if (failed > 0) process.exitCode = 1;
