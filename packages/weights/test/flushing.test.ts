import { expect, test } from "vitest";
import { flushing } from "../src/node/flushing.ts";

const MANY = 2 ** 25;

/** A file whose first `datasync` ends as `first` does. */
function fake(first: Promise<void>): {
  readonly calls: string[];
  readonly handle: Parameters<typeof flushing>[0];
} {
  const calls: string[] = [];
  const datasync = async (): Promise<void> => {
    calls.push("datasync");
    if (calls.length === 1) await first;
  };
  const sync = async (): Promise<void> => void calls.push("sync");
  return { calls, handle: { datasync, sync } };
}

test("what is written is sent to the disk while more is written, one call at a time, and the rest at the end", async () => {
  let finish = (): void => {};
  const { calls, handle } = fake(new Promise((resolve) => (finish = resolve)));
  const flush = flushing(handle);
  flush.wrote(MANY - 1);
  expect(calls).toEqual([]);
  flush.wrote(1);
  flush.wrote(MANY);
  expect(calls).toEqual(["datasync"]);
  finish();
  await flush.idle();
  flush.wrote(1); // what was written meanwhile counts
  expect(calls).toEqual(["datasync", "datasync"]);
  await flush.idle();
  await flush.end();
  expect(calls).toEqual(["datasync", "datasync", "sync"]);
});

test("a fault is told at the end, though the system tells of it once only", async () => {
  const fault = new Error("EIO");
  const { calls, handle } = fake(Promise.reject(fault));
  const flush = flushing(handle);
  flush.wrote(MANY);
  await flush.idle();
  await expect(flush.end()).rejects.toBe(fault);
  expect(calls).toEqual(["datasync"]);
});
