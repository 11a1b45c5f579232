import axe from "axe-core";
import type { Page } from "playwright";
import { expect } from "vitest";
import { settled } from "./settled.ts";

/** What is looked at: of colours every pair, of all else both themes and both widths once. */
const LOOKS = [
  { colorScheme: "light", width: 390, all: true },
  { colorScheme: "dark", width: 390, all: false },
  { colorScheme: "light", width: 1280, all: false },
  { colorScheme: "dark", width: 1280, all: true },
] as const;

/**
 * Nothing that axe finds, and nothing that runs over sideways, light and dark, narrow and wide.
 *
 * @param within what of the page axe looks at, where the rest has been looked at; default all of it
 */
export async function faultless(page: Page, within?: string): Promise<void> {
  const before = page.viewportSize();
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  for (const { colorScheme, width, all } of LOOKS) {
    await page.setViewportSize({ width, height: 844 });
    await page.emulateMedia({ colorScheme });
    await settled(page);
    const found = await page.evaluate(
      async ({ whole, part }) => {
        const { axe: checker } = globalThis as unknown as { axe: typeof axe }; // put there before
        const { violations } = await checker.run(part ?? document, {
          resultTypes: ["violations"], // of what passes nothing is said
          ...(!whole && { runOnly: ["color-contrast"] }),
        });
        return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
      },
      { whole: all, part: within },
    );
    expect(found, `${colorScheme}, ${width} px`).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      width,
    );
  }
  if (before !== null) await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
}
