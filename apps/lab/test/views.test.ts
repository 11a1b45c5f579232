import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  type Answering,
  answerRequests,
  askOver,
  type Workplace,
} from "@resolvent/analysis/remote";
import { featureFields, logitFields, tokenFields } from "@resolvent/dictionary/graph";
import { graphText } from "@resolvent/dictionary/presentations";
import {
  modelsOf,
  type OpenMergeModel,
  openMergeModel,
  planMerge,
  readMergeConfig,
} from "@resolvent/merge";
import { writeMerge } from "@resolvent/merge/node";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { type Browser, chromium, type Locator, type Page } from "playwright";
import { findDictionaries, findFolder, selectEngine } from "resolvent";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { graphWork } from "../src/state/feature-facts.ts";
import { catalogue } from "../src/worker/catalogue.ts";
import { keptModels } from "../src/worker/kept-models.ts";
import { workplaceOf } from "../src/worker/workplace.ts";
import { faultless } from "./faultless.ts";
import { copiedBy, expectSameQuestion, openMenu, savedBy } from "./same-question.ts";
import { idleOf } from "./settled.ts";
import { type StaticServer, serveFolder } from "./static-server.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(join(dist, "index.html"))) throw new Error('Run "npm run build" first.');

const inChromium = hasChromium
  ? describe
  : describe.skip.bind(
      null,
      `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`,
    );

test("each tab loads less than 60 kB of its own", () => {
  const files = readdirSync(join(dist, "assets"));
  for (const view of ["HeadsView", "FeaturesView", "LinearView", "ModelsView", "MergePanel"]) {
    const own = files.filter((file) => file.startsWith(view));
    expect(own.some((file) => file.endsWith(".js"))).toBe(true);
    const total = own.reduce(
      (sum, file) => sum + gzipSync(readFileSync(join(dist, "assets", file))).length,
      0,
    );
    expect(total, view).toBeLessThan(60_000);
  }
});

/** The file that the command writes of the sentence of these tests, with the options that the page says it used. */
async function writtenGraph(): Promise<string> {
  const models = keptModels({ engine: selectEngine, threads: 1, folder: findFolder });
  const workplace = workplaceOf({ catalogue, models, engine: "cpu, 1 thread" });
  const dictionary = await findDictionaries("tales-transcoders");
  const sides: { answering?: Answering } = {};
  const asking = askOver((request) => sides.answering?.hear(request));
  const host: Workplace["host"] = async (model, options) => {
    const own = await workplace.host(model, options);
    return { ...own, offers: { ...own.offers, dictionary } };
  };
  sides.answering = answerRequests({ ...workplace, host }, (reply) => asking.hear(reply));
  try {
    const question = { model: "tales", prompt: "Once upon a", target: null };
    const run = await asking.run({
      ...{ analysis: "run", model: "tales", values: { prompt: question.prompt, top: 2 } },
      ...{ precision: "f32", float64: false },
    });
    const { next } = Object(run.result);
    const target = next.map(({ id }: { readonly id: number }) => id);
    const work = graphWork(question, { target, verify: 0 });
    const values = { ...work.values, nodeThreshold: 0.8, edgeThreshold: 0.98 };
    const { result } = await asking.run({ ...work, values });
    return graphText(Object(result).graph);
  } finally {
    await models.close();
  }
}

/** A file of a graph of some 2,000 nodes, each with an edge to the logit and one from a token. */
function wideGraph(): { readonly links: readonly object[] } & Readonly<Record<string, unknown>> {
  const positions = 40;
  const features = Array.from({ length: 2000 }, (_, i) =>
    featureFields(i % 4, i, i % positions, { activation: 1 + (i % 7) }),
  );
  const tokens = Array.from({ length: positions }, (_, i) => tokenFields(i, i));
  const logit = logitFields(1, {
    ...{ text: " end", probability: 0.5, layers: 4, position: positions - 1, isTarget: true },
  });
  const links = features.flatMap(({ node_id: own }, i) => [
    { source: own, target: logit.node_id, weight: (i % 2 === 0 ? 1 : -1) / (1 + i) },
    { source: tokens[i % positions]?.node_id, target: own, weight: 1 },
  ]);
  const prompt_tokens = tokens.map((_, i) => ` t${i}`);
  const metadata = { slug: "wide", scan: "toy", prompt: "t", prompt_tokens, schema_version: 1 };
  return { metadata, qParams: {}, nodes: [...features, ...tokens, logit], links };
}

