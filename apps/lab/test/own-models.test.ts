import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tinyModel } from "@resolvent/testkit";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostilePlugin } from "./hostile.ts";
import { COMMIT, type HubServer, NEXT_COMMIT, serveWithHub } from "./hub-server.ts";
import { openMenu, savedBy } from "./same-question.ts";
import { idleOf } from "./settled.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(join(dist, "index.html"))) throw new Error('Run "npm run build" first.');

const inChromium = hasChromium
  ? describe
  : describe.skip.bind(
      null,
      `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`,
    );

type Files = Readonly<Record<string, Buffer>>;

/** Bytes that are stored at a time: what a page that is closed while it fetches has for certain. */
const PIECE_BYTES = 8 * 2 ** 20;

/** A model of 26 MB, most of them in its layers, and what a page may have that has no room for it. */
const DEEP = { num_hidden_layers: 6, hidden_size: 256, intermediate_size: 1024 };
const LITTLE = 12 * 2 ** 20;

/** A small random model that reads text as `tales` does. */
async function smallModel(seed: number, size: object = {}): Promise<Files> {
  const tales = new URL("../../../packages/models/tales/", import.meta.url);
  const { vocab_size } = JSON.parse(readFileSync(new URL("config.json", tales), "utf8"));
  const model = tinyModel("llama", { seed, vocab_size, ...size });
  const files: Record<string, Buffer> = {};
  for (const name of ["config.json", "model.safetensors"]) {
    const file = await model.open(name);
    if (file === undefined) throw new Error(`A tiny model has no ${name}.`);
    files[name] = Buffer.from(await file.read(0, await file.size()));
  }
  for (const name of ["tokenizer.json", "tokenizer_config.json"])
    files[name] = readFileSync(new URL(name, tales));
  return files;
}

/** A package with an analysis, as its maker makes it. */
function made(name: string, folder: string): string {
  const maker = new URL("../../../tools/create-analysis/src/create-analysis.mjs", import.meta.url);
  const { status } = spawnSync(process.execPath, [fileURLToPath(maker), name, folder]);
  expect(status).toBe(0);
  return folder;
}

/** Drops files on the page, as somebody does from a file manager. */
async function drop(page: Page, files: Files): Promise<void> {
  const plain = Object.entries(files).map(([name, bytes]) => [name, bytes.toString("base64")]);
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    for (const [name = "", base64 = ""] of given) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    }
    const event = new DragEvent("drop", {
      dataTransfer: transfer,
      bubbles: true,
      cancelable: true,
    });
    document.body.dispatchEvent(event);
  }, plain);
}

