import { PROTOCOL, type Reply, type Request, type Work } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";
import { type WorkerLike, workerConnection } from "../src/connection.ts";

const work: Work = {
  ...{ analysis: "paths", model: "tales", values: {}, precision: "f32", float64: true },
};

/** A worker that answers as it is told. */
function worker(answer: (request: Request, reply: (reply: Reply) => void) => void) {
  const hears: ((event: { readonly data?: unknown }) => void)[] = [];
  const made = {
    ended: false,
    postMessage: (message: unknown) =>
      answer(message as Request, (data) => {
        if (!made.ended) for (const hear of hears) hear({ data });
      }),
    terminate: () => {
      made.ended = true;
    },
    addEventListener: (type: string, hear: (event: { readonly data?: unknown }) => void) => {
      if (type === "message") hears.push(hear);
    },
  };
  return made satisfies WorkerLike;
}

test("a worker that does not heed a cancel is ended, and another is asked what else it was asked", async () => {
  const started: ReturnType<typeof worker>[] = [];
  const asking = workerConnection(
    () => {
      const hangs = started.length === 0;
      const own = worker(({ id, ask }, reply) => {
        if (!hangs && ask === "describe")
          reply({
            ...{ protocol: PROTOCOL, to: id, say: "description" },
            description: { analyses: [], models: [], engine: "none" },
          });
      });
      started.push(own);
      return own;
    },
    { patience: 20 },
  );
  const stop = new AbortController();
  const hanging = asking.run(work, { signal: stop.signal });
  const other = asking.describe();
  stop.abort();
  await expect(hanging).rejects.toMatchObject({ name: "AbortError" });
  expect((await other).engine).toBe("none");
  expect((await asking.describe()).engine).toBe("none");
  expect(started.map(({ ended }) => ended)).toEqual([true, false]);
});

test.each(["heeds it", "is done already"])("one that %s lives on", async (how) => {
  const estimate = {
    ...{ flops: 1, matmulFlops: 1, bytesMoved: 1, peakBytes: 1, calls: {} },
    weights: { kept: "in f32", bytes: 1 },
  };
  const one = worker((request, reply) => {
    if (request.ask !== "cancel") return;
    const to = { protocol: PROTOCOL, to: request.request } as const;
    const failure = { kind: "cancelled", code: "x", message: "", remedy: null } as const;
    if (how === "heeds it") reply({ ...to, say: "failure", failure });
    else reply({ ...to, say: "estimate", estimate });
  });
  const asking = workerConnection(() => one, { patience: 20 });
  const stop = new AbortController();
  const asked = asking.estimate(work, { signal: stop.signal }).catch(({ name }) => name);
  stop.abort();
  expect(await asked).toEqual(how === "heeds it" ? "AbortError" : estimate);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(one.ended).toBe(false);
});
