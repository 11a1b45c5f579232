import type { Page } from "playwright";

/** What a page tells of itself while it is used. */
interface Watch {
  /** Milliseconds of tasks that held the main thread for more than 50. */
  readonly tasks: { readonly start: number; readonly ms: number }[];
  /** When analyses could first be chosen: the app has its place, and the worker has told which there are. */
  live: number | null;
  /** Times of frames, while they are counted. */
  frames: number[] | null;
}

declare global {
  var benchWatch: Watch;
}

/** Put into a page before its own scripts. */
export function watch(): void {
  const own: Watch = { tasks: [], live: null, frames: null };
  globalThis.benchWatch = own;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      own.tasks.push({ start: startTime, ms: duration });
  }).observe({ type: "longtask", buffered: true });
  const tick = (time: number): void => {
    own.frames?.push(time);
    if (own.live === null && document.querySelector("#app nav select:not([disabled])") !== null)
      own.live = performance.now();
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

/** How a page runs while something is done with it. */
export interface Frames {
  readonly perSecond: number;
  /** Milliseconds between two frames: of 100, the 95th, and the longest. */
  readonly p95: number;
  readonly worst: number;
}

/** Frames per second while a page is used. */
export async function framesOf(page: Page, use: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    globalThis.benchWatch.frames = [];
  });
  await use();
  const times = await page.evaluate(() => {
    const { frames } = globalThis.benchWatch;
    globalThis.benchWatch.frames = null;
    return frames ?? [];
  });
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const sorted = gaps.toSorted((a, b) => a - b);
  const all = gaps.reduce((sum, gap) => sum + gap, 0);
  return {
    perSecond: (1000 * gaps.length) / all,
    p95: sorted[Math.floor(0.95 * sorted.length)] ?? Number.NaN,
    worst: sorted.at(-1) ?? Number.NaN,
  };
}

/** The longest task so far, and forgets it. */
export async function longestTask(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const { tasks } = globalThis.benchWatch;
    const longest = tasks.reduce((most, { ms }) => Math.max(most, ms), 0);
    tasks.length = 0;
    return longest;
  });
}
