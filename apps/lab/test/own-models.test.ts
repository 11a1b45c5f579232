import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tinyModel } from "@resolvent/testkit";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMIT, type HubServer, serveWithHub } from "./hub-server.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(join(dist, "index.html"))) throw new Error('Run "npm run build" first.');

const chromiumPath = process.env.RESOLVENT_CHROMIUM ?? "/usr/bin/chromium";
const inChromium = existsSync(chromiumPath)
  ? describe
  : describe.skip.bind(
      null,
      `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`,
    );

type Files = Readonly<Record<string, Buffer>>;

/** A small random model that reads text as `tales` does. */
async function smallModel(seed: number): Promise<Files> {
  const tales = new URL("../../../packages/models/tales/", import.meta.url);
  const { vocab_size } = JSON.parse(readFileSync(new URL("config.json", tales), "utf8"));
  const model = tinyModel("llama", { seed, vocab_size });
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
    await page.waitForFunction(() => document.querySelector(".status")?.textContent?.trim() === "");
  };
  const opened = async (): Promise<void> => {
    await panel().waitFor({ state: "detached" });
    await idle();
    expect(await page.getByRole("alert").count()).toBe(0);
  };

  beforeAll(async () => {
    [mine, other] = [await smallModel(1), await smallModel(2)];
    server = await serveWithHub(dist, { "tiny/mine": mine, "tiny/lied": other }, "tiny/lied");
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.address);
    await page.locator("select.models:not([disabled])").waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test("files that are dropped are read by their headers, opened, and asked for by their hash", async () => {
    await drop(page, { ...mine, "config.json": Buffer.from('{"model_type":"mamba"}') });
    await panel().getByRole("alert").waitFor();
    expect(await panel().getByRole("alert").textContent()).toContain("mamba");
    const before = await page.locator(".sentence").textContent();
    await drop(page, mine);
    await panel().getByText("in memory").waitFor();
    expect(await panel().locator(".candidate").textContent()).toContain("llama");
    await panel().getByRole("button", { name: "Open it" }).click();
    await opened();
    expect(page.url()).toMatch(/m=sha%3A[0-9a-f]{64}/);
    expect(await page.locator(".sentence").textContent()).not.toBe(before);
    const found = await page.locator(".sentence").textContent();
    // Somebody opens the link: files of another model are told apart.
    await page.reload();
    await panel().getByText("drop the files").waitFor();
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
    await panel().getByRole("button", { name: "Fetch and open it" }).click();
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
    expect(server.asked).toEqual([`model.safetensors bytes=40001-${weights.length - 1}`]);
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
    for (const repo of ["tiny/lied", "tiny/mine"]) {
      await panel()
        .getByRole("button", { name: `Delete ${repo}` })
        .click();
      await panel()
        .getByRole("button", { name: /^Delete \d/ })
        .click();
      await panel()
        .getByRole("button", { name: `Delete ${repo}` })
        .waitFor({ state: "detached" });
    }
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
});
