import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFolder, openModel, type WholeFile } from "../src/node.ts";

const models = fileURLToPath(new URL("../", bundledModels.tales?.url));
let server: Worker;
let address: string;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "resolvent-find-"));
  // On a thread of its own: a model that streams waits for its answers.
  server = new Worker(new URL("./serve.mjs", import.meta.url), { workerData: models });
  const port = await new Promise((resolve) => server.once("message", resolve));
  address = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  await server.terminate();
  await rm(scratch, { recursive: true });
});

const firstLogits = async (
  ...args: Parameters<typeof openModel>
): Promise<{ readonly name: string; readonly logits: readonly number[] }> => {
  const lm = await openModel(...args);
  const { logits } = await lm.run("Once upon a time");
  await lm.close();
  return { name: lm.model.name, logits: logits.at({ pos: -1 }).nested("vocab") };
};

describe("a model is the same", () => {
  test("by its name, its path, its address, whole or layer by layer", async () => {
    const named = await firstLogits("tales", { threads: 1 });
    expect(named.name).toBe("tales");
    const seen: string[] = [];
    const progress = { onProgress: ({ of }: { readonly of: string }) => void seen.push(of) };
    expect(await firstLogits(join(models, "tales"), { threads: 1, ...progress })).toEqual(named);
    expect(new Set(seen)).toEqual(new Set(["tensor"]));
    expect(await firstLogits(`${address}/tales`, { threads: 1, hash: false })).toEqual(named);
    const stream = { stream: true, threads: 1, hash: false };
    expect(await firstLogits("tales", stream)).toEqual(named);
    expect(await firstLogits(new URL(`${address}/tales/`), stream)).toEqual(named);
  });
});

test("a variant of a bundled model opens by its name, whole or layer by layer", async () => {
  const tales = await firstLogits("tales", { threads: 1, precision: "f64" });
  const permuted = await firstLogits("tales-permuted", { threads: 1, precision: "f64" });
  expect(permuted.name).toBe("tales-permuted");
  expect(permuted.logits).toBeNear(tales.logits, { rtol: 1e-9, atol: 1e-9 });
  expect(permuted.logits).not.toEqual(tales.logits);
  const rows = await firstLogits("tales-rows", { threads: 1 });
  expect(rows.name).toBe("tales-rows");
  expect(await firstLogits("tales-rows", { threads: 1, stream: true })).toEqual(rows);
});

test("who opens an address hears that its server sends whole files", async () => {
  const plain = createServer(async (request, response) => {
    const bytes = await readFile(join(models, request.url ?? "")).catch(() => undefined);
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", () => resolve()));
  const at = `http://127.0.0.1:${Object(plain.address()).port}/tales`;
  try {
    for (const place of [at, new URL(at)]) {
      const heard = new Map<string, number>();
      const onWhole = ({ name, done }: WholeFile) => void heard.set(name, done);
      const lm = await openModel(place, { threads: 1, onWhole });
      await lm.close();
      const { size } = await stat(join(models, "tales", "model.safetensors"));
      expect(heard.get(`${at}/model.safetensors`)).toBe(size);
      expect(heard.has(`${at}/config.json`)).toBe(true);
    }
  } finally {
    plain.close();
  }
});

describe("what leads nowhere is named", () => {
  test.each([
    ["no/such/model", "resolvent/no-model", /neither a bundled model nor a folder.*Bundled: tales/],
    ["hub:no/such/model", "weights/hub-bad-name", /not the name of a repository/],
    ["toString", "resolvent/no-model", /neither a bundled model nor a folder/],
  ])("%s", async (name, code, message) => {
    await expect(findFolder(name, { offline: true })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    "tales",
    "tales-rows",
    models,
    "http://127.0.0.1:9/tales",
    new URL("http://127.0.0.1:9"),
  ])("a revision of %s", async (place) => {
    await expect(openModel(place, { revision: "v1" })).rejects.toMatchObject({
      code: "resolvent/no-revisions",
      details: { revision: "v1" },
    });
  });

  test("nothing at all", async () => {
    const nothing = undefined as unknown as string; // as JavaScript may have it
    for (const place of [nothing, ""]) {
      await expect(openModel(place)).rejects.toMatchObject({ code: "resolvent/no-place" });
    }
  });

  test("a file", async () => {
    const file = join(scratch, "model.bin");
    await writeFile(file, "");
    const bundled = [...Object.keys(bundledModels), ...Object.keys(bundledVariants)];
    expect(bundled).toContain("tales-rows");
    await expect(openModel(file)).rejects.toMatchObject({
      code: "resolvent/not-a-folder",
      details: { path: file, bundled },
    });
  });

  test("a folder without a model, and an abort", async () => {
    await expect(openModel(scratch, { threads: 1 })).rejects.toMatchObject({
      code: "transformer/no-config",
    });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(openModel("tales", { threads: 1, signal })).rejects.toThrow("enough");
  });
});
