import { readFileSync } from "node:fs";
import type { Locator, Page } from "playwright";
import { expect } from "vitest";
import { differences, printedBy, printedByProgram, WHO } from "./copied.ts";

/** Opens the menu of a figure, and gives what it shows. */
export async function openMenu(menu: Locator): Promise<Locator> {
  const sheet = menu.locator(".sheet");
  if ((await sheet.count()) === 0) await menu.locator("summary").click();
  await sheet.waitFor();
  return sheet;
}

/** What an open menu copies, word for word. */
export async function copiedBy(sheet: Locator, kind: string): Promise<string> {
  await sheet.getByRole("button", { name: kind, exact: true }).click();
  await sheet.getByText(`${kind} is copied.`).waitFor();
  return await sheet.page().evaluate(() => navigator.clipboard.readText());
}

/** The file that an open menu saves: its name, and where it is. */
export async function savedBy(
  sheet: Locator,
  kind: string,
): Promise<{ readonly name: string; readonly path: string }> {
  const download = sheet.page().waitForEvent("download");
  await sheet.getByRole("button", { name: kind, exact: true }).click();
  const saved = await download;
  return { name: saved.suggestedFilename(), path: await saved.path() };
}

/** A command and a program answer the question that a figure is of: the same hash, and the same numbers. */
export async function expectSameResults(
  menu: Locator,
  { command, program }: { readonly command: string; readonly program: string },
): Promise<void> {
  const { path } = await savedBy(await openMenu(menu), "JSON");
  const found = JSON.parse(readFileSync(path, "utf8"));
  expect(found.question).toMatch(/^[0-9a-f]{64}$/);
  const printed = [await printedBy(command, ["--json"]), await printedByProgram(program)];
  for (const other of printed.map((text) => JSON.parse(text))) {
    expect(other.question).toBe(found.question);
    expect(differences(found, other, { but: WHO })).toEqual([]);
  }
}

/** The link, the command and the program that a figure's menu copies ask what it is of; the page is at the link then. */
export async function expectSameQuestion(page: Page, menu: Locator): Promise<void> {
  const sheet = await openMenu(menu);
  const [link, command, program] = [
    await copiedBy(sheet, "link"),
    await copiedBy(sheet, "command"),
    await copiedBy(sheet, "TypeScript"),
  ];
  const question = await sheet.locator(".hash").getAttribute("title");
  await page.goto(link);
  const found = page.locator(".found details.take").first();
  await found.waitFor();
  expect(await (await openMenu(found)).locator(".hash").getAttribute("title")).toBe(question);
  await expectSameResults(found, { command, program });
}
