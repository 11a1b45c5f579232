import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { LONG, MOST, PACKED, placeOf, START } from "../src/state/fragment.ts";
import { linkOf } from "../src/state/links.ts";
import { packed, unpacked } from "../src/state/packed.ts";
import { FIRST } from "../src/state/question.ts";
import { Trail } from "../src/state/trail.ts";

afterEach(() => vi.unstubAllGlobals());

const long = `v=1&p=${"a+b+%E2%86%92+".repeat(400)}`;

test("a long fragment becomes short, and is had back to the letter; a short one stays", async () => {
  expect(await packed("v=1&k=3")).toBe("v=1&k=3");
  const short = await packed(long);
  expect(short).toMatch(/^v=1&b=[\w-]+$/);
  expect(short.length).toBeLessThan(long.length / 10);
  expect(await unpacked(`#${short}`)).toBe(long);
  const anything = fc.string({ minLength: LONG, maxLength: 3 * LONG, unit: "binary" });
  await fc.assert(
    fc.asyncProperty(anything, async (text) => {
      const fragment = `v=1&p=${encodeURIComponent(text)}`;
      const own = await packed(fragment);
      expect(own.startsWith(PACKED) ? await unpacked(own) : own).toBe(fragment);
    }),
    { numRuns: 4 },
  );
});

test("one that was cut, changed, or unpacks to more than is read, is a fault with what to do", async () => {
  const short = await packed(long);
  const fault = expect.objectContaining({ code: "lab/broken-link" });
  await expect(unpacked(short.slice(0, -9))).rejects.toEqual(fault);
  await expect(unpacked(`${PACKED}!`)).rejects.toEqual(fault);
  await expect(unpacked(PACKED)).rejects.toEqual(fault);
  await expect(unpacked(`${PACKED}${"A".repeat(50)}`)).rejects.toEqual(fault);
  const bomb = await packed("x".repeat(100 * MOST));
  expect(bomb.length).toBeLessThan(MOST);
  await expect(unpacked(bomb)).rejects.toMatchObject({ code: "lab/long-link" });
});

test("of another version it is a message, as any other", () => {
  expect(placeOf("#v=2&b=AAAA")).toEqual({ message: expect.stringContaining("version 2") });
});

test("a browser that deflates nothing has links as they are", async () => {
  vi.stubGlobal("CompressionStream", undefined);
  expect(await packed(long)).toBe(long);
});

test("a link to a long question is deflated, and leads back to it", async () => {
  const question = {
    ...FIRST,
    prompt: "Mary gave a drink to John, and ".repeat(200),
    target: null,
  };
  const at = { origin: "http://lab", pathname: "/x/", search: "" };
  const link = (await linkOf({ ...START, question }, at)) ?? "";
  expect(link.length).toBeLessThan(LONG);
  expect(placeOf(await unpacked(new URL(link).hash))).toEqual({
    ...{ place: { ...START, question }, ignored: [] },
  });
});

test("an address is deflated a moment after a step, unless somebody has gone on by then", async () => {
  const location = { pathname: "/", search: "", hash: "" };
  const went = (_: unknown, __: string, to: string): void => {
    location.hash = to.slice(1);
  };
  const history = { state: null, pushState: went, replaceState: went };
  const trail = new Trail({ history, location } as unknown as Window);
  trail.go(long, "question");
  expect(location.hash).toBe(`#${long}`);
  await vi.waitFor(async () => expect(location.hash).toBe(`#${await packed(long)}`));
  trail.go(`${long}x`, "question");
  trail.go("v=1&k=2", "degree");
  await packed(long);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(location.hash).toBe("#v=1&k=2");
});

test("what a slider passes is one step back, what was asked a step each time", () => {
  const location = { pathname: "/", search: "", hash: "" };
  let steps = 0;
  const history = { state: null, pushState: () => steps++, replaceState: () => {} };
  const trail = new Trail({ history, location } as unknown as Window);
  for (const k of [1, 2, 3]) trail.go(`v=1&k=${k}`, "degree");
  expect(steps).toBe(1);
  for (const q of [1, 2, 3]) trail.go(`v=1&q=${q}`, null);
  expect(steps).toBe(4);
});