/** The hash of the weights that the same configuration gives on this machine. */
async function mergedOnDisk(config: string): Promise<string | undefined> {
  const recipe = readMergeConfig(config);
  const models = new Map<string, OpenMergeModel>();
  for (const { name } of modelsOf(recipe))
    models.set(name, await openMergeModel(await findFolder(name)));
  const home = mkdtempSync(join(tmpdir(), "resolvent-lab-"));
  try {
    const plan = planMerge(recipe, models);
    const { files } = await writeMerge(plan, models, join(home, "mine"), { config, threads: 1 });
    return files.find(({ name }) => name === "model.safetensors")?.sha256;
  } finally {
    rmSync(home, { recursive: true });
  }
}

inChromium("the tabs in Chromium", () => {
  let browser: Browser;
  let server: StaticServer;
  let lab: Page;
  const said: string[] = [];

  const title = (name: string) => lab.getByRole("navigation").getByRole("button", { name });
  /** Waits until nothing goes on. */
  const idle = async (): Promise<void> => {
    await idleOf(lab);
  };
  beforeAll(async () => {
    server = await serveFolder(dist, "/");
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
    lab = await browser.newPage({ viewport: { width: 390, height: 844 }, acceptDownloads: true });
    await lab.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    lab.on("console", (message) => {
      if (message.type() === "error") said.push(message.text());
    });
    lab.on("pageerror", (error) => said.push(String(error)));
    await lab.goto(`${server.address}#v=1&p=Once+upon+a`);
    await lab.getByText("The model continues with", { exact: false }).first().waitFor();
    await idle();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test("heads: an arc is why and what, and a head that is taken away changes what the model says", async () => {
    // Ended as soon as it has begun, it can be had again.
    await lab.evaluate(() => {
      const status = document.querySelector(".status") ?? document.body;
      const observer = new MutationObserver(() => {
        observer.disconnect();
        window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
      });
      observer.observe(status, { attributes: true });
    });
    await title("Heads").click();
    await lab.getByText("Nothing was found of them").waitFor();
    await idle();
    await lab.getByRole("button", { name: "Find it" }).click();
    await lab.getByRole("heading", { name: "Why: pairs that add up to its score" }).waitFor();
    // A link may name any head.
    await lab.evaluate(() => {
      location.hash += "&h=L9.H9";
    });
    const note = lab.locator(".banner", { hasText: "There is no head L9.H9 here" });
    await note.getByRole("button").click();
    expect(lab.url()).not.toContain("h=L9");
    await lab.locator(".heads tbody tr", { hasText: "L1.H2" }).first().click();
    expect(lab.url()).toContain("h=L1.H2");
    await lab.getByRole("heading", { name: "Where L1.H2 looks" }).waitFor();
    // Keys go from row to row, and the focus with them.
    for (const [key, name] of [
      ["ArrowDown", "L1.H3"],
      ["ArrowUp", "L1.H2"],
    ] as const) {
      await lab.keyboard.press(key);
      await lab.getByRole("heading", { name: `Where ${name} looks` }).waitFor();
      expect(await lab.locator(".heads tr:focus").textContent()).toContain(name);
    }
    // No line ends between a number and its %.
    expect(await lab.getByText("L1.H2 at").textContent()).toMatch(/\d\u00a0% of its attention/);
    // An arc by its place: the other views have it, and the address.
    await lab.getByLabel("from token").selectOption("1");
    await lab.getByLabel("to token").selectOption("0");
    await lab.locator('svg path.on[data-key="1-0"]').first().waitFor();
    expect(lab.url()).toContain("e=1-0");
    await idle();
    await lab.getByRole("checkbox", { name: "take L0.H1 away" }).check();
    await lab.getByText("with L0.H1 ablated").waitFor();
    expect(await lab.locator("svg rect.twin").count()).toBeGreaterThan(3);
    await faultless(lab);
    // Going back puts it back.
    await lab.goBack();
    await lab.getByText("with L0.H1 ablated").waitFor({ state: "detached" });
  });

  /** A merge is saved into a folder that somebody picks, whole or not at all; as downloads where none can be picked. */
  const savedMerge = async (merging: Locator, hash: string | undefined): Promise<void> => {
    // A folder of private storage stands for one of the disk: the same handles, and nobody to pick it.
    await lab.evaluate(() => {
      const pick = async () =>
        await (await navigator.storage.getDirectory()).getDirectoryHandle("disk", { create: true });
      Object.assign(window, { showDirectoryPicker: pick });
    });
    const save = merging.getByRole("button", { name: "Save mine" });
    await save.click();
    await merging.getByText("mine is saved.").waitFor();
    const files = await lab.evaluate(async () => {
      const disk = await (await navigator.storage.getDirectory()).getDirectoryHandle("disk");
      const found: [string, string][] = [];
      for await (const [name, handle] of (await disk.getDirectoryHandle("mine")).entries()) {
        const bytes = await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        found.push([name, Array.from(digest, (one) => one.toString(16).padStart(2, "0")).join("")]);
      }
      return found.sort();
    });
    expect(new Map(files).get("model.safetensors")).toBe(hash);
    expect(files.map(([name]) => name)).toContain("config.json");
    // Nothing on the disk is replaced.
    await save.click();
    await merging.getByText("There is something called “mine” in that folder").waitFor();
    // A disk that is full keeps no part of it.
    await lab.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      await root.removeEntry("disk", { recursive: true });
      const { prototype } = FileSystemFileHandle;
      const { createWritable } = prototype;
      prototype.createWritable = async function (...given) {
        if (this.name !== "model.safetensors") return await createWritable.apply(this, given);
        prototype.createWritable = createWritable;
        throw new DOMException("The disk is full.", "QuotaExceededError");
      };
    });
    await save.click();
    await merging.getByText("It could not be saved: The disk is full.").waitFor();
    const left = await lab.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const disk = await root.getDirectoryHandle("disk");
      const names: string[] = [];
      for await (const name of disk.keys()) names.push(name);
      await root.removeEntry("disk", { recursive: true });
      Reflect.deleteProperty(window, "showDirectoryPicker");
      return names;
    });
    expect(left).toEqual([]);
    const downloads: string[] = [];
    lab.on("download", (download) => downloads.push(download.suggestedFilename()));
    await save.click();
    await expect.poll(() => downloads.toSorted()).toEqual(files.map(([name]) => name));
    lab.removeAllListeners("download");
  };

  test("features: a graph of the sentence, pruned where it is; reasons, a check, a page; the file that others read", async () => {
    await title("Features").click();
    await lab.getByRole("button", { name: "Make it of this sentence" }).click();
    await lab.locator(".nodes tbody tr").first().waitFor();
    await idle();
    const counts = async (): Promise<number> =>
      Number.parseInt((await lab.getByText(/^\d+ nodes, \d+ edges$/).textContent()) ?? "", 10);
    const before = await counts();
    await lab.getByText("The paths that are left add up to").waitFor();
    // Pruning runs nothing: the worker of analyses is not asked.
    await lab.locator('input[type="range"]').fill("0.5");
    await expect.poll(counts).toBeLessThan(before);
    expect(await lab.locator(".status").textContent()).toBe("");
    await lab.locator('input[type="range"]').fill("0.8");
    await expect.poll(counts).toBe(before);
    const node = lab.locator(".nodes tr.feature button").first();
    const name = ((await node.textContent()) ?? "").trim();
    expect(name).toMatch(/^L\d\.F\d+$/);
    await node.click();
    await lab.getByText("Why: what it gets").waitFor();
    await lab.getByText("The feature, in these texts").waitFor();
    const picked = () => new URLSearchParams(new URL(lab.url()).hash.slice(1)).get("n") ?? "";
    expect(picked()).toMatch(new RegExp(`^${name}@\\d`));
    await lab.locator(`.drawing [data-key="${picked()}"].on`).first().waitFor();
    // Back shows the one before, with its reasons; without the step that has made it, there is no graph.
    const early = picked();
    const reasons = (of: string) => lab.getByRole("heading", { name: of, exact: true });
    await reasons(early).waitFor();
    await idle();
    await lab.locator(".nodes tr.feature button").nth(1).click();
    await expect.poll(picked).not.toBe(early);
    await reasons(picked()).waitFor();
    await lab.goBack();
    await reasons(early).waitFor();
    expect(picked()).toBe(early);
    await idle();
    await faultless(lab);
    // A dictionary and a text: asked again by a link, a command and a program.
    await idle();
    await expectSameQuestion(lab, lab.locator(".pages-of-feature details.take").first());
    await title("Features").click();
    await lab.getByRole("button", { name: "Make it of this sentence" }).click();
    await lab.locator(".nodes tbody tr").first().waitFor();
    // An edge, by what it is drawn as: its ends, its weight by degree, its check.
    const edge = await lab.locator(".drawing path[data-key]").last().getAttribute("data-key");
    // Where it crosses another, that one may be nearer.
    for (const share of [0.5, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6, 0.9]) {
      if (picked() === edge) break;
      await lab.evaluate(
        ([key, along]) => {
          const path = document.querySelector<SVGPathElement>(`.drawing path[data-key='${key}']`);
          path?.scrollIntoView({ block: "center", inline: "center" });
          const at = path?.getPointAtLength(path.getTotalLength() * along);
          const matrix = path?.getScreenCTM();
          if (path == null || at === undefined || matrix == null)
            throw new Error("It is not drawn.");
          const { x, y } = at.matrixTransform(matrix);
          const place = { bubbles: true, clientX: x, clientY: y };
          path.dispatchEvent(new MouseEvent("click", place));
        },
        [edge, share] as const,
      );
      await expect.poll(picked).toContain(" → ");
    }
    await expect.poll(picked).toBe(edge);
    await lab.getByRole("heading", { name: edge ?? "", exact: true }).waitFor();
    await lab.getByText("Taken away ✓").waitFor();
    // Saved, it is what the command writes with the same options.
    const saved = async (): Promise<string> => {
      const saving = lab.waitForEvent("download");
      await lab.getByRole("button", { name: "Save as JSON" }).click();
      return readFileSync(await (await saving).path(), "utf8");
    };
    const first = await saved();
    const file = JSON.parse(first);
    expect(Object.keys(file).sort()).toEqual(["links", "metadata", "nodes", "qParams"]);
    const written = await writtenGraph();
    // The same text but for the rounding of another engine's products.
    const NUMBER = /-?\d+\.\d+(?:e-?\d+)?/g;
    expect(first.replace(NUMBER, "#")).toBe(written.replace(NUMBER, "#"));
    const [own, other] = [first, written].map((text) => (text.match(NUMBER) ?? []).map(Number));
    expect(own?.length).toBeGreaterThan(100);
    const away = own?.map((value, i) => Math.abs(value - (other?.[i] ?? Number.NaN))) ?? [];
    expect(Math.max(...away)).toBeLessThan(1e-4);
    // Opened again and not pruned, it is the same file; with a label and a pin, these too.
    file.nodes[0].clerp = "named <b>by hand</b>";
    file.qParams.pinnedIds = [file.nodes[0].node_id];
    const given = `${JSON.stringify(file)}\n`;
    const chosen = { name: "mine.json", mimeType: "application/json", buffer: Buffer.from(given) };
    await lab.locator("input[type=file]").setInputFiles(chosen);
    await lab.locator('input[type="range"]').fill("1");
    await expect.poll(counts).toBe(file.nodes.length);
    expect(await saved()).toBe(given);
    expect(await lab.getByRole("alert").count()).toBe(0);
    // What is none is refused in a sentence, and what was there stays.
    const none = { ...chosen, name: "none.json", buffer: Buffer.from('{"nodes": [1]}') };
    await lab.locator("input[type=file]").setInputFiles(none);
    await lab.getByRole("alert").waitFor();
    expect(await lab.getByRole("alert").textContent()).toContain("none.json");
    expect(await counts()).toBe(file.nodes.length);
  });

  test("a graph of 2,000 nodes is painted, and only what is lit has elements", async () => {
    await title("Features").click();
    const file = wideGraph();
    const buffer = Buffer.from(JSON.stringify(file));
    await lab
      .locator("input[type=file]")
      .setInputFiles({ name: "wide.json", mimeType: "application/json", buffer });
    await lab.getByText(/^\d+ nodes, /).waitFor();
    await lab.locator('input[type="range"]').fill("1");
    await lab.locator(".drawing canvas").waitFor();
    await lab.getByText(/^2,?\d+ nodes, /).waitFor();
    // It is painted elsewhere, and comes to be seen here.
    const painted = (colour: "any" | "orange"): Promise<number> =>
      lab.evaluate((asked) => {
        const canvas = document.querySelector<HTMLCanvasElement>(".drawing canvas");
        if (canvas === null || canvas.width === 0) return 0;
        const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
        pen?.drawImage(canvas, 0, 0);
        const { data } = pen?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
        return data.filter((one, i) => {
          if (i % 4 !== 3 || one === 0) return false;
          return asked === "any" || (data[i - 3] ?? 0) > (data[i - 2] ?? 0) + 60;
        }).length;
      }, colour);
    await expect.poll(() => painted("any"), { timeout: 20_000 }).toBeGreaterThan(10_000);
    // In colours that the system forces while it is seen, it is painted in these.
    expect(await painted("orange")).toBeGreaterThan(1000);
    await lab.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
    await expect.poll(() => painted("orange"), { timeout: 20_000 }).toBe(0);
    expect(await painted("any")).toBeGreaterThan(10_000);
    await lab.emulateMedia({ forcedColors: null, colorScheme: null });
    await expect.poll(() => painted("orange"), { timeout: 20_000 }).toBeGreaterThan(1000);
    const elements = (): Promise<number> => lab.locator(".drawing *").count();
    const plain = await elements();
    expect(plain).toBeLessThan(60);
    // A list says how much it leaves out.
    expect(await lab.locator(".nodes tbody tr").count()).toBe(200);
    await lab.getByText(/with\s+the least effect are not listed/).waitFor();
    await lab.locator(".nodes tr.feature button").first().click();
    await expect.poll(elements).toBeGreaterThan(plain);
    expect(await elements()).toBeLessThan(plain + 200);
    expect(await lab.locator(".painted.some").count()).toBe(1);
    // A place along a row is the node at that token.
    const strip = lab.locator(".nodes tr.feature svg").nth(1);
    const [, at] =
      / at (\d+): activation/.exec((await strip.getAttribute("aria-label")) ?? "") ?? [];
    const { width = 0 } = (await strip.boundingBox()) ?? {};
    await strip.click({ position: { x: ((Number(at) + 0.5) / 40) * width, y: 8 } });
    await expect
      .poll(() => new URL(lab.url()).hash)
      .toMatch(new RegExp(`n=L\\d\\.F\\d+%40${at}\\b`));
    // Its file has all edges, those too that are not drawn.
    const menu = await openMenu(lab.locator('section[aria-labelledby="graph"] details.take'));
    const { path } = await savedBy(menu, "CSV");
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(lines.length - 1).toBe(file.links.length);
    await lab.keyboard.press("Escape");
  });

  test("features: lists have one stop for Tab; what is asked again is the graph as it is pruned, not the whole one", async () => {
    await title("Features").click();
    await lab.getByRole("button", { name: "Make it of this sentence" }).click();
    // Until then there is the graph of the test before.
    await lab.getByRole("button", { name: "Make it again" }).waitFor();
    await lab.locator('section[aria-labelledby="graph"][aria-busy="false"]').waitFor();
    await lab.locator(".nodes tbody tr").first().waitFor();
    await idle();
    // Its lists have one stop for Tab each, and arrow keys from row to row.
    const stops = lab.locator(".nodes .plain-button[tabindex='0']");
    expect(await stops.count()).toBe(1);
    await stops.focus();
    await lab.keyboard.press("Home"); // the stop stays with a row that was in the graph before, too
    await lab.keyboard.press("ArrowDown");
    const second = lab.locator(".nodes .plain-button").nth(1);
    await expect.poll(() => second.evaluate((one) => one === document.activeElement)).toBe(true);
    expect(await stops.textContent()).toBe(await second.textContent());
    await lab.keyboard.press("End");
    await lab.keyboard.press("ArrowDown");
    const last = lab.locator(".nodes .plain-button").last();
    await expect.poll(() => last.evaluate((one) => one === document.activeElement)).toBe(true);
    await lab.locator('input[type="range"]').fill("0.7");
    await lab.getByText("nodes with 70 % of the influence").waitFor();
    const menu = lab.locator("section[aria-labelledby=graph] details.take").first();
    const command = await copiedBy(await openMenu(menu), "command");
    expect(command).toContain("--node-threshold 0.7 --edge-threshold 0.98");
    await expectSameQuestion(lab, menu);
  });

  test("two models, and how linear one is, on the same sentence", async () => {
    await title("Two models").click();
    await lab.getByLabel("tales and").selectOption("tales-colours");
    await lab.getByRole("button", { name: "Compare on this sentence" }).click();
    await lab.getByRole("heading", { name: "Each degree’s share of the logits" }).waitFor();
    await faultless(lab);
    await expectSameQuestion(lab, lab.locator("details.take").first());
    await idle();
    await title("Two models").click();
    // Merged in the page: the bytes are those of the machine's merge, and it is a model like any other.
    const merging = lab.locator("section.merge");
    await lab.getByRole("button", { name: "Merge some …" }).click();
    const config = await merging.getByLabel("The configuration").inputValue();
    const plan = merging.getByRole("button", { name: "What would be done?" });
    await merging.getByLabel("The configuration").fill(`${config}densty: 0.5\n`);
    await plan.click();
    await merging.getByRole("alert").waitFor();
    expect(await merging.getByRole("alert").textContent()).toContain("densty");
    await merging.getByRole("button", { name: "Back to the form" }).click();
    await plan.click();
    await merging.getByText("would be merged by linear").waitFor();
    await merging.getByLabel("called").fill("mine");
    await merging.getByRole("button", { name: "Merge", exact: true }).click();
    await merging.getByText("Written as mine: it was loaded, and has read a token.").waitFor();
    await faultless(lab);
    const hash = await mergedOnDisk(config);
    expect(await merging.locator("td.mono").getAttribute("title")).toBe(hash);
    await savedMerge(merging, hash);
    await plan.click();
    await merging.getByLabel("called").fill("mine");
    await merging.getByText("“mine” is here already").waitFor();
    await merging.getByRole("button", { name: "Open mine" }).click();
    await idle();
    expect(lab.url()).toContain(`m=sha%3A${hash}`);
    await lab.reload();
    await lab.locator(`select.models option[value="sha:${hash}"]`).waitFor({ state: "attached" });
    await lab.waitForFunction(() => document.querySelector("h2#two") !== null);
    await idle();
    expect(await lab.getByRole("alert").count()).toBe(0);
    await lab.getByRole("button", { name: "Merge some …" }).click();
    await merging.getByRole("button", { name: "Delete mine" }).click();
    await merging.getByRole("button", { name: /^Delete \d/ }).click();
    await merging.getByText("Made in this browser").waitFor({ state: "detached" });
    // It was on the screen: the page goes to the bundled one, and says so.
    await lab.getByText("mine was deleted: this is tales now.").waitFor();
    await idle();
    expect(lab.url()).not.toContain("sha%3A");
    expect(await lab.locator("select.models").inputValue()).toBe("tales");
    expect(await lab.getByRole("alert").count()).toBe(0);
    await title("Linear?").click();
    await lab.getByRole("button", { name: "How far does a sum of its parts go?" }).click();
    const layers = lab.getByText("What sets of layers do beyond their parts");
    await layers.waitFor();
    await faultless(lab);
    // The address says what was asked for: Back takes it away, and a way back to it brings it again.
    await lab.goBack();
    await layers.waitFor({ state: "detached" });
    await lab.goForward();
    await layers.waitFor();
    expect(new URLSearchParams(new URL(lab.url()).hash.slice(1)).get("q")).toBe('{"series":true}');
    // What cannot be found is said where it was asked, and nowhere else.
    const texts = lab.getByRole("region", { name: "Block by block, over texts" });
    await texts.getByLabel("Texts").fill("Once upon a time.");
    await texts.getByRole("button", { name: "How linear is each block?" }).click();
    await texts.getByRole("alert").getByText("Give a longer text").waitFor();
    expect(await lab.getByRole("alert").count()).toBe(1);
  });

  test("a report: figures with notes, kept over a reload, saved, opened again, and nothing else taken for one", async () => {
    /** A finger needs 44 pixels. */
    const largeEnough = async (): Promise<void> => {
      const pressed =
        ":is(button, select, summary, tr[tabindex], label:has(> [type=checkbox])):visible";
      const [all, small] = await lab.locator(pressed).evaluateAll((those) => [
        those.length,
        those.flatMap((one) => {
          const { width, height } = one.getBoundingClientRect();
          return Math.min(width, height) < 44 ? [`${one.outerHTML} ${width}×${height}`] : [];
        }),
      ]);
      expect(all).toBeGreaterThan(20);
      expect(small).toEqual([]);
    };
    await title("Heads").click();
    await lab
      .getByRole("button", { name: /^Pin: / })
      .first()
      .click();
    await idle();
    await largeEnough();
    await title("Paths").click();
    await lab.getByRole("button", { name: "Pin: " }).first().click();
    await largeEnough();
    await lab.getByRole("button", { name: "Open the report" }).click();
    const pins = lab.locator(".report li");
    await expect.poll(() => pins.count()).toBe(2);
    const note = pins.first().getByLabel("Note");
    await note.fill("<b>Look</b> here & there.");
    await note.blur();
    await faultless(lab);
    await lab.reload();
    await lab.locator("select.models:not([disabled])").waitFor();
    expect(await note.inputValue()).toBe("<b>Look</b> here & there.");
    // The tab that an address opens is seen among the others, on a phone too.
    const end = async (): Promise<number> => {
      const { x = 0, width = 0 } = (await title("Report").boundingBox()) ?? {};
      return x + width;
    };
    await expect.poll(end).toBeLessThanOrEqual(390);
    await pins
      .first()
      .getByRole("button", { name: /^Down: / })
      .click();
    expect(await pins.nth(1).getByLabel("Note").inputValue()).toContain("Look");
    const saved = async (name: string): Promise<string> => {
      const saving = lab.waitForEvent("download");
      await lab.getByRole("button", { name }).click();
      return readFileSync(await (await saving).path(), "utf8");
    };
    const html = await saved("Save as a page");
    expect(html).toContain("&lt;b&gt;Look&lt;/b&gt; here &amp; there.");
    expect(html.match(/<article/g)).toHaveLength(2);
    expect(html).not.toMatch(/<script|<b>/);
    const json = await saved("Save as JSON");
    // Removing is undone where it is said.
    await pins
      .first()
      .getByRole("button", { name: /^Remove: / })
      .click();
    expect(await pins.count()).toBe(1);
    await lab.keyboard.press("Control+z");
    await expect.poll(() => pins.count()).toBe(2);
    await lab.getByRole("button", { name: "Remove all" }).click();
    const open = async (text: string): Promise<void> => {
      const file = { name: "report.json", mimeType: "application/json", buffer: Buffer.from(text) };
      await lab.locator('input[type=file][accept^=".json"]').setInputFiles(file);
    };
    await open(json.replace('"bars"', '"bars","onclick":"1"'));
    await lab.getByRole("alert").waitFor();
    expect(await lab.getByRole("alert").textContent()).toContain("onclick");
    await open(json);
    await expect.poll(() => pins.count()).toBe(2);
    expect(await pins.nth(1).getByLabel("Note").inputValue()).toContain("Look");
    expect(said).toEqual([]);
  });
});
