import type { Page } from "playwright";

/** Frames without a change after which a page is taken to stand still. */
const STILL = 8;

/** Waits until nothing on the page changes any more, and nothing is loaded: drawings follow sizes a frame or two later. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async (still) => {
    // Changes are counted: to write all of the page in every frame, and compare it, takes most of a frame.
    let changes = 0;
    const observer = new MutationObserver(() => changes++);
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    observer.observe(document.body, all);
    let before = "";
    for (let same = 0; same < still; ) {
      await new Promise(requestAnimationFrame);
      const loaded = performance.getEntriesByType("resource").length;
      const now = `${loaded} ${location.href} ${changes}`;
      same = now === before ? same + 1 : 0;
      before = now;
    }
    observer.disconnect();
  }, STILL);
}

/** Waits until the lab does nothing that was asked for. */
export async function idleOf(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector(".status[data-busy=false]"));
}
