import type { Locator, Page } from "playwright";
import { type Frames, framesOf } from "./watched.ts";

/** One thing that is done with a page. */
export interface Scene {
  readonly what: string;
  readonly frames: Frames;
}

/** Steps of a pointer over a figure. */
const STEPS = 240;

/** Hovering, selecting and scrolling over a figure, and what stands beside it. */
export async function scenesOf(
  page: Page,
  name: string,
  { figure, list }: { readonly figure: Locator; readonly list: Locator },
): Promise<readonly Scene[]> {
  await figure.scrollIntoViewIfNeeded();
  const { x = 0, y = 0, width = 0, height = 0 } = (await figure.boundingBox()) ?? {};
  const low = Math.min(height, (page.viewportSize()?.height ?? 0) - y - 8);
  // Up and down while it goes from left to right, so that it crosses much of what there is.
  const at = (i: number): readonly [number, number] => [
    x + 8 + ((width - 16) * i) / STEPS,
    y + 8 + (low - 16) * (0.5 + 0.5 * Math.sin(i / 7)),
  ];
  const hovering = await framesOf(page, async () => {
    for (let i = 0; i < STEPS; i++) {
      await page.mouse.move(...at(i));
      await page.waitForTimeout(8);
    }
  });
  const selecting = await framesOf(page, async () => {
    for (let i = 0; i < STEPS; i += 12) {
      await page.mouse.click(...at(i));
      await page.waitForTimeout(60);
    }
  });
  const scrolling = await framesOf(page, async () => {
    const box = await list.boundingBox();
    if (box !== null) await page.mouse.move(box.x + box.width / 2, box.y + 60);
    for (let i = 0; i < STEPS / 2; i++) {
      await page.mouse.wheel(0, i % 40 < 20 ? 90 : -90);
      await page.waitForTimeout(12);
    }
  });
  return [
    { what: `${name}: hovering`, frames: hovering },
    { what: `${name}: selecting`, frames: selecting },
    { what: `${name}: scrolling`, frames: scrolling },
  ];
}
