import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEYS } from "../src/state/keys.ts";
import { faultless } from "./faultless.ts";
import { expectSameResults } from "./same-question.ts";
import { expectSameFiles } from "./saved-files.ts";
import { idleOf, settled } from "./settled.ts";
import { type StaticServer, serveFolder } from "./static-server.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(join(dist, "index.html"))) throw new Error('Run "npm run build" first.');

const missing = hasChromium
  ? undefined
  : `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`;

/** Tests that need a browser; skipped, with what is missing, where there is none. */
function inChromium(name: string, tests: () => void): void {
  if (missing === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${missing})`, tests);
}

/** Degrees that there are in what the page opens with. */
const degrees = JSON.parse(
  readFileSync(new URL("../src/first/first.json", import.meta.url), "utf8"),
).result.byDegree.length;

const page = readFileSync(join(dist, "index.html"), "utf8");
const gzipped = (file: string): number => gzipSync(readFileSync(join(dist, file))).length;

describe("what is built", () => {
  test("shows its first screen by at most 60 kB of script and style", () => {
    const files = [...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(
      ([, file = ""]) => file,
    );
    expect(files.length).toBeGreaterThan(1);
    const [, before = ""] = /<script>([^<]+)<\/script>/.exec(page) ?? [];
    expect(before).toContain("dataset");
    const total = files.reduce((sum, file) => sum + gzipped(file), gzipSync(before).length);
    expect(total).toBeLessThanOrEqual(60_000);
  });

  test("has everything in one folder, by relative addresses, and scripts from nowhere else", () => {
    expect(page).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
    for (const [, source = ""] of page.matchAll(/<script[^>]* src="([^"]*)"/g))
      expect(source).toMatch(/^\.\//);
    expect(page).not.toMatch(/ (?:src|href)="(?!\.\/|data:,)/);
    // Nothing of an inline style survives that policy.
    expect(page).not.toMatch(/ style="/);
    const styles = readdirSync(join(dist, "assets")).filter((file) => file.endsWith(".css"));
    for (const file of styles)
      expect(readFileSync(join(dist, "assets", file), "utf8")).not.toMatch(/https?:|@import/);
  });

  test.each(["index.html", "plugins/frame.html"])(
    "%s runs nothing inline but what its policy has the hash of",
    (file) => {
      const text = readFileSync(join(dist, file), "utf8");
      const [, policy = ""] =
        /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(text) ?? [];
      const directives = new Map(
        policy.split(";").map((one) => {
          const [name = "", ...sources] = one.trim().split(/\s+/);
          return [name, sources] as const;
        }),
      );
      expect(directives.get("default-src")).toEqual(["'none'"]);
      for (const loose of ["'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*"])
        for (const sources of directives.values()) expect(sources).not.toContain(loose);
      const inline = [...text.matchAll(/<(script|style)([^>]*)>(.*?)<\/\1>/gs)].filter(
        ([, , attributes = ""]) => !/ src=|type="application\/json"/.test(attributes),
      );
      for (const [, name, , own = ""] of inline) {
        const hash = createHash("sha256").update(own).digest("base64");
        expect(directives.get(`${name}-src`)).toContain(`'sha256-${hash}'`);
      }
      // Handlers in attributes have no hash.
      expect(text).not.toMatch(/<[a-z][^>]* on[a-z]+=/);
    },
  );
});

inChromium("the lab in Chromium", () => {
  let browser: Browser;
  let server: StaticServer;
  const said: string[] = [];
  const asked = new Set<string>();

  const opened = async (
    fragment = "",
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<Page> => {
    const made = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    made.on("console", (message) => {
      if (message.type() === "error") said.push(message.text());
    });
    made.on("pageerror", (error) => said.push(String(error)));
    made.on("request", (request) => asked.add(request.url()));
    await made.goto(`${server.address}${fragment}`);
    return made;
  };
  /** Waits until nothing goes on. */
  const idle = async (on: Page): Promise<void> => {
    await idleOf(on);
  };

  beforeAll(async () => {
    server = await serveFolder(dist, "/some/where/");
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test("shows all of its first screen before a script has run, at any width", async () => {
    const still = await opened("", {
      javaScriptEnabled: false,
      viewport: { width: 390, height: 844 },
    });
    for (const text of ["The model continues with “Mary”, not “John”", "adds up", "By degree"])
      expect(await still.getByText(text).first().isVisible()).toBe(true);
    expect(await still.locator("svg.rs[role=img]").count()).toBe(3);
    expect(await still.locator(".list tbody tr").count()).toBeGreaterThan(10);
    const { width } = (await still.locator("body").boundingBox()) ?? {};
    expect(width).toBeLessThanOrEqual(390);
    // Where there is the height, one path stands below the list; all begins where the header does.
    await still.setViewportSize({ width: 1920, height: 1080 });
    const places = [".paths", ".one", ".degrees", "h1"].map(async (at) => {
      const { x = 0, y = 0, height = 0 } = (await still.locator(at).boundingBox()) ?? {};
      return { x, top: y, bottom: y + height };
    });
    const [list, one, degrees, name] = await Promise.all(places);
    expect(one?.x).toBe(list?.x);
    expect(one?.top).toBeGreaterThan(list?.bottom ?? Number.POSITIVE_INFINITY);
    expect(degrees?.x).toBe(name?.x);
    await still.close();
  });

  test("says so where it is opened from a disk, which runs no app", async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(dist, "index.html")).href);
    expect(await page.getByRole("alert").textContent()).toContain("only a picture");
    await page.close();
  });

  test("from a sentence to a path that was taken away, and back", async () => {
    const lab = await opened();
    await lab.locator("select.models:not([disabled])").waitFor();
    // A row, a key: the path is checked by intervention, and the row has the number.
    const row = lab.locator(".list tbody tr").nth(2);
    expect(await row.locator("td").last().textContent()).toBe("·");
    await row.click();
    expect(lab.url()).toContain("#v=1&s=");
    await lab.keyboard.press("Enter");
    await lab.getByText("Taken away ✓").waitFor();
    expect(await row.locator("td").last().textContent()).toMatch(/^−?\d/);
    const [predicted, frozen] = await lab
      .locator(".one svg title")
      .filter({ hasText: /^(?:predicted|frozen): / })
      .allTextContents();
    expect(predicted?.split(": ")[1]).toBe(frozen?.split(": ")[1]);
    // Of the paths that were not named none was checked.
    expect(await lab.locator(".list tbody tr").nth(5).locator("td").last().textContent()).toBe("·");
    // What is selected is one thing: its curve is, and no other.
    const selected = () => new URLSearchParams(new URL(lab.url()).hash.slice(1)).get("s");
    const drawn = async () => await lab.locator(".routes path.on").first().getAttribute("data-key");
    await expect.poll(async () => (await drawn()) === selected(), { timeout: 10_000 }).toBe(true);
    // A token, its paths alone; the same again, all.
    const rows = async () => await lab.locator(".list tbody tr").count();
    const listed = await rows();
    await lab.locator(".tokens > .token").nth(9).click();
    expect(lab.url()).toContain("t=9");
    expect(await rows()).toBeLessThan(listed);
    await lab.locator(".filter").click();
    expect(await rows()).toBe(listed);
    // Degrees up to 1, and what they say beside the model.
    await lab.keyboard.press("1");
    await lab.locator(".sums", { hasText: "paths ≤ 1 say" }).getByText("%").nth(1).waitFor();
    expect(await lab.locator(".sums .total").textContent()).toContain("+11.0");
    await lab.keyboard.press("9");
    // Why its last head looks there; a pair makes the head's query the question, Back the answer again.
    await lab.keyboard.press("w");
    await lab.locator(".pairs tbody button").first().click();
    await lab.getByText("L2.H3 looks from").first().waitFor();
    expect(lab.url()).toContain("r=L2.H3.query-13-2");
    expect(await lab.locator(".routes svg.rs").textContent()).toContain("L2.H3 query");
    await idle(lab);
    await lab.goBack();
    await lab.getByText("not “John”").first().waitFor();
    // The pairs are in the address, as what else is seen; what changes nothing is no step.
    await lab.locator(".pairs").waitFor();
    expect(lab.url()).toContain("u=1");
    const steps = () => lab.evaluate(() => history.length);
    const before = await steps();
    await lab.keyboard.press("9");
    expect(await steps()).toBe(before);
    // A gate that is not held: the tree has bars of its own.
    expect(await lab.locator(".degrees rect.twin").count()).toBe(0);
    await lab.getByRole("button", { name: "pattern" }).click();
    await lab.locator(".degrees rect.twin").first().waitFor();
    expect(lab.url()).toContain("z=na");
    await lab.keyboard.press("f");
    await lab.keyboard.press("f");
    // Another sentence.
    await lab.keyboard.press("/");
    await lab.keyboard.type("Once upon a time there was a");
    await lab.keyboard.press("Enter");
    await lab.getByText("The model continues with", { exact: false }).first().waitFor();
    await idle(lab);
    expect(await lab.locator(".tokens > .token").count()).toBe(7);
    expect(lab.url()).toContain("p=Once+upon+a+time");
    await lab.goBack();
    await lab.getByText("not “John”").first().waitFor();
    expect(await lab.locator('.list tbody tr[aria-selected="true"]').count()).toBe(1);
    // What is on the screen, three paths of it checked, is asked again by what the menu copies.
    await lab.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const copied: string[] = [];
    for (const kind of ["link", "command", "TypeScript"]) {
      const clipboard = () => lab.evaluate(() => navigator.clipboard.readText());
      await lab.evaluate(() => navigator.clipboard.writeText(""));
      await lab.locator(".copy > summary").click();
      await lab.locator(".copy").getByRole("button", { name: kind, exact: true }).click();
      await expect.poll(clipboard, { timeout: 10_000 }).not.toBe("");
      copied.push(await clipboard());
    }
    const [link = "", command = "", program = ""] = copied;
    expect(command).toContain("--verify 2 --check 'embed@1>L0.H2>L0.mlp>L2.H3'");
    const other = await opened(new URL(link).hash);
    await other.locator("select.models:not([disabled])").waitFor();
    await idle(other);
    await expectSameResults(other.locator(".degrees details.take"), { command, program });
    await other.close();
    await lab.close();
  });

  test("loads at most 180 kB of script and style without a further panel, engine and worker included", async () => {
    // Isolated, with threads: that loads what each of them runs, too.
    const own = await serveFolder(dist, "/", { isolated: true });
    const lab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const files = new Set<string>();
    lab.on("request", (request) => files.add(request.url().slice(own.address.length)));
    await lab.goto(own.address);
    await lab.locator("select.models:not([disabled])").waitFor();
    await lab.locator(".list tbody tr").nth(2).click();
    await lab.keyboard.press("Enter");
    await lab.getByText("Taken away ✓").waitFor();
    await lab.keyboard.press("f");
    await lab.locator(".degrees rect.twin").first().waitFor();
    await idle(lab);
    // Both the worker and its kernels were there.
    for (const one of [/worker-.*\.js$/, /\.wasm$/])
      expect([...files].some((file) => one.test(file))).toBe(true);
    const sizes = [...files]
      .filter((file) => /\.(?:js|css)$/.test(file))
      .map((file) => ({ file, bytes: gzipped(file) }));
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(180_000);
    // No engine is among them but the one that computes: each has errors that no other has.
    const scripts = sizes.map(({ file }) => readFileSync(join(dist, file), "utf8")).join("\n");
    expect(scripts).toContain("cpu/closed");
    for (const one of ["webgpu/no-adapter", "gpujs/no-mode"]) expect(scripts).not.toContain(one);
    await lab.close();
    await own.close();
  });

  test("a question that was ended says that nothing was found of it, and is asked again; a word of several tokens is told with the one that is meant", async () => {
    const lab = await opened();
    await lab.locator("select.models:not([disabled])").waitFor();
    await idle(lab);
    await lab.keyboard.press("/");
    await lab.getByLabel("The text that the model reads").fill("Once upon a time there was a");
    await lab.keyboard.press("Enter");
    await lab.keyboard.press("Escape");
    await lab.getByText("of what is asked now there is nothing yet").waitFor();
    expect(await lab.locator(".tokens > .token").count()).toBe(14);
    // What is seen is of another question, and looks so.
    const opacity = async () =>
      await lab.locator("main .says").evaluate((one) => getComputedStyle(one).opacity);
    await expect.poll(opacity).toBe("0.55");
    await lab.getByRole("button", { name: "Find it" }).click();
    await lab.locator(".tokens > .token").nth(7).waitFor({ state: "detached" });
    await idle(lab);
    expect(await lab.locator(".tokens > .token").count()).toBe(7);
    expect(await lab.getByText("there is nothing yet").count()).toBe(0);
    expect(await opacity()).toBe("1");
    // The answer, by a word as people type it.
    await lab.keyboard.press("t");
    const choices = lab.getByRole("dialog", { name: "Choose a token" });
    await choices.getByLabel("The answer").fill("dog");
    await lab.keyboard.press("Enter");
    await choices.getByText("“dog” is 2 tokens, not one.").waitFor();
    await choices.getByRole("alert").getByRole("button", { name: "␣dog" }).click();
    await lab.locator(".token.answer", { hasText: "␣dog" }).waitFor();
    await idle(lab);
    await lab.close();
  });

  test("what is meant by a place is looked up in one index, however often one moves while that is loaded", async () => {
    const lab = await opened();
    await lab.locator("select.models:not([disabled])").waitFor();
    const mark = lab.locator(".routes .mark");
    await mark.locator("svg.rs").waitFor();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await lab.route(/pointing-[^/]*\.js$/, async (route) => {
      await held;
      await route.continue();
    });
    // How often the data of each line is read.
    await lab.evaluate(() => {
      const reads = Object.assign(globalThis, { reads: new Map<string, number>() }).reads;
      for (const name of ["match", "matchAll"] as const) {
        const own = String.prototype[name];
        Object.defineProperty(String.prototype, name, {
          value(this: string, by: RegExp) {
            if (/^M[\d.]+,/.test(this)) reads.set(String(this), (reads.get(String(this)) ?? 0) + 1);
            return Reflect.apply(own, this, [by]) as unknown;
          },
        });
      }
    });
    const { x = 0, y = 0, width = 0, height = 0 } = (await mark.boundingBox()) ?? {};
    for (let i = 1; i < 10; i++) await lab.mouse.move(x + (width * i) / 10, y + height / 2);
    release();
    const reads = (): Promise<readonly number[]> =>
      lab.evaluate(() => [...(Object(globalThis).reads as Map<string, number>).values()]);
    await expect.poll(async () => (await reads()).length).toBeGreaterThan(10);
    await lab.mouse.move(x + width / 2, y + height / 3);
    await settled(lab);
    // Once for where it may be, and once more where the pointer was near.
    expect(Math.max(...(await reads()))).toBeLessThanOrEqual(2);
    await lab.close();
  });

  test("every figure has its table, behind its button and the key of the one in use", async () => {
    const lab = await opened();
    await lab.locator("select.models:not([disabled])").waitFor();
    for (const panel of [".degrees", ".routes", ".one"]) {
      const own = lab.locator(panel);
      const drawn = own.locator('svg[role="img"]');
      await drawn.waitFor();
      await own.locator("h2").hover();
      await lab.keyboard.press(".");
      await own.locator(".figure-table tbody tr").first().waitFor();
      expect(await drawn.count()).toBe(0);
      if (panel === ".degrees")
        expect(await own.locator("tbody:not(.last) tr").count()).toBe(degrees);
      await faultless(lab, panel);
      await own.getByRole("button", { name: /^Table: / }).click();
      await drawn.waitFor();
      await lab.evaluate(() => (document.activeElement as HTMLElement).blur());
    }
    await lab.close();
  });

  test("a long address is deflated and leads back; one that was cut says so", async () => {
    const names = Array.from({ length: 300 }, (_, i) => `dictionary-${i}`).join(",");
    const lab = await opened(`#v=1&d=${names}&s=no+path&k=99`);
    await lab.locator("select.models:not([disabled])").waitFor();
    // What its sentence has not is told, and left out.
    await lab.getByText("no degree 99, and no path “no path” among those listed").waitFor();
    const address = (): string => new URL(lab.url()).hash;
    await lab.keyboard.press("3");
    await expect.poll(address).toMatch(/^#v=1&b=[\w-]+$/);
    expect(address().length).toBeLessThan(2000);
    await lab.reload();
    await lab.locator("select.models:not([disabled])").waitFor();
    await lab.locator(".slider").getByText("≤ 3").waitFor();
    const cut = await opened(address().slice(0, -20));
    await cut.getByRole("alert").getByText("Copy it again").waitFor();
    await cut.close();
    await lab.close();
  });

  test("a link to files that are not here says so once, in few digits, and where they are picked", async () => {
    const lab = await opened(`#v=1&w=paths&m=sha:${"0".repeat(64)}`, {
      viewport: { width: 1920, height: 1080 },
    });
    await lab.getByRole("alert").getByText("are not here. Drop them").waitFor();
    await lab.getByText("pick a folder").waitFor();
    expect(await lab.getByText(/0{13}/).count()).toBe(0);
    expect(await lab.getByRole("alert").count()).toBe(1);
    // A panel alone begins where the header does, too.
    const left = async (at: string) => (await lab.locator(at).boundingBox())?.x;
    expect(await left(".paths")).toBe(await left("h1"));
    await lab.close();
  });

  test("a link to a tab makes no first screen", async () => {
    const lab = await opened("#v=1&a=report-view");
    await lab.locator("select.models:not([disabled])").waitFor();
    expect(await lab.locator('.tab[aria-current="page"]').textContent()).toBe("Report");
    // What the first screen loads once its scripts run is not there.
    const loaded = await lab.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => name),
    );
    const borders = readdirSync(join(dist, "assets")).filter((file) => /^Splits-.*js$/.test(file));
    expect(borders).toHaveLength(1);
    expect(loaded.some((name) => name.endsWith(".js"))).toBe(true);
    expect(loaded.filter((name) => borders.some((file) => name.endsWith(file)))).toEqual([]);
    await lab.close();
  });

  test("any other analysis has its panel, whose faults are sentences", async () => {
    const lab = await opened("#v=1&a=nothing-of-that-name&p=Once+upon&zz=1");
    await lab.getByText("left out: zz").waitFor();
    await lab.locator("main").getByRole("alert").getByText("no analysis “nothing").waitFor();
    expect(await lab.getByRole("alert").count()).toBe(1);
    await lab.getByLabel("Another analysis").selectOption("expand");
    const field = lab.locator("form label", { hasText: "max degree" }).locator("input");
    await lab.getByText("options").click();
    await field.fill("-1");
    await lab.getByRole("button", { name: "Run" }).click();
    // What is wrong is said beside its field, before anything runs.
    await lab.locator("form label", { hasText: "max degree" }).getByText("not -1").waitFor();
    await field.fill("2");
    // A text is sent by Enter, as the sentence is; all of its lines are read.
    const prompt = lab.locator('form [data-name="prompt"]');
    await prompt.fill("Once upon\n");
    await prompt.press("End");
    await prompt.pressSequentially("a");
    await prompt.press("Enter");
    await lab.locator(".found figure svg").first().waitFor();
    expect(await lab.locator(".found .lead").textContent()).toMatch(/\d/);
    expect(lab.url()).toContain("maxDegree");
    // Back asks what was asked before: the form has it, and what came out is of it. Another model is asked the same.
    const asked = lab.locator(".found .lead").first();
    const before = await asked.textContent();
    await field.fill("1");
    await lab.getByRole("button", { name: "Run" }).click();
    await expect.poll(() => asked.textContent()).not.toBe(before);
    await idle(lab);
    await lab.goBack();
    await expect.poll(() => asked.textContent()).toBe(before);
    expect(await field.inputValue()).toBe("2");
    await lab.locator("select.models").selectOption("tales-colours");
    await expect.poll(async () => (await asked.textContent()) ?? before).not.toBe(before);
    await idle(lab);
    await lab.goBack();
    await expect.poll(() => asked.textContent()).toBe(before);
    const { q } = Object.fromEntries(new URLSearchParams(new URL(lab.url()).hash.slice(1)));
    expect(JSON.parse(q ?? "")).toMatchObject({ prompt: "Once upon\na", maxDegree: 2 });
    // What only the run finds is said beside the form; tables are sorted by a column, and shown as a whole.
    await field.fill("");
    await lab.locator('form [data-name="target"]').fill('" nonsense of it"');
    await lab.getByRole("button", { name: "Run" }).click();
    await lab.locator(".form").getByRole("alert").waitFor();
    await lab.locator(".found details:not(.take) summary").first().click();
    const table = lab.locator(".found details:not(.take) table").first();
    await table.getByRole("button").nth(1).click();
    expect(await table.locator('th[aria-sort="descending"]').count()).toBe(1);
    await lab.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await expectSameFiles(lab, lab.locator(".found figure").first());
    await lab.close();
  });

  test("axe finds nothing; each key of the sheet does something, and what it opens gives the focus back", async () => {
    const lab = await opened();
    await lab.locator("select.models:not([disabled])").waitFor();
    await faultless(lab);
    const badge = lab.locator("details.badge", { hasText: "adds up" });
    await badge.locator("summary").first().click();
    await badge.locator("table").first().waitFor();
    await faultless(lab, ".badge[open]");
    await lab.keyboard.press("Escape");
    /** Whether there is something else to be seen than before; the page remembers. */
    const changed = () =>
      lab.evaluate(() => {
        const { href } = location;
        const now = [href, document.body.innerHTML, document.activeElement?.outerHTML].join();
        const before: unknown = Object(globalThis).seen;
        Object.assign(globalThis, { seen: now });
        return now !== before;
      });
    // What a key does is told from what is still going on: before each the page is still.
    const press = async (key: string): Promise<void> => {
      await changed();
      await lab.keyboard.press(key);
      await expect
        .poll(changed, { message: `the key ${key} does something`, timeout: 10_000 })
        .toBe(true);
      await idle(lab);
      await settled(lab);
    };
    await settled(lab);
    for (const { keys, does } of KEYS) {
      // Enter would press what has the focus.
      const had = await lab.evaluate(() => {
        const at = document.activeElement as HTMLElement;
        at.blur();
        return at !== document.body;
      });
      if (had) await settled(lab);
      const [first = "", ...others] = keys;
      // Of digits two are enough; a path that was taken away is taken away no more.
      const sequence: readonly string[] =
        first === "0"
          ? ["0", "1"]
          : first === "Enter"
            ? ["ArrowDown", "ArrowDown", "ArrowDown", "Enter"]
            : first === "Ctrl+z"
              ? ["Ctrl+z", "Ctrl+z", "Ctrl+z"]
              : [first, ...others];
      for (const key of sequence)
        await press(key.replace("Ctrl+Z", "Control+Shift+Z").replace("Ctrl+", "Control+"));
      if (/text|answer|whole screen|copy|sheet/.test(does)) await press("Escape");
    }
    // The focus is in a sheet while it is open, and then where it was.
    const token = lab.locator(".tokens > .token").nth(2);
    await token.focus();
    await settled(lab);
    await press("ArrowRight");
    expect(await token.getAttribute("tabindex")).toBe("-1");
    await press("?");
    await lab.locator(".help :focus").waitFor();
    await press("Escape");
    expect(await lab.locator(".tokens > .token:focus").textContent()).toBe("␣John");
    await lab.goto(server.address);
    await lab.locator("select.models:not([disabled])").waitFor();
    // What had the focus and is gone leaves it where it was; what cannot be used for a while has it again.
    await press("/");
    await press("Escape");
    expect(await lab.locator("section.sentence:focus").count()).toBe(1);
    const own = lab.getByRole("button", { name: "Own…" });
    await own.focus();
    await settled(lab);
    await press("Enter");
    await lab.locator("section.own").getByRole("button", { name: "Close" }).focus();
    await settled(lab);
    await press("Enter");
    expect(await own.evaluate((one) => one === document.activeElement)).toBe(true);
    // A border between panels, by keys: it stays where it was put.
    const border = lab.getByRole("separator", { name: "Width of By degree" });
    const wide = async () => (await lab.locator(".degrees").boundingBox())?.width ?? 0;
    const before = await wide();
    await border.focus();
    await settled(lab);
    await press("Shift+ArrowRight");
    expect(await wide()).toBeGreaterThan(before + 40);
    await lab.reload();
    await lab.locator("select.models:not([disabled])").waitFor();
    await expect.poll(wide, { timeout: 10_000 }).toBeGreaterThan(before + 40);
    // Where panels stand one below the other there is none.
    await border.waitFor();
    await lab.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => border.count()).toBe(0);
    await lab.close();
  });

  test("a panel stands in another page, in its colours, and says how tall it is", async () => {
    const page = await browser.newPage();
    page.on("pageerror", (error) => said.push(String(error)));
    const height = page.evaluate(
      async () =>
        await new Promise<number>((resolve) => {
          addEventListener("message", ({ data }) => {
            if (data?.resolvent === "height" && data.height > 200) resolve(data.height);
          });
        }),
    );
    await page.evaluate((src) => {
      const frame = document.createElement("iframe");
      Object.assign(frame, { src, width: 720, height: 480 });
      document.body.append(frame);
    }, `${server.address}?embed=pattern&theme=dark#v=1&k=3`);
    const frame = page.frameLocator("iframe");
    await frame.getByRole("heading", { name: /^Where .* looks$/ }).waitFor();
    await frame.locator("svg.rs path").first().waitFor({ state: "attached" });
    expect(await height).toBeLessThan(2000);
    expect(await frame.locator(".panel:visible").count()).toBe(1);
    expect(await frame.locator("header").count()).toBe(0);
    expect(
      await frame.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor),
    ).toBe("rgb(20, 22, 26)");
    const link = await frame.getByRole("link", { name: "open in the lab" }).getAttribute("href");
    expect(link).toBe(`${server.address}#v=1&a=heads-view&k=3`);
    // What there is not is a sentence, and what there is.
    await page.goto(`${server.address}?embed=<b>circuit`);
    await page.getByText("There is no panel “<b>circuit” to be shown alone.").waitFor();
    await page.getByText("?embed=routes", { exact: true }).waitFor();
    await page.close();
  });

  test("nothing was asked of anybody else, and no error was said", () => {
    expect(
      [...asked].filter((url) => !/^(?:http:\/\/127\.0\.0\.1:|data:|blob:)/.test(url)),
    ).toEqual([]);
    expect(said).toEqual([]);
  });
});
