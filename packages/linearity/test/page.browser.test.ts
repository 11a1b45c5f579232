import { afterEach, beforeEach, expect, test } from "vitest";
import { linearityPage } from "../src/index.ts";
import { HOSTILE, hostileResult } from "./hostile.ts";

let frame: HTMLIFrameElement;
beforeEach(() => {
  frame = document.createElement("iframe");
});
afterEach(() => frame.remove());

/** The page in a frame of a width. */
async function shown(width: number): Promise<Document> {
  frame.style.cssText = `width: ${width}px; height: 800px; border: 0`;
  frame.srcdoc = linearityPage(hostileResult(), { command: HOSTILE });
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  if (inside === null) throw new Error("The frame has no document.");
  return inside;
}

test("hostile names stay text, and run nothing", async () => {
  const inside = await shown(800);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(inside.querySelectorAll("script, img, iframe, object, link")).toHaveLength(0);
  expect(Reflect.get(frame.contentWindow ?? {}, "hacked")).toBeUndefined();
  expect(Reflect.get(globalThis, "hacked")).toBeUndefined();
  expect(inside.querySelector("h1")?.textContent).toContain("<script>");
  expect(inside.querySelector("pre")?.textContent).toContain("<script>");
});

test.each([360, 800, 1400])(
  "at %i pixels nothing sticks out, and every mark is in its figure",
  async (width) => {
    const inside = await shown(width);
    expect(inside.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    const figures = [...inside.querySelectorAll("svg")];
    expect(figures).toHaveLength(5);
    for (const svg of figures) {
      const box = svg.getBoundingClientRect();
      expect(box.width).toBeGreaterThan(300);
      const marks = [...svg.querySelectorAll(".point, .key, .curve, .bar")];
      expect(marks.length).toBeGreaterThan(3);
      for (const mark of marks) {
        const own = mark.getBoundingClientRect();
        expect(own.top).toBeGreaterThanOrEqual(box.top - 2);
        expect(own.bottom).toBeLessThanOrEqual(box.bottom + 2);
        expect(own.left).toBeGreaterThanOrEqual(box.left - 2);
        expect(own.right).toBeLessThanOrEqual(box.right + 2);
      }
    }
  },
);
