import { defineAnalysis, type Result } from "@resolvent/analysis";
import { countParameter, parameters, promptParameter } from "@resolvent/analysis/parameters";
import { PROTOCOL, type Reply, type Work } from "@resolvent/analysis/remote";
import { runCost } from "@resolvent/transformer";
import { findFolder, selectEngine } from "resolvent";
import { afterAll, beforeEach, expect, test } from "vitest";
import { answeringAhead, isAhead } from "../src/worker/ahead.ts";
import { keptModels } from "../src/worker/kept-models.ts";
import { workplaceOf } from "../src/worker/workplace.ts";

const told: string[] = [];
const models = keptModels({ engine: selectEngine, folder: findFolder, threads: 1 });
afterAll(() => models.close());

/** Tells when it begins, and how it ends. */
const counts = defineAnalysis<
  { readonly prompt: string | readonly number[]; readonly steps: number },
  Result
>({
  ...{ name: "counts", summary: "slowly", description: "Counts." },
  params: parameters({
    prompt: promptParameter("text to read"),
    steps: countParameter("steps", { default: 1, most: 1e9 }),
  }),
  needs: ["layers"],
  estimate: ({ model }) => runCost(model, [1]),
  run: async ({ model, signal }, { prompt, steps }) => {
    const name = `${prompt} ${steps}`;
    told.push(`${name} begins`);
    for (let done = 0; done < steps; done++) {
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) told.push(`${name} is ended`);
      signal.throwIfAborted();
    }
    told.push(`${name} is found`);
    return {
      ...{ schemaVersion: 1, kind: "counts" },
      model: { name: model.name, sha256: null, architecture: "gpt2" },
    };
  },
  tables: () => [],
});

const work = (prompt: string, steps: number): Work => ({
  ...{ analysis: "counts", model: "attn-only-2l", values: { prompt, steps } },
  ...{ precision: "f32", float64: false },
});

/** The answering side, and the last reply to each request by its number. */
function answering() {
  const waiting = new Map<number, (reply: Reply) => void>();
  const workplace = workplaceOf({
    ...{ catalogue: async () => [], models, engine: "cpu, 1 thread" },
    unlisted: async () => counts,
  });
  const own = answeringAhead(workplace, (reply) => {
    if (reply.say === "findings" || reply.say === "failure") waiting.get(reply.to ?? -1)?.(reply);
  });
  return {
    ...own,
    run: async (id: number, asked: Work): Promise<Reply> =>
      await new Promise((resolve) => {
        waiting.set(id, resolve);
        own.hear({ protocol: PROTOCOL, id, ask: "run", work: asked });
      }),
  };
}

const begun = (name: string) =>
  expect.poll(() => told, { timeout: 20_000 }).toContain(`${name} begins`);

beforeEach(() => {
  told.length = 0;
});

test("who asks the same question waits for what is found ahead; nobody is told of it", async () => {
  const { find, run } = answering();
  find(work("Once", 30));
  await begun("Once 30");
  expect((await run(1, work("Once", 2))).say).toBe("findings");
  expect(told).toEqual(["Once 30 begins", "Once 30 is found", "Once 2 begins", "Once 2 is found"]);
});

test("other work ends it, and so does whoever cancels what waits for it; who was faster needs none", async () => {
  const { find, run, hear } = answering();
  find(work("Once", 1e9));
  await begun("Once 1000000000");
  expect((await run(1, work("Twice", 1))).say).toBe("findings");
  expect(told.slice(1)).toEqual(["Once 1000000000 is ended", "Twice 1 begins", "Twice 1 is found"]);
  find(work("Once", 1e8));
  await begun("Once 100000000");
  const waits = run(2, work("Once", 3));
  hear({ protocol: PROTOCOL, id: 3, ask: "cancel", request: 2 });
  expect((await waits).say).toBe("failure");
  expect(told).toContain("Once 100000000 is ended");
  expect(told).not.toContain("Once 3 is found");
  const asked = run(4, work("Twice", 2));
  find(work("Once", 1e7));
  expect((await asked).say).toBe("findings");
  expect(told).not.toContain("Once 10000000 begins");
});

test("what is no request while something is found stops nothing", async () => {
  const { find, run, hear } = answering();
  find(work("Once", 1e9));
  await begun("Once 1000000000");
  hear({ protocol: PROTOCOL, id: 1, ask: "run", work: null });
  expect((await run(2, work("Twice", 1))).say).toBe("findings");
});

test("a message that asks for it is told from others", () => {
  expect(isAhead({ ahead: work("Once", 1) })).toBe(true);
  for (const other of [undefined, null, { memory: 1 }, { ahead: "Once" }, { ask: "run" }])
    expect(isAhead(other)).toBe(false);
});