inChromium("own models in Chromium", () => {
  let browser: Browser;
  let server: HubServer;
  let page: Page;
  let mine: Files;
  let other: Files;

  const panel = (): ReturnType<Page["locator"]> => page.locator("section.own");
  const idle = async (): Promise<void> => {
    await idleOf(page);
  };
  const opened = async (): Promise<void> => {
    await panel().waitFor({ state: "detached" });
    await idle();
    expect(await page.getByRole("alert").count()).toBe(0);
  };

  beforeAll(async () => {
    [mine, other] = [await smallModel(1), await smallModel(2)];
    const large = await smallModel(3, { hidden_size: 512 });
    const deep = await smallModel(4, DEEP);
    const repos = { "tiny/mine": mine, "tiny/lied": other, "tiny/large": large, "tiny/deep": deep };
    server = await serveWithHub(dist, repos, "tiny/lied");
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
    page = await browser.newPage({
      ...{ viewport: { width: 1280, height: 800 }, acceptDownloads: true },
    });
    await page.goto(server.address);
    await page.locator("select.models:not([disabled])").waitFor();
    // An isolated page has threads.
    const threads = await page.evaluate(() => Math.min(8, navigator.hardwareConcurrency));
    await page.getByTitle(`(cpu, ${threads} thread`).waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test("files that are dropped are read by their headers, opened, and asked for by their hash", async () => {
    await drop(page, { ...mine, "config.json": Buffer.from('{"model_type":"mamba"}') });
    await panel().getByRole("alert").waitFor();
    expect(await panel().getByRole("alert").textContent()).toContain("mamba");
    await drop(page, { "config.json": Buffer.from("{}"), "model-q4.gguf": Buffer.from("GGUF") });
    await panel().getByText("most often quantised").waitFor();
    const before = await page.locator(".sentence").textContent();
    await drop(page, mine);
    await panel().getByText("in memory", { exact: true }).waitFor();
    expect(await panel().locator(".candidate").textContent()).toContain("llama");
    await panel().getByRole("button", { name: "Open it" }).click();
    await opened();
    expect(page.url()).toMatch(/m=sha%3A[0-9a-f]{64}/);
    expect(await page.locator(".sentence").textContent()).not.toBe(before);
    const found = await page.locator(".sentence").textContent();
    // Somebody opens the link: files of another model are told apart.
    await page.reload();
    await page.getByRole("alert").getByText("are not here. Drop them").waitFor();
    await panel().waitFor();
    await drop(page, other);
    await panel().getByRole("button", { name: "Open it" }).click();
    await panel().getByText("the link is about").waitFor();
    await drop(page, mine);
    await panel().getByRole("button", { name: "Open it" }).click();
    await opened();
    expect(await page.locator(".sentence").textContent()).toBe(found);
  });

  test("a model of the Hub goes on where its download was ended, is kept, and is deleted", async () => {
    expect(server.asked).toEqual([]);
    await page.getByRole("button", { name: "Own…" }).click();
    await panel().getByLabel("From the Hugging Face Hub").fill("tiny/mine");
    await panel().getByRole("button", { name: "Look it up" }).click();
    await panel().getByText("to fetch").waitFor();
    // Headers only.
    const weights = mine["model.safetensors"] ?? Buffer.alloc(0);
    expect(weights.length).toBeGreaterThan(65536);
    expect(server.asked.filter((one) => one.startsWith("model.safetensors"))).not.toContain(
      "model.safetensors whole",
    );
    server.stallAfter = 40000;
    server.busy = 1;
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    await panel().getByText("asks to wait 1 second. It is asked again in 1 s").waitFor();
    await panel().locator(".task progress").waitFor();
    await page.waitForFunction(() => {
      const bar = document.querySelector<HTMLProgressElement>(".task progress");
      return bar !== null && bar.value > 40000 && bar.value < bar.max;
    });
    await panel().getByRole("button", { name: "Cancel" }).click();
    await panel().getByText("not all of it").waitFor();
    server.stallAfter = undefined;
    server.asked.length = 0;
    await panel().getByRole("button", { name: "Fetch the rest" }).click();
    await opened();
    // Of the bytes that came one by one there may be some.
    const rest = new RegExp(`^model.safetensors bytes=4000\\d-${weights.length - 1}$`);
    expect(server.asked).toEqual([expect.stringMatching(rest)]);
    expect(page.url()).toContain(`m=hub%3Atiny%2Fmine%40${COMMIT}`);
    // It is there again without a request.
    server.asked.length = 0;
    await page.reload();
    await page
      .locator(`select.models option[value="hub:tiny/mine@${COMMIT}"]`)
      .waitFor({ state: "attached" });
    await opened();
    expect(server.asked).toEqual([]);
    // Bytes that are not those which the hub has announced are not kept.
    await page.getByRole("button", { name: "Own…" }).click();
    await panel()
      .getByLabel("From the Hugging Face Hub")
      .fill("https://huggingface.co/tiny/lied/tree/main");
    await panel().getByRole("button", { name: "Look it up" }).click();
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    await panel().getByRole("alert").waitFor();
    expect(await panel().getByRole("alert").textContent()).toContain("SHA-256");
    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const { axe: checker } = globalThis as unknown as { axe: typeof axe }; // put there just now
      return (await checker.run("section.own")).violations.map(({ id }) => id);
    });
    expect(violations).toEqual([]);
    const deleted = async (repo: string): Promise<void> => {
      await panel()
        .getByRole("button", { name: `Delete ${repo}` })
        .click();
      await panel()
        .getByRole("button", { name: /^Delete \d/ })
        .click();
      await panel()
        .getByRole("button", { name: `Delete ${repo}` })
        .waitFor({ state: "detached" });
    };
    await deleted("tiny/lied");
    // It is kept for certain where somebody asks for it, and the browser agrees.
    await panel().getByRole("button", { name: "Ask it to keep it" }).click();
    await panel()
      .getByText(/keeps it, also where|has not agreed/)
      .waitFor();
    await deleted("tiny/mine");
    await panel().getByText("Nothing yet").waitFor();
    const left = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const names: string[] = [];
      for await (const name of (await root.getDirectoryHandle("resolvent-hub")).keys())
        names.push(name);
      return names;
    });
    expect(left).toEqual([]);
  });

  const lookUp = async (name: string): Promise<void> => {
    if ((await panel().count()) === 0) await page.getByRole("button", { name: "Own…" }).click();
    await panel().getByLabel("From the Hugging Face Hub").fill(name);
    await panel().getByRole("button", { name: "Look it up" }).click();
    await panel().getByText("to fetch").waitFor();
  };

  test("a page that is closed while it fetches goes on later; what has changed at the source begins anew", async () => {
    await lookUp("tiny/large");
    [server.stallAfter, server.stallFrom] = [100_000, PIECE_BYTES];
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    await page.waitForFunction(
      (least) =>
        (document.querySelector<HTMLProgressElement>(".task progress")?.value ?? 0) > least,
      PIECE_BYTES + 90_000,
    );
    // Its workers die as they stand.
    await page.goto("about:blank");
    server.stallAfter = undefined;
    await page.goto(server.address);
    await page.locator("select.models:not([disabled])").waitFor();
    await page.getByRole("button", { name: "Own…" }).click();
    await panel().getByText("not all of it").waitFor();
    server.move("tiny/large", other);
    server.asked.length = 0;
    await lookUp("tiny/large");
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    await opened();
    expect(server.asked).toContain("model.safetensors whole");
    expect(page.url()).toContain(NEXT_COMMIT);
    await page.getByRole("button", { name: "Own…" }).click();
    server.asked.length = 0;
    await panel().getByRole("button", { name: "Fetch the rest" }).click();
    await opened();
    expect(page.url()).toContain(COMMIT);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatch(new RegExp(`^model.safetensors bytes=${PIECE_BYTES}-`));
  });

  test("a model larger than the memory that it may have is read from the browser's storage, layer by layer", async () => {
    await lookUp("tiny/deep");
    expect(await panel().locator(".candidate").textContent()).toMatch(/2\d(?:\.\d)? MiB, in f32/);
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    // What it is asked next need not be waited for.
    await panel().waitFor({ state: "detached" });
    const model = encodeURIComponent(`hub:tiny/deep@${COMMIT}`);
    const question = `#v=1&m=${model}&p=Once+upon+a`;
    const values = encodeURIComponent(JSON.stringify({ prompt: "Once upon a", top: 3 }));
    const found = async (): Promise<unknown> => {
      await page.goto("about:blank"); // its workers end
      await page.goto(`${server.address}${question}&a=run&q=${values}`);
      const menu = page.locator(".found details.take").first();
      await menu.waitFor();
      await idle();
      const { path } = await savedBy(await openMenu(menu), "JSON");
      return JSON.parse(readFileSync(path, "utf8"));
    };
    const whole = await found();
    server.memory = LITTLE;
    server.asked.length = 0;
    const streamed = await found();
    expect(streamed).toEqual(whole);
    expect(server.asked).toEqual([]);
    // It had that memory and no more: what needs all layers at once is refused, and says what does not.
    await page.goto(`${server.address}${question}`);
    await page.getByRole("alert").waitFor();
    const said = (await page.getByRole("alert").textContent()) ?? "";
    expect(said).toMatch(/at least 2\d(?:\.\d)? MiB for weights.* a page has 12\.0 MiB/);
    expect(said).toContain("layer by layer");
    await lookUp("tiny/deep");
    expect(await panel().locator(".candidate").textContent()).toMatch(/MiB, layer by layer/);
    server.memory = undefined;
    await page.goto("about:blank");
    await page.goto(server.address);
    await page.locator("select.models:not([disabled])").waitFor();
  });

  test("a model that the browser has no room for stays in memory, and the page says so", async () => {
    const session = await page.context().newCDPSession(page);
    const origin = new URL(server.address).origin;
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
    await lookUp("tiny/mine");
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
    await panel().waitFor({ state: "detached" });
    await idle();
    expect(await page.getByText("is in this page's memory and not stored").count()).toBe(1);
    expect(page.url()).toContain(`m=hub%3Atiny%2Fmine%40${COMMIT}`);
    await page.getByRole("button", { name: "Own…" }).click();
    await panel().getByRole("heading", { name: "In memory" }).waitFor();
    await session.send("Storage.overrideQuotaForOrigin", { origin });
  });

  /** Loads a plug-in that somebody drops, and agrees to. */
  const load = async (name: string, source: string): Promise<void> => {
    await drop(page, { [name]: Buffer.from(source) });
    await panel().getByText("it cannot", { exact: true }).waitFor();
    await panel().getByRole("button", { name: "Load it" }).click();
  };

  test("a plug-in as it is made by create-analysis runs on the page's model, in a panel like any other", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "resolvent-plugin-")), "made");
    const source = readFileSync(join(made("stream-norms", folder), "src/index.js"), "utf8");
    rmSync(folder, { recursive: true });
    await load("index.js", source.replace('"@resolvent/tensor"', '"./elsewhere.js"'));
    await panel().getByText('It imports "./elsewhere.js"').waitFor();
    // Nothing of a link is loaded: it names an analysis that is not there.
    await page.goto(`${server.address}#v=1&a=stream-norms`);
    await page.getByText("no analysis “stream-norms”").waitFor();
    await load("index.js", source);
    await panel().getByRole("button", { name: "stream-norms" }).click();
    await page.getByRole("heading", { name: "stream-norms" }).waitFor();
    await page.getByRole("button", { name: "Run" }).click();
    await page
      .locator(".found td", { hasText: /^\d+\.\d/ })
      .first()
      .waitFor();
    expect(await page.getByLabel("Another analysis").inputValue()).toBe("stream-norms");
  });

  test("a hostile one reaches nothing, is shown as text, and is ended", async () => {
    const said: string[] = [];
    page.on("dialog", (dialog) => void dialog.dismiss().then(() => said.push(dialog.message())));
    await page.getByRole("button", { name: "Own…" }).click();
    await load("hostile.js", hostilePlugin(`${server.address}reached/`));
    await panel().getByRole("button", { name: "tries" }).click();
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator(".found td").first().waitFor();
    const outcomes = await page.locator(".found figure tbody tr").allTextContents();
    expect(outcomes).toHaveLength(11);
    for (const outcome of outcomes) expect(outcome).toMatch(/refused: /);
    // What the page shows is its words; its mark, which nobody knows, is a list.
    expect(await page.locator("main img, main b, main i, main u, main script").count()).toBe(0);
    expect(await page.locator(".found").textContent()).toContain("<i>what came of it</i>");
    expect(server.paths.filter((path) => path.startsWith("/reached"))).toEqual([]);
    for (const [name, end] of [
      ["hangs", async () => await page.getByRole("button", { name: "Cancel" }).first().click()],
      ["floods", async () => await page.getByText("within a second").waitFor()],
    ] as const) {
      await page.getByLabel("Another analysis").selectOption(name);
      await page.getByRole("heading", { name }).waitFor();
      await page.getByRole("button", { name: "Run" }).click();
      await end();
      await idle();
      // The page goes on, and so does its own work.
      expect(await page.locator("iframe").count()).toBe(1);
    }
    await page.getByRole("button", { name: "Paths" }).click();
    await page.getByText("The model continues with", { exact: false }).first().waitFor();
    await page.getByRole("button", { name: "Own…" }).click();
    await page.getByRole("button", { name: "Take hostile.js away" }).click();
    await page
      .getByLabel("Another analysis")
      .locator("option[value=tries]")
      .waitFor({ state: "detached" });
    expect(said).toEqual([]);
  });
});
