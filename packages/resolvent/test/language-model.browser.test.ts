import { bundledModels } from "@resolvent/models";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../src/index.ts";

const { fetch } = globalThis;

/** A server that answers ranges as it should, over Vite's, whatever that makes of them. */
const ranged: typeof fetch = async (input, init) => {
  const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init?.headers).get("range") ?? "");
  if (range === null) return await fetch(input, init);
  const whole = await fetch(input, { ...init, headers: {} });
  const isFile = whole.ok && !(whole.headers.get("content-type") ?? "").includes("text/html");
  if (!isFile) return new Response(null, { status: 404 });
  const bytes = await whole.arrayBuffer();
  const [, start = "0", end = ""] = range;
  const last = Math.min(end === "" ? bytes.byteLength : Number(end), bytes.byteLength - 1);
  const headers = { "Content-Range": `bytes ${start}-${last}/${bytes.byteLength}` };
  return new Response(bytes.slice(Number(start), last + 1), { status: 206, headers });
};

beforeAll(() => {
  globalThis.fetch = ranged;
});
afterAll(() => {
  globalThis.fetch = fetch;
});

test("a bundled model, by name and by address, runs in a page", async () => {
  const seen = new Set<string>();
  const lm = await openModel("tales", { onProgress: ({ of }) => void seen.add(of) });
  const run = await lm.run("Once upon a time", { sites: ["*.pattern"] });
  expect(run.tokens.map(({ text }) => text).join("")).toBe("Once upon a time");
  expect(run.site("L0.attn.pattern").at({ head: 0, pos: 0, key_pos: 0 })).toBe(1);
  expect([...seen]).toEqual(["tensor"]);

  const url = bundledModels.tales?.url ?? "";
  const engine = lm.engine;
  const same = await openModel(new URL(url), { engine, hash: false });
  expect(same.model.name).toBe("tales");
  const again = await same.ablate({ heads: ["L1.H0"] }).run("Once upon a time");
  expect(again.logits.data).not.toEqual(run.logits.data);
  expect((await same.run("Once upon a time")).logits.data).toEqual(run.logits.data);
  await lm.close();
}, 60_000);

test("an address that leads nowhere is named", async () => {
  await expect(openModel("no/such/model", { threads: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("no/such/model"),
  });
});
