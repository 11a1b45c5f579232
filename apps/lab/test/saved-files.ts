import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Locator, Page } from "playwright";
import { expect } from "vitest";
import { differences, printedBy, WHO } from "./copied.ts";
import { copiedBy, openMenu, savedBy } from "./same-question.ts";

/** The marks of a figure of bars. */
const MARKS = "rect.towards, rect.against, rect.size, rect.twin";

/** All that a figure's menu saves: pictures of what is drawn, and the files that the command writes. */
export async function expectSameFiles(page: Page, figure: Locator): Promise<void> {
  const sheet = await openMenu(figure.locator("details.take"));
  const command = await copiedBy(sheet, "command");
  const question = (await sheet.locator(".hash").getAttribute("title")) ?? "";
  const read = async (kind: string): Promise<{ readonly name: string; readonly text: string }> => {
    const { name, path } = await savedBy(sheet, kind);
    expect(name).toContain(`tales-expand-${question.slice(0, 8)}`);
    return { name, text: readFileSync(path, "utf8") };
  };

  const svg = await read("SVG");
  const drawn = await page.evaluate(
    ([text = "", marks = ""]) => {
      const { documentElement: root } = new DOMParser().parseFromString(text, "image/svg+xml");
      const texts = [...root.querySelectorAll("text")].map((one) => one.textContent);
      return {
        ...{ name: root.nodeName, width: Number(root.getAttribute("width")) },
        ...{ height: Number(root.getAttribute("height")), texts },
        marks: root.querySelectorAll(marks).length,
      };
    },
    [svg.text, MARKS],
  );
  expect(drawn.name).toBe("svg");
  expect(drawn.marks).toBe(await figure.locator("svg.rs").first().locator(MARKS).count());
  expect(drawn.marks).toBeGreaterThan(2);
  expect(drawn.texts).toContain(await figure.locator("h3").first().textContent());
  // It stands alone: in light colours, written out.
  expect(svg.text).not.toMatch(/var\(|@media|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
  expect(svg.text).toContain("#ffffff");

  const { path } = await savedBy(sheet, "PNG");
  const png = readFileSync(path);
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([drawn.width * 2, drawn.height * 2]);
  // What is drawn is in it: not one colour alone.
  expect(await colours(page, png)).toBeGreaterThan(8);

  const csv = await read("CSV");
  const kind = csv.name.slice(`tales-expand-${question.slice(0, 8)}-`.length, -".csv".length);
  const printed = await printedBy(command, ["--format", "csv", "--only", kind]);
  expect(differences(cells(csv.text), cells(printed))).toEqual([]);

  const json = await read("JSON");
  const found = JSON.parse(json.text);
  expect(json.text).toBe(`${JSON.stringify(found, undefined, 2)}\n`);
  const other = JSON.parse(await printedBy(command, ["--json"]));
  expect(Object.keys(found)).toEqual(Object.keys(other));
  expect(differences(found, other, { but: WHO })).toEqual([]);
  const lines = (text: string): unknown =>
    text
      .trimEnd()
      .split("\n")
      .map((one) => JSON.parse(one));
  const ndjson = await printedBy(command, ["--format", "ndjson"]);
  expect(differences(lines((await read("NDJSON")).text), lines(ndjson), { but: WHO })).toEqual([]);

  await expectSamePage(page, (await savedBy(sheet, "page")).path, command);
}

/** The page is the one that the command writes, but for numbers' last digits, and needs nothing else. */
async function expectSamePage(page: Page, path: string, command: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "resolvent-lab-"));
  try {
    const written = await printedBy(command, ["--html", "-", "--output", join(folder, "x.json")]);
    const plain = (text: string): string =>
      text
        .replace(/<pre .*<\/pre>/s, "")
        .replace(/<dt>engine<\/dt><dd>[^<]*/, "")
        .replace(/[-−]?\d[\d.e−+-]*/g, "#");
    const saved = readFileSync(path, "utf8");
    expect(plain(saved)).toBe(plain(written));
    expect(saved).toContain("resolvent expand tales");
    const other = await page.context().newPage();
    const asked: string[] = [];
    other.on("request", (request) => asked.push(request.url()));
    await other.goto(pathToFileURL(path).href);
    expect(await other.locator("h1").textContent()).not.toBe("");
    expect(asked).toEqual([pathToFileURL(path).href]);
    await other.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many colours a picture has. */
async function colours(page: Page, png: Buffer): Promise<number> {
  return await page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    if (context === null) return 0;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  }, png.toString("base64"));
}

/** CSV as rows of texts and numbers. */
function cells(csv: string): unknown {
  return csv
    .trimEnd()
    .split("\n")
    .map((line) => line.split(",").map((cell) => (cell === "" ? cell : asNumber(cell))));
}

function asNumber(cell: string): string | number {
  return Number.isNaN(Number(cell)) ? cell : Number(cell);
}
