import { expect, test } from "vitest";
import { onceMade } from "../src/index.ts";

test("what is made once is one for all who ask", async () => {
  let times = 0;
  const made = onceMade(async () => ({ times: ++times }));
  const [a, b] = await Promise.all([made(), made()]);
  expect([a, await made()]).toEqual([b, b]);
  expect(times).toBe(1);
});

test("what has failed is made again by the next, and by those who have waited for another's", async () => {
  const asked: string[] = [];
  const gate: { open?: () => void } = {};
  const made = onceMade(async (who: string) => {
    asked.push(who);
    await new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    if (who === "first") throw new Error("cancelled");
    return who;
  });
  const [first, second, third] = [made("first"), made("second"), made("third")];
  gate.open?.();
  await expect(first).rejects.toThrow("cancelled");
  gate.open?.();
  expect(await Promise.all([second, third, made("fourth")])).toEqual([
    "second",
    "second",
    "second",
  ]);
  expect(asked).toEqual(["first", "second"]);
  const alone = onceMade(async () => {
    throw new Error("no");
  });
  await expect(alone()).rejects.toThrow("no");
  await expect(alone()).rejects.toThrow("no");
});
